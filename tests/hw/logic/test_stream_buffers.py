"""Blocks between two streams: no beat lost, doubled or reordered, whatever the two sides do."""

import numpy as np
import pytest
from amaranth.hdl import unsigned
from amaranth.lib import data
from amaranth.sim import Simulator

from streamnorm.logic.register_slice import RegisterSlice
from streamnorm.logic.skid_buffer import SkidBuffer


@pytest.mark.parametrize(("block", "latency"), [(SkidBuffer, 0), (RegisterSlice, 1)])
@pytest.mark.parametrize(("source", "sink"), [(0.0, 0.0), (0.0, 0.5), (0.5, 0.0), (0.5, 0.5), (0.1, 0.9)])
def test_beats_pass_in_order(source: float, sink: float, block: type[SkidBuffer | RegisterSlice], latency: int) -> None:
    buffer = block(data.StructLayout({"x": unsigned(16)}))
    rng = np.random.default_rng(1)
    sent, got, cycles = [], [], 400

    async def bench(ctx) -> None:
        offered, ready_before = None, 0
        for cycle in range(cycles):
            if offered is None and rng.random() >= source:
                offered = cycle
            ctx.set(buffer.i.valid, offered is not None)
            ctx.set(buffer.i.payload.x, 0xDEAD if offered is None else offered)
            ready = ctx.get(buffer.i.ready)
            ctx.set(buffer.o.ready, 0)
            assert ctx.get(buffer.i.ready) == ready, "ready is no register"
            takes = rng.random() >= sink
            ctx.set(buffer.o.ready, takes)
            assert ctx.get(buffer.i.ready) == ready, "ready follows the receiver in the same cycle"
            if ctx.get(buffer.o.valid) and takes:
                got.append(ctx.get(buffer.o.payload.x))
            if offered is not None and ready:
                sent.append(offered)
                offered = None
            if cycle == 0:
                assert not ready, "ready at once after reset"
            ready_before += ready
            await ctx.tick()
        if source == sink == 0.0:
            assert ready_before == cycles - 1
            assert got == sent[: len(sent) - latency]

    simulator = Simulator(buffer)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert sent[: len(got)] == got
    assert len(sent) - len(got) <= block.places
    assert len(got) > 15


def test_nothing_comes_in_that_is_not_admitted() -> None:
    buffer = SkidBuffer(data.StructLayout({"x": unsigned(4)}))

    async def bench(ctx) -> None:
        ctx.set(buffer.i.valid, 1)
        await ctx.tick().repeat(3)
        ctx.set(buffer.o.ready, 1)
        ctx.set(buffer.admits, 0)
        assert (ctx.get(buffer.o.valid), ctx.get(buffer.i.ready)) == (1, 0)
        for _ in range(3):
            await ctx.tick()
            assert (ctx.get(buffer.o.valid), ctx.get(buffer.i.ready)) == (0, 0)
        ctx.set(buffer.admits, 1)
        await ctx.tick()
        assert (ctx.get(buffer.o.valid), ctx.get(buffer.i.ready)) == (1, 1)

    simulator = Simulator(buffer)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
