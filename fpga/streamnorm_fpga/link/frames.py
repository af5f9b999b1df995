"""Frames on the serial line, at the board's end: PPP in HDLC-like framing (RFC 1662, sections 4.1, 4.2 and C.2).

A flag begins and ends a frame; one between two frames serves both. Inside, flags and escapes are sent as an escape
and the octet with bit 5 inverted. The last two octets are the check sequence of those before, CRC-16/IBM-SDLC, low
octet first. Address, control and protocol fields of PPP are not used.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import crc, stream, wiring
from amaranth.lib.crc import catalog
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

__all__ = ["ESCAPE", "ESCAPED", "FLAG", "FrameReceiver", "FrameTransmitter"]

FLAG, ESCAPE, ESCAPED = 0x7E, 0x7D, 0x20

CHECK_OCTETS = 2


def _check() -> crc.Processor:
    return catalog.CRC16_IBM_SDLC(data_width=8).create()


class FrameReceiver(wiring.Component):
    """The contents of frames from the octets of a line.

    The octets of a frame come as they arrive, each with ``strobe`` at 1, the check sequence left out. Only at its end
    is it known whether the frame is to be believed: ``good`` is 1 for a cycle then, or ``bad`` if the check fails,
    the frame is shorter than two octets and check sequence, or ends with an escape. ``bad`` also tells of a line
    error, at once: it may have hit a flag as well as any octet of a frame. From there to the next flag, as from
    reset to the first, octets are dropped without a word. Flags in a row are no frames.

    Octets and errors must be 4 cycles apart.

    Members
    -------
    octet_in : In(8); strobe_in, error_in : In(1), as of SerialReceiver
    octet : Out(8)
    strobe : Out(1)
        There is an octet of the frame.
    begin : Out(1)
        1 in a cycle before the first octet of a frame.
    good, bad : Out(1)
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "octet_in": In(8),
                "strobe_in": In(1),
                "error_in": In(1),
                "octet": Out(8),
                "strobe": Out(1),
                "begin": Out(1),
                "good": Out(1),
                "bad": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.check = check = _check()
        hunting = Signal(init=1)
        escaped = Signal()
        # A comparison of its own cycle: the next octet is far away.
        matches = Signal()
        m.d.sync += matches.eq(check.match_detected)
        # Octets of the frame so far, as ones: nothing, one, two, three, four and more.
        count = Signal(4)
        # Held back, since they may prove to be the check sequence.
        newer = Signal(8)
        older = Signal(8)
        value = Signal(8)
        m.d.comb += [value.eq(self.octet_in ^ Mux(escaped, ESCAPED, 0)), check.data.eq(value)]
        m.d.sync += [self.strobe.eq(0), self.begin.eq(0), self.good.eq(0), self.bad.eq(0)]
        with m.If(self.error_in):
            m.d.sync += [hunting.eq(1), self.bad.eq(~hunting)]
        with m.Elif(self.strobe_in):
            with m.If(self.octet_in == FLAG):
                whole = count[3] & ~escaped & matches
                something = ~hunting & (count[0] | escaped)
                m.d.sync += [
                    self.good.eq(something & whole),
                    self.bad.eq(something & ~whole),
                    hunting.eq(0),
                    escaped.eq(0),
                    count.eq(0),
                ]
                m.d.comb += check.start.eq(1)
            with m.Elif(~hunting & (self.octet_in == ESCAPE)):
                m.d.sync += escaped.eq(1)
            with m.Elif(~hunting):
                m.d.comb += check.valid.eq(1)
                m.d.sync += [
                    escaped.eq(0),
                    count.eq((count << 1) | 1),
                    newer.eq(value),
                    older.eq(newer),
                    self.octet.eq(older),
                    self.strobe.eq(count[CHECK_OCTETS - 1]),
                    self.begin.eq(~count[0]),
                ]
        return m


class FrameTransmitter(wiring.Component):
    """Frames around octets: flags, escapes and the check sequence are added.

    Members
    -------
    i : In(stream of octet and last)
        ``last`` ends a frame.
    o : Out(stream of octets); for SerialTransmitter
    """

    def __init__(self) -> None:
        payload = StructLayout({"octet": 8, "last": 1})
        super().__init__({"i": In(stream.Signature(payload)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.check = check = _check()
        octet = Signal(8)
        here = Signal()
        special = Signal()
        settled = Signal()
        escaped = Signal()
        # An octet waits a cycle until it is known whether it needs an escape.
        m.d.sync += [special.eq((octet == FLAG) | (octet == ESCAPE)), settled.eq(here & ~(self.o.valid & self.o.ready))]
        # An octet of the frame itself leaves, not the escape before it.
        sent = Signal()
        m.d.comb += [sent.eq(settled & self.o.ready & (escaped | ~special)), check.data.eq(self.i.payload.octet)]

        def send_stuffed() -> None:
            m.d.comb += [
                here.eq(1),
                self.o.valid.eq(settled),
                self.o.payload.eq(Mux(escaped, octet ^ ESCAPED, Mux(special, ESCAPE, octet))),
            ]
            with m.If(settled & self.o.ready):
                m.d.sync += escaped.eq(special & ~escaped)

        with m.FSM(name="transmitter"):
            with m.State("REST"):
                m.d.comb += [check.start.eq(1), self.o.valid.eq(self.i.valid), self.o.payload.eq(FLAG)]
                with m.If(self.o.ready & self.i.valid):
                    m.next = "CONTENT"
            with m.State("CONTENT"):
                m.d.comb += octet.eq(self.i.payload.octet)
                with m.If(self.i.valid):
                    send_stuffed()
                m.d.comb += [self.i.ready.eq(sent), check.valid.eq(sent)]
                with m.If(sent & self.i.payload.last):
                    m.next = "CHECK LOW"
            with m.State("CHECK LOW"):
                m.d.comb += octet.eq(check.crc[:8])
                send_stuffed()
                with m.If(sent):
                    m.next = "CHECK HIGH"
            with m.State("CHECK HIGH"):
                m.d.comb += octet.eq(check.crc[8:])
                send_stuffed()
                with m.If(sent):
                    m.next = "END"
            with m.State("END"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(FLAG)]
                with m.If(self.o.ready):
                    m.next = "REST"
        return m
