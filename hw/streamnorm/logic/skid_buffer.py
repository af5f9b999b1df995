"""A stream whose ready is a register, so that no logic leads from the receiver back to the sender."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SkidBuffer"]


class SkidBuffer(wiring.Component):
    """Passes beats on in the cycle in which they come; keeps one that the receiver does not take at once.

    ``i.ready`` is a register, 0 during reset. A beat a cycle, latency 0; ``o`` is not a register.

    Parameters
    ----------
    layout : of a beat

    Members
    -------
    i : In(stream of layout); o : Out(stream of layout)
    """

    def __init__(self, layout: data.StructLayout) -> None:
        self._layout = layout
        super().__init__({"i": In(stream.Signature(layout)), "o": Out(stream.Signature(layout))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ready = Signal()
        full = Signal()
        full_next = Signal()
        comes = Signal()
        held = Signal(self._layout, reset_less=True)
        m.d.comb += [
            self.i.ready.eq(ready),
            comes.eq(self.i.valid & ready),
            self.o.valid.eq(full | comes),
            self.o.payload.eq(Mux(full, held, self.i.payload)),
            full_next.eq((full | comes) & ~self.o.ready),
        ]
        m.d.sync += [full.eq(full_next), ready.eq(~full_next)]
        with m.If(~full):
            m.d.sync += held.eq(self.i.payload)
        return m
