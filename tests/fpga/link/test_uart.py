"""Octets over the serial line, at exact and at inexact rates."""

from itertools import pairwise

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from fpga.link.serial_line import receive_octet, send_octet
from streamnorm_fpga.link.uart import SerialReceiver, SerialTransmitter

OCTETS = bytes([0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80, 0x7E, 0x0F])


def run(dut, *benches, background=()):
    module = Module()
    module.submodules.dut = dut
    simulator = Simulator(module)
    simulator.add_clock(1e-6)
    for bench in benches:
        simulator.add_testbench(bench)
    for bench in background:
        simulator.add_testbench(bench, background=True)
    simulator.run()


def received(dut, send):
    """What comes out of the receiver while ``send`` drives its line: octets, and "error"."""
    events = []

    async def bench(context):
        context.set(dut.rx, 1)
        await context.tick().repeat(4)
        await send(context)
        await context.tick().repeat(8)

    async def watch(context):
        async for _, _, octet, strobe, error in context.tick().sample(dut.octet, dut.strobe, dut.error):
            assert not (strobe and error)
            if strobe:
                events.append(octet)
            if error:
                events.append("error")

    run(dut, bench, background=[watch])
    return events


@pytest.mark.parametrize("bit_cycles", [4, 5, 8, 27])
def test_receiver_takes_octets_back_to_back(bit_cycles):
    dut = SerialReceiver(bit_cycles)

    async def send(context):
        for octet in OCTETS:
            await send_octet(context, dut.rx, octet, bit_cycles)

    assert received(dut, send) == list(OCTETS)


@pytest.mark.parametrize("sent_cycles", [97, 103])
def test_receiver_bears_a_rate_that_is_off_by_three_percent(sent_cycles):
    dut = SerialReceiver(100)

    async def send(context):
        for octet in OCTETS:
            await send_octet(context, dut.rx, octet, sent_cycles)

    assert received(dut, send) == list(OCTETS)


def test_missing_stop_bit_is_an_error_and_the_next_octet_is_right():
    dut = SerialReceiver(4)

    async def send(context):
        await send_octet(context, dut.rx, 0x12, 4)
        await send_octet(context, dut.rx, 0x34, 4, stop=0)
        await send_octet(context, dut.rx, 0x56, 4)

    assert received(dut, send) == [0x12, "error", 0x56]


def test_break_is_one_error():
    dut = SerialReceiver(4)

    async def send(context):
        context.set(dut.rx, 0)
        await context.tick().repeat(500)
        context.set(dut.rx, 1)
        await context.tick().repeat(8)
        await send_octet(context, dut.rx, 0x56, 4)

    assert received(dut, send) == ["error", 0x56]


def test_short_spike_is_nothing():
    dut = SerialReceiver(16)

    async def send(context):
        context.set(dut.rx, 0)
        await context.tick().repeat(5)
        context.set(dut.rx, 1)
        await context.tick().repeat(20)
        await send_octet(context, dut.rx, 0xA5, 16)

    assert received(dut, send) == [0xA5]


def test_bit_too_short_is_refused():
    with pytest.raises(ValueError, match="a bit of 3 cycles is too short: 4 at least"):
        SerialReceiver(3)


@pytest.mark.parametrize("bit_cycles", [4, 7])
def test_transmitter_sends_what_a_receiver_takes(bit_cycles):
    dut = SerialTransmitter(bit_cycles)
    came = []

    async def drive(context):
        for octet in OCTETS:
            context.set(dut.i.payload, octet)
            context.set(dut.i.valid, 1)
            await context.tick().until(dut.i.ready)
            context.set(dut.i.valid, 0)

    async def listen(context):
        assert context.get(dut.tx) == 1
        while len(came) < len(OCTETS):
            came.append(await receive_octet(context, dut.tx, bit_cycles))

    run(dut, drive, listen)
    assert came == list(OCTETS)


def test_transmitter_wastes_no_cycle():
    dut = SerialTransmitter(8)
    taken = []

    async def drive(context):
        context.set(dut.i.valid, 1)
        for cycle in range(900):
            *_, ready = await context.tick().sample(dut.i.ready)
            if ready:
                taken.append(cycle)

    run(dut, drive)
    between = [later - earlier for earlier, later in pairwise(taken)]
    assert between[1:] == [80] * (len(taken) - 2)  # the second is taken while the first is sent
    assert len(taken) == 13
