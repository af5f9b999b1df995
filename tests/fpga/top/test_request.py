"""Requests taken apart, octet by octet, without a line."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from fpga.top.bench_board import beat_octets, rows_body
from fpga.top.stand_in import config
from streamnorm.spec.formats import IntFormat
from streamnorm_fpga.link.protocol import ROWS_HEADER, Operation, rows_header
from streamnorm_fpga.top.memory import memory_beats
from streamnorm_fpga.top.request import RequestReceiver

CONFIGS = {
    "1 x int8": config(lanes=1, max_length=9),
    "2 x uint12": config(input=IntFormat(12, signed=False)),
    "3 x int8, 3 banks": config(lanes=3, max_length=80, banks=3, gamma=np.ones((3, 80))),
    "2 x int8, 300 banks": config(banks=300, storage="ram"),
    "1 x int24, long rows": config(lanes=1, max_length=130, input=IntFormat(24)),
}
OCTET_CYCLES = 4


class Frames:
    """The end of a frame receiver."""

    def __init__(self, context, dut):
        self.context, self.dut = context, dut
        self.dropped = 0
        self.written = {}

    async def tick(self, **values):
        for name, value in values.items():
            self.context.set(getattr(self.dut, name), value)
        await self.context.tick()
        for name in values:
            self.context.set(getattr(self.dut, name), 0)

    async def cycles(self, count):
        await self.context.tick().repeat(count)

    async def frame(self, content, *, end="good"):
        await self.tick(begin=1)
        await self.tick()
        for octet in content:
            await self.tick(octet=octet, strobe=1)
            await self.cycles(OCTET_CYCLES - 1)
        if end:
            await self.tick(**{end: 1})
            await self.cycles(3)

    async def request(self, body):
        """Send a whole ROWS request; return whether it was taken for one."""
        await self.frame(bytes([Operation.ROWS, 7]) + body)
        assert self.get("pending")
        return bool(self.get("rows_ok"))

    async def done(self):
        await self.tick(done=1)

    def get(self, name):
        return self.context.get(getattr(self.dut, name))


def run(unit, bench):
    dut = RequestReceiver(unit)
    module = Module()
    module.submodules.dut = dut
    simulator = Simulator(module)
    simulator.add_clock(1e-6)
    ends = []

    async def drive(context):
        ends.append(Frames(context, dut))
        await bench(ends[0])

    async def watch(context):
        signals = (dut.dropped, dut.write_enable, dut.write_address, dut.write_data)
        async for _, _, dropped, enable, address, data in context.tick().sample(*signals):
            ends[0].dropped += dropped
            if enable:
                ends[0].written[address] = data

    simulator.add_testbench(drive)
    simulator.add_testbench(watch, background=True)
    simulator.run()


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
def unit(request):
    return request.param


def draw_rows(config, rows, length, seed):
    return np.random.default_rng(seed).integers(config.input.min, config.input.max + 1, (rows, length))


def test_rows_go_to_the_memory(unit):
    async def bench(frames):
        for seed, length in enumerate((1, unit.lanes, unit.lanes + 1, unit.max_length, unit.max_length - 1)):
            bank, control, count = seed * 71 % unit.banks, seed % 2, 1 + seed % 3
            rows = draw_rows(unit, count, length, seed)
            frames.written.clear()
            assert await frames.request(rows_body(unit, rows, bank=bank, control=control)), f"seed {seed}"
            octets = beat_octets(unit.lanes, unit.input, rows)
            size = unit.lanes * unit.input.bytes
            beats = -(-length // unit.lanes)
            wanted = [int.from_bytes(octets[place : place + size], "little") for place in range(0, len(octets), size)]
            assert [frames.written[address] for address in range(len(frames.written))] == wanted
            assert (frames.get("operation"), frames.get("sequence")) == (Operation.ROWS, 7)
            assert (frames.get("rows"), frames.get("beats_minus_1")) == (count, beats - 1)
            assert frames.get("kept") == length - (beats - 1) * unit.lanes
            assert (frames.get("bank"), frames.get("stalls")) == (bank, control)
            await frames.done()
        assert frames.dropped == 0

    run(unit, bench)


def test_memory_can_be_filled_but_not_more(unit):
    depth, size = memory_beats(unit), unit.lanes * unit.input.bytes

    async def bench(frames):
        for rows, beats in ((depth, 1), (1, depth), (depth // 8, 8)):
            head = ROWS_HEADER.pack(0, 0, beats - 1, 1)
            data = np.random.default_rng(rows).bytes(size * depth)
            assert await frames.request(head + data)
            assert frames.get("rows") == rows
            await frames.done()
            assert not await frames.request(head + data + bytes(size * beats))
            assert frames.written[0] == int.from_bytes(data[:size], "little")
            await frames.done()

    run(unit, bench)


def bad_bodies(unit):
    """Bodies of ROWS that no board may play, each right after a good one."""
    good = rows_body(unit, draw_rows(unit, 2, unit.max_length, 1))
    bank, control, beats_minus_1, kept = ROWS_HEADER.unpack(good[: ROWS_HEADER.size])
    data = good[ROWS_HEADER.size :]
    beat = unit.lanes * unit.input.bytes

    def body(*head):
        return ROWS_HEADER.pack(*head) + data

    yield "empty", b""
    for octets in range(1, ROWS_HEADER.size):
        yield f"{octets} octets of the head", good[:octets]
    yield "no data", good[: ROWS_HEADER.size]
    yield "an octet too many", good + b"\0"
    yield "a beat too many", good + bytes(beat)
    yield "a beat too few", good[:-beat]
    yield "an octet too few", good[:-1]
    for name, wrong in (("no such bank", unit.banks), ("far from any bank", 255 if unit.banks <= 255 else 4095)):
        yield name, rows_header(wrong, stalls=False, beats=beats_minus_1 + 1, kept=kept) + data
    yield "nothing kept", body(bank, control, beats_minus_1, 0)
    yield "too much kept", body(bank, control, beats_minus_1, unit.lanes + 1)
    yield "far too much kept", body(bank, control, beats_minus_1, 255)
    yield "row longer than the memory", body(bank, control, memory_beats(unit) + beats_minus_1, kept)
    yield "row far longer than the memory", body(bank, control, 0x8000 + beats_minus_1, kept)


def test_malformed_rows_are_refused(unit):
    good = rows_body(unit, draw_rows(unit, 2, unit.max_length, 1))

    async def bench(frames):
        for name, body in bad_bodies(unit):
            assert await frames.request(good), f"before {name}"
            await frames.done()
            assert not await frames.request(body), name
            await frames.done()
        assert frames.dropped == 0

    run(unit, bench)


def test_pending_request_is_not_touched():
    unit = CONFIGS["2 x uint12"]
    rows = [draw_rows(unit, count, 5, count) for count in (2, 3)]

    async def bench(frames):
        assert await frames.request(rows_body(unit, rows[0]))
        written = dict(frames.written)
        await frames.frame(bytes([Operation.ROWS, 8]) + rows_body(unit, rows[1]))
        assert (frames.get("pending"), frames.get("rows_ok"), frames.get("sequence")) == (1, 1, 7)
        assert frames.written == written
        assert frames.dropped == 1

    run(unit, bench)


def test_frame_that_began_too_early_is_dropped_whole():
    unit = CONFIGS["2 x uint12"]
    body = rows_body(unit, draw_rows(unit, 2, 5, 1))

    async def bench(frames):
        assert await frames.request(body)
        frames.written.clear()
        await frames.frame(bytes([Operation.INFO, 8]), end=None)
        await frames.done()
        await frames.tick(good=1)
        await frames.cycles(3)
        assert (frames.get("pending"), frames.dropped, frames.written) == (0, 1, {})
        assert await frames.request(body)

    run(unit, bench)


def test_bad_frame_is_forgotten():
    unit = CONFIGS["2 x uint12"]
    body = rows_body(unit, draw_rows(unit, 2, 5, 1))

    async def bench(frames):
        for cut in (1, 2, 3, 9, len(body)):
            await frames.frame((bytes([Operation.ROWS, 8]) + body)[:cut], end="bad")
            assert not frames.get("pending")
            assert await frames.request(body), f"after {cut} octets"
            assert frames.get("rows") == 2
            await frames.done()
        assert frames.dropped == 5

    run(unit, bench)
