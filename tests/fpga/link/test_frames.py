"""Frames at the board's end, against the host's."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from fpga.link.serial_line import noisy_frames
from streamnorm_fpga.link.codec import FrameDecoder, encode_frame
from streamnorm_fpga.link.frames import FrameReceiver, FrameTransmitter

ERROR = 256  # in place of an octet: a line error


def simulate(dut, *benches):
    module = Module()
    module.submodules.dut = dut
    simulator = Simulator(module)
    simulator.add_clock(1e-6)
    for bench in benches:
        simulator.add_testbench(bench)
    simulator.run()


def received(octets):
    """The good frames a receiver finds in octets, and how many bad ones."""
    dut = FrameReceiver()
    frames, bad = [], 0

    async def bench(context):
        nonlocal bad
        content = None
        for octet in octets:
            context.set(dut.octet_in, octet & 0xFF)
            context.set(dut.strobe_in, octet != ERROR)
            context.set(dut.error_in, octet == ERROR)
            for _ in range(4):
                await context.tick()
                context.set(dut.strobe_in, 0)
                context.set(dut.error_in, 0)
                if context.get(dut.begin):
                    content = bytearray()
                if context.get(dut.strobe):
                    content.append(context.get(dut.octet))
                if context.get(dut.good):
                    frames.append(bytes(content))
                    content = None
                bad += context.get(dut.bad)

    simulate(dut, bench)
    return frames, bad


@pytest.mark.parametrize("seed", range(4))
def test_receiver_takes_from_a_bad_line_what_the_host_takes(seed):
    octets, _ = noisy_frames(seed, 120, encode_frame)
    octets = b"\x7e" + octets + encode_frame(b"last")
    decoder = FrameDecoder()
    wanted = list(decoder.feed(octets))
    assert len(wanted) > 50
    assert decoder.dropped > 20
    decoder.dropped -= octets[0] != 0x7E
    assert received(octets) == (wanted, decoder.dropped), f"seed {seed}"


def test_nothing_before_the_first_flag_counts():
    assert received(b"rubbish" + encode_frame(b"one") + encode_frame(b"two")) == ([b"one", b"two"], 0)


def test_empty_frames_are_nothing_and_short_ones_are_bad():
    assert received(b"\x7e\x7e\x7e" + encode_frame(b"ab") + b"\x7e" + encode_frame(b"a") + encode_frame(b"cd")) == (
        [b"ab", b"cd"],
        1,
    )


def test_frame_that_ends_with_an_escape_is_aborted():
    content = encode_frame(b"abcd")[1:-1]
    assert received(b"\x7e" + content + b"\x7d\x7e" + content + b"\x7e") == ([b"abcd"], 1)


@pytest.mark.parametrize("place", range(1, 8))
def test_line_error_spoils_one_frame(place):
    frame = list(encode_frame(b"abcd"))
    frame[place - 1] = ERROR
    good = list(encode_frame(b"efgh"))
    assert received([*good, *frame, *good]) == ([b"efgh", b"efgh"], 1)


def test_line_errors_while_hunting_are_not_counted_again():
    good = list(encode_frame(b"efgh"))
    assert received([*good, ERROR, 1, 2, ERROR, 3, ERROR, *good, *good]) == ([b"efgh"] * 3, 1)


def transmitted(frames, ready_chance, seed):
    """The octets that a transmitter sends, ready to be taken with a chance in each cycle."""
    dut = FrameTransmitter()
    draw = random.Random(seed)
    octets = bytearray()

    async def drive(context):
        for frame in frames:
            for place, octet in enumerate(frame):
                context.set(dut.i.payload.octet, octet)
                context.set(dut.i.payload.last, place == len(frame) - 1)
                context.set(dut.i.valid, 1)
                await context.tick().until(dut.i.ready)
                context.set(dut.i.valid, 0)
                await context.tick().repeat(draw.randrange(1, 4))
        # The check sequence, escaped, and the flag.
        await context.tick().repeat(round(30 / ready_chance))

    async def take(context):
        offered = None
        while True:
            context.set(dut.o.ready, draw.random() < ready_chance)
            *_, valid, ready, payload = await context.tick().sample(dut.o.valid, dut.o.ready, dut.o.payload)
            assert offered is None or (valid and payload == offered), f"seed {seed}: withdrawn"
            offered = payload if valid and not ready else None
            if valid and ready:
                octets.append(payload)

    module = Module()
    module.submodules.dut = dut
    simulator = Simulator(module)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.add_testbench(take, background=True)
    simulator.run()
    return bytes(octets)


@pytest.mark.parametrize("ready_chance", [1.0, 0.2])
def test_transmitter_sends_what_the_host_would(ready_chance):
    draw = random.Random(1)
    # Every check sequence comes with and without octets that need an escape.
    frames = [
        bytes(draw.choice((0x7D, 0x7E, draw.randrange(256))) for _ in range(draw.randrange(2, 12))) for _ in range(60)
    ]
    frames += list(escaped_checks())
    assert transmitted(frames, ready_chance, 1) == b"".join(map(encode_frame, frames))


def escaped_checks():
    """Contents whose check sequences hold a flag or an escape, first, last, and twice."""
    found = {}
    for number in range(1 << 16):
        content = number.to_bytes(2, "little")
        check = encode_frame(content)[-5:-1]
        kind = (check[-2] == 0x7D, check[-4] == 0x7D and check[-2] == 0x7D)
        found.setdefault(kind, content)
        if len(found) == 3:
            break
    return list(found.values())
