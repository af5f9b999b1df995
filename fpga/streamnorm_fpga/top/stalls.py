"""Random bits that decide in which cycles the ends of a stream stall."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RandomStalls"]


class RandomStalls(wiring.Component):
    """Two bits, one for each end, that are 1 in about half of the cycles; always 1 without ``enable``.

    Members
    -------
    enable : In(1)
    source, sink : Out(1)
    """

    def __init__(self) -> None:
        super().__init__({"enable": In(1), "source": Out(1), "sink": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        state = Signal(18, init=1)  # x**18 + x**11 + 1 has the full period
        m.d.sync += state.eq(Cat(state[17] ^ state[10], state))
        m.d.comb += [self.source.eq(state[2] | ~self.enable), self.sink.eq(state[13] | ~self.enable)]
        return m
