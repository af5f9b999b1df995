"""A stream whose handshake comes from registers at both ends: no logic leads through it in either direction."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RegisterSlice"]


class RegisterSlice(wiring.Component):
    """Two places for beats, written in turn, so that one may come in while the receiver does not take the other.

    ``i.ready``, 0 during reset, and ``o.valid`` are registers, ``o.payload`` is chosen of two; whether a place is
    written does not hang on the receiver. A beat a cycle, latency 1.

    Parameters
    ----------
    layout : of a beat

    Members
    -------
    i : In(stream of layout); o : Out(stream of layout)
    """

    places = 2
    """Beats that it holds."""

    def __init__(self, layout: data.StructLayout) -> None:
        self._layout = layout
        super().__init__({"i": In(stream.Signature(layout)), "o": Out(stream.Signature(layout))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ready = Signal()
        full = Signal()
        full_next = Signal()
        comes = Signal()
        goes = Signal()
        write_at = Signal()
        read_at = Signal()
        beats = [Signal(self._layout, reset_less=True, name=f"beat_{place}") for place in range(self.places)]
        m.d.comb += [
            self.i.ready.eq(ready),
            comes.eq(self.i.valid & ready),
            goes.eq(self.o.valid & self.o.ready),
            full_next.eq((full | (self.o.valid & comes)) & ~goes),
            self.o.payload.eq(Mux(read_at, beats[1], beats[0])),
        ]
        m.d.sync += [
            full.eq(full_next),
            ready.eq(~full_next),
            self.o.valid.eq(full | comes | (self.o.valid & ~goes)),
            write_at.eq(write_at ^ comes),
            read_at.eq(read_at ^ goes),
        ]
        # A place that may be written to is free, whether a beat comes or not.
        for place, beat in enumerate(beats):
            with m.If(ready & (write_at == place)):
                m.d.sync += beat.eq(self.i.payload)
        return m
