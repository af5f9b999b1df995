"""Wide counters for a fast clock."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Counter", "SaturatingCounter"]

_PART_BITS = 12


class Counter(wiring.Component):
    """Counts events, modulo ``2**width``.

    Parts of 12 bits, each of which hears of the overflow of the part below it a cycle late: ``count`` is right once
    as many cycles as there are parts have passed since the last event.

    Members
    -------
    event : In(1)
    count : Out(width)
    """

    def __init__(self, width: int) -> None:
        super().__init__({"event": In(1), "count": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parts: list[Value] = []
        step = self.event
        for start in range(0, len(self.count), _PART_BITS):
            part = Signal(min(_PART_BITS, len(self.count) - start), name=f"part_{start}")
            overflow = Signal(name=f"overflow_{start}")
            with m.If(step):
                m.d.sync += part.eq(part + 1)
            m.d.sync += overflow.eq(step & part.all())
            parts.append(part)
            step = overflow
        m.d.comb += self.count.eq(Cat(*parts))
        return m


class SaturatingCounter(wiring.Component):
    """Counts events up to ``2**width - 1`` and stays there; right once the cycles of a :class:`Counter` have passed.

    Members
    -------
    event : In(1)
    count : Out(width)
    """

    def __init__(self, width: int) -> None:
        super().__init__({"event": In(1), "count": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        width = len(self.count)
        m.submodules.counter = counter = Counter(width + 1)
        # Stopping the counter would put a comparison of all its bits in front of their clock enable.
        over = Signal()
        with m.If(counter.count[width]):
            m.d.sync += over.eq(1)
        m.d.comb += [
            counter.event.eq(self.event),
            self.count.eq(counter.count[:width] | (counter.count[width] | over).replicate(width)),
        ]
        return m
