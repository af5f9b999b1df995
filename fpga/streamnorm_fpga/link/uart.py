"""The serial line: 8 data bits, no parity, one stop bit, low bit first."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["BIT_CYCLES_MIN", "SerialReceiver", "SerialTransmitter"]

BIT_CYCLES_MIN = 4
"""Clock cycles of a bit, at least: fewer leave the middle of a bit nowhere."""


class SerialReceiver(wiring.Component):
    """Octets from a serial line.

    Each bit is sampled once, in its middle, counted from the falling edge of the start bit. ``octet`` is there in the
    cycle in which ``strobe`` is 1, and stays until the next octet's bits come in. Where the stop bit is missing,
    ``error`` is 1 for a cycle instead, and the receiver waits for the line to rest.

    Parameters
    ----------
    bit_cycles : int
        Clock cycles of a bit, at least :data:`BIT_CYCLES_MIN`.

    Members
    -------
    rx : In(1); the line, asynchronous
    octet : Out(8); strobe, error : Out(1); all are registers
    """

    def __init__(self, bit_cycles: int) -> None:
        if bit_cycles < BIT_CYCLES_MIN:
            raise ValueError(f"a bit of {bit_cycles} cycles is too short: {BIT_CYCLES_MIN} at least")
        self._bit_cycles = bit_cycles
        super().__init__({"rx": In(1, init=1), "octet": Out(8), "strobe": Out(1), "error": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, line, init=1)
        timer = Signal(range(self._bit_cycles))
        # A one walks through as bits come in; it falls out below when the stop bit is next.
        bits = Signal(9)
        m.d.sync += [self.strobe.eq(0), self.error.eq(0), timer.eq(timer - 1)]
        with m.FSM(name="receiver"):
            with m.State("REST"):
                m.d.sync += timer.eq(self._bit_cycles // 2 - 1)
                with m.If(~line):
                    m.next = "START"
            with m.State("START"), m.If(timer == 0):
                m.d.sync += [timer.eq(self._bit_cycles - 1), bits.eq(1 << 8)]
                # A start bit that is over by its middle was none.
                m.next = "REST"
                with m.If(~line):
                    m.next = "DATA"
            with m.State("DATA"), m.If(timer == 0):
                m.d.sync += [timer.eq(self._bit_cycles - 1), bits.eq(Cat(bits[1:], line))]
                with m.If(bits[0]):
                    m.d.sync += [bits.eq(bits), self.octet.eq(bits[1:]), self.strobe.eq(line), self.error.eq(~line)]
                    m.next = "STOP"
            with m.State("STOP"), m.If(line):
                m.next = "REST"
        return m


class SerialTransmitter(wiring.Component):
    """Octets to a serial line, one after the other without a pause as long as there are any.

    Parameters
    ----------
    bit_cycles : int
        Clock cycles of a bit.

    Members
    -------
    i : In(stream of octets)
    tx : Out(1); a register, 1 at rest
    """

    def __init__(self, bit_cycles: int) -> None:
        self._bit_cycles = bit_cycles
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Counts down to -1: its sign alone tells that the next bit is due.
        timer = Signal(signed(self._bit_cycles.bit_length() + 1), init=-1)
        due = timer[-1]
        # Taken early: what decides that there is an octet does not reach into the line's own timing.
        following = Signal(8)
        here = Signal()
        # Bits still to send, the stop bit on top; empty once that has begun.
        bits = Signal(9)
        m.d.comb += self.i.ready.eq(~here)
        with m.If(self.i.valid & ~here):
            m.d.sync += [following.eq(self.i.payload), here.eq(1)]
        with m.If(~due):
            m.d.sync += timer.eq(timer - 1)
        with m.Elif(bits.any()):
            m.d.sync += [timer.eq(self._bit_cycles - 2), bits.eq(bits[1:]), self.tx.eq(bits[0])]
        with m.Elif(here):
            m.d.sync += [timer.eq(self._bit_cycles - 2), bits.eq(Cat(following, Const(1, 1))), self.tx.eq(0)]
            m.d.sync += here.eq(0)
        return m
