"""Random bits that decide in which cycles the ends of a stream stall."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RandomStalls"]

# Bits of the register: each end sees what another one saw some cycles before.
_FIRST_SOURCE, _FIRST_SINK, _APART = 2, 13, 4


class RandomStalls(wiring.Component):
    """A bit for each end of each stream that is 1 in about half of the cycles; always 1 without ``enable``.

    Parameters
    ----------
    sources, sinks : int
        Streams that go in, and that come out; 4 at most.

    Members
    -------
    enable : In(1)
    source, sink : Out(1); of the rows and the results
    source_1, … and sink_1, … : Out(1); of the streams beside
    """

    def __init__(self, sources: int = 1, sinks: int = 1) -> None:
        self._ends = {
            **{f"source_{index}" if index else "source": _FIRST_SOURCE + _APART * index for index in range(sources)},
            **{f"sink_{index}" if index else "sink": _FIRST_SINK - _APART * index for index in range(sinks)},
        }
        super().__init__({"enable": In(1), **{end: Out(1) for end in self._ends}})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        state = Signal(18, init=1)  # x**18 + x**11 + 1 has the full period
        m.d.sync += state.eq(Cat(state[17] ^ state[10], state))
        m.d.comb += [getattr(self, end).eq(state[bit] | ~self.enable) for end, bit in self._ends.items()]
        return m
