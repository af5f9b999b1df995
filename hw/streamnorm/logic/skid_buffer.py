"""A stream whose ready comes from a register: what waits for the receiver has a place of its own."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SkidBuffer"]


class SkidBuffer(wiring.Component):
    """One place, for a beat that comes in while the receiver takes none; else beats go straight through.

    ``i.ready``, 0 during reset, is a register and falls with the place taken; ``o`` is what comes in, or what is in the
    place. A beat a cycle, latency 0. No beat comes in from the second cycle on in which ``admits`` is 0; the one
    inside goes out all the same.

    Parameters
    ----------
    layout : of a beat

    Members
    -------
    i : In(stream of layout); o : Out(stream of layout)
    admits : In(1), 1 unless it is driven
    """

    places = 1
    """Beats that it holds."""

    def __init__(self, layout: data.StructLayout) -> None:
        self._layout = layout
        super().__init__(
            {"i": In(stream.Signature(layout)), "o": Out(stream.Signature(layout)), "admits": In(1, init=1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ready = Signal()
        full = Signal()
        waits = Signal()
        kept = Signal(self._layout, reset_less=True)
        m.d.comb += [
            self.i.ready.eq(ready),
            self.o.valid.eq(full | (self.i.valid & ready)),
            self.o.payload.eq(Mux(full, kept, self.i.payload)),
            waits.eq(self.o.valid & ~self.o.ready),
        ]
        m.d.sync += [full.eq(waits), ready.eq(~waits & self.admits)]
        # The place is free then, whether a beat comes or not.
        with m.If(ready):
            m.d.sync += kept.eq(self.i.payload)
        return m
