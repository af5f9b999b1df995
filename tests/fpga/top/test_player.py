"""The player against any unit: every beat once, in order, at full rate if it is let."""

import random

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from fpga.top.bench_board import beat_octets
from fpga.top.stand_in import config
from streamnorm.spec.formats import IntFormat
from streamnorm_fpga.top.memory import LATENCY
from streamnorm_fpga.top.pattern import PatternModel
from streamnorm_fpga.top.player import Player

UNIT = config(lanes=3, max_length=20, input=IntFormat(16))
BEAT = UNIT.lanes * UNIT.input.bytes


def play(rows, *, testing=False, ready_chance=1.0, open_chance=1.0, seed=0, again=1):
    """Play rows; return the beats that came as (octets, keep, last), the marks of first beats, and the cycles."""
    dut = Player(UNIT)
    draw = random.Random(seed)
    octets = beat_octets(UNIT.lanes, UNIT.input, rows)
    memory = [octets[place : place + BEAT] for place in range(0, len(octets), BEAT)]
    beats = -(-rows.shape[1] // UNIT.lanes)
    came, firsts, cycles = [], [], []

    async def remember(context):
        pipeline = [0] * LATENCY
        while True:
            *_, address = await context.tick().sample(dut.read_address)
            pipeline = [address, *pipeline[:-1]]
            data = memory[pipeline[-1]] if pipeline[-1] < len(memory) else b"\xee" * BEAT
            context.set(dut.read_data, int.from_bytes(data, "little"))

    async def drive(context):
        values = {"rows": len(rows), "beats_minus_1": beats - 1, "testing": testing}
        for name, value in (values | {"kept": rows.shape[1] - (beats - 1) * UNIT.lanes}).items():
            context.set(getattr(dut, name), value)
        context.set(dut.restart_pattern, 1)
        await context.tick()
        context.set(dut.restart_pattern, 0)
        for run in range(1, again + 1):
            context.set(dut.start, 1)
            await context.tick()
            context.set(dut.start, 0)
            while len(came) < run * len(rows) * beats:
                await context.tick()
            await context.tick().repeat(10)

    async def take(context):
        offered, cycle = None, 0
        while True:
            context.set(dut.ready, draw.random() < ready_chance)
            context.set(dut.open, draw.random() < open_chance)
            signals = (dut.valid, dut.ready, dut.first, dut.data, dut.keep, dut.last)
            *_, valid, ready, first, data, keep, last = await context.tick().sample(*signals)
            cycle += 1
            beat = (data.to_bytes(BEAT, "little"), keep, last)
            assert offered is None or (valid and beat == offered), f"seed {seed}: withdrawn"
            offered = beat if valid and not ready else None
            if valid and ready:
                came.append(beat)
                firsts.append(first)
                cycles.append(cycle)

    module = Module()
    module.submodules.dut = dut
    simulator = Simulator(module)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.add_testbench(remember, background=True)
    simulator.add_testbench(take, background=True)
    simulator.run()
    return came, firsts, cycles[-1] - cycles[0]


def wanted(rows):
    octets = beat_octets(UNIT.lanes, UNIT.input, rows)
    beats = -(-rows.shape[1] // UNIT.lanes)
    kept = rows.shape[1] - (beats - 1) * UNIT.lanes
    return [
        (
            octets[place * BEAT : (place + 1) * BEAT],
            (1 << UNIT.input.bytes * (kept if place % beats == beats - 1 else UNIT.lanes)) - 1,
            place % beats == beats - 1,
        )
        for place in range(len(rows) * beats)
    ]


def draw_rows(rows, length):
    return np.random.default_rng(length).integers(-32768, 32768, (rows, length))


@pytest.mark.parametrize("length", [1, 3, 4, 20])
@pytest.mark.parametrize("chances", [(1.0, 1.0), (1.0, 0.5), (0.5, 1.0), (0.4, 0.4), (0.1, 0.9)])
def test_every_beat_comes_once(length, chances):
    rows = draw_rows(6, length)
    came, firsts, _ = play(rows, ready_chance=chances[0], open_chance=chances[1], again=2)
    beats = len(wanted(rows))
    assert came == wanted(rows) * 2
    assert firsts == [place % (beats // 6) == 0 for place in range(beats)] * 2


@pytest.mark.parametrize("length", [1, 3, 20])
def test_nothing_stalls_unless_told(length):
    rows = draw_rows(9, length)
    came, _, cycles = play(rows)
    assert cycles == len(came) - 1


def test_self_test_plays_the_pattern_at_full_rate():
    model = PatternModel(UNIT)
    rows = model.rows(5, 20, narrow=False)
    again = model.rows(5, 20, narrow=False)  # the pattern goes on where it stood
    for chances in ((1.0, 1.0), (0.4, 0.6)):
        came, *_ = play(rows, testing=True, ready_chance=chances[0], open_chance=chances[1], again=2)
        # What is in the lanes that are not kept does not matter.
        kept = [(data[: keep.bit_count()], keep, last) for data, keep, last in came]
        assert kept == [(data[: keep.bit_count()], keep, last) for data, keep, last in wanted(rows) + wanted(again)]
