"""Counters and the stopwatch."""

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from streamnorm_fpga.top.counter import Counter
from streamnorm_fpga.top.recorder import Stopwatch


def simulate(dut, bench):
    module = Module()
    module.submodules.dut = dut
    simulator = Simulator(module)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("width", [3, 13, 26, 32])
def test_counter_carries_over_its_parts(width):
    dut = Counter(width)

    async def bench(context):
        context.set(dut.event, 1)
        await context.tick().repeat(3 * (1 << 12) + 5)
        context.set(dut.event, 0)
        await context.tick().repeat(4)
        assert context.get(dut.count) == (3 * (1 << 12) + 5) % (1 << width)

    simulate(dut, bench)


def stopwatch(rows, *, early=False):
    """What the stopwatch shows after rows, each (first in, last in, first out, last out) in cycles."""
    dut = Stopwatch(early=early)
    names = ("first_in", "last_in", "first_out", "last_out")
    end = max(max(row) for row in rows)
    result = []

    async def bench(context):
        context.set(dut.start, 1)
        await context.tick()
        context.set(dut.start, 0)
        for cycle in range(end + 1):
            for index, name in enumerate(names):
                context.set(getattr(dut, name), any(row[index] == cycle for row in rows))
            await context.tick()
        for name in names:
            context.set(getattr(dut, name), 0)
        await context.tick().repeat(20)
        result.extend(context.get(value) for value in (dut.l1, dut.l2, dut.l3, dut.ss))

    simulate(dut, bench)
    return tuple(result)


def test_stopwatch_shows_the_last_row():
    # The second row comes in while the first goes out.
    rows = [(10, 13, 30, 33), (14, 17, 34, 37)]
    assert stopwatch(rows) == (20, 17, 23, 4)


def test_stopwatch_of_short_rows_in_flight():
    assert stopwatch([(10 + row, 10 + row, 40 + row, 40 + row) for row in range(8)]) == (30, 30, 30, 1)


def test_stopwatch_of_a_lone_row():
    assert stopwatch([(1, 5, 9, 13)]) == (8, 4, 12, 0)


def test_stopwatch_counts_modulo_its_width():
    assert stopwatch([(0, 3, 70_000, 70_003)])[:3] == (70_000 % 2**16, 69_997 % 2**16, 70_003 % 2**16)


def test_stopwatch_of_rows_that_leave_before_they_end():
    below_0 = 1 << 16
    assert stopwatch([(1, 30, 20, 49)], early=True) == (19, below_0 - 10, 48, 0)
    assert stopwatch([(1, 20, 20, 39)], early=True) == (19, 0, 38, 0)
    assert stopwatch([(1, 5, 20, 24)], early=True) == (19, 15, 23, 0)
    rows = [(1 + 30 * row, 30 + 30 * row, 20 + 30 * row, 49 + 30 * row) for row in range(3)]
    assert stopwatch(rows, early=True) == (19, below_0 - 10, 48, 30)
