"""A stream that comes from registers at both ends: no logic leads through it in either direction."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SkidBuffer"]


class SkidBuffer(wiring.Component):
    """A register for a beat, and a second one for what comes in while the receiver does not take the first.

    ``i.ready``, 0 during reset, ``o.valid`` and ``o.payload`` are registers. A beat a cycle, :attr:`latency` 1.

    Parameters
    ----------
    layout : of a beat

    Members
    -------
    i : In(stream of layout); o : Out(stream of layout)
    """

    latency = 1

    def __init__(self, layout: data.StructLayout) -> None:
        self._layout = layout
        super().__init__({"i": In(stream.Signature(layout)), "o": Out(stream.Signature(layout))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ready = Signal()
        full = Signal()
        full_next = Signal()
        comes = Signal()
        forward = Signal()
        held = Signal(self._layout, reset_less=True)
        payload = Signal(self._layout, reset_less=True)
        m.d.comb += [
            self.i.ready.eq(ready),
            comes.eq(self.i.valid & ready),
            forward.eq(self.o.ready | ~self.o.valid),
            full_next.eq((full | comes) & ~forward),
            self.o.payload.eq(payload),
        ]
        m.d.sync += [full.eq(full_next), ready.eq(~full_next)]
        with m.If(~full):
            m.d.sync += held.eq(self.i.payload)
        with m.If(forward):
            m.d.sync += [self.o.valid.eq(full | comes), payload.eq(Mux(full, held, self.i.payload))]
        return m
