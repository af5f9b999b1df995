"""A counter that tells without delay whether anything is left."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Level"]

UNARY_MAX = 16
"""Up to this level, one flip-flop for each count is no larger than a counter with its comparisons."""


class Level(wiring.Component):
    """Counts up and down; ``some`` is a register and yet exact.

    ``some`` is 1 in a cycle if the level, with all events of earlier cycles, is above ``reserve``. The level must stay
    within 0 … ``maximum``.

    Parameters
    ----------
    maximum : largest level; init : level after reset
    reserve : what may still be taken although ``some`` is 0, by events that are reported late

    Members
    -------
    up, down : In(1); some : Out(1)
    some_next : Out(1)
        What ``some`` will be in the next cycle; not a register.
    """

    def __init__(self, *, maximum: int, init: int = 0, reserve: int = 0) -> None:
        self._maximum, self._init, self._reserve = maximum, init, reserve
        super().__init__({"up": In(1), "down": In(1), "some": Out(1, init=int(init > reserve)), "some_next": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        changes = Signal()
        m.d.comb += changes.eq(self.up ^ self.down)
        m.d.sync += self.some.eq(self.some_next)
        if self._maximum <= UNARY_MAX:
            # As many ones as the level: no carry chain, so that an event may come late in its cycle.
            ones = Signal(self._maximum + 1, init=(1 << self._init) - 1)
            with m.If(changes):
                m.d.sync += ones.eq(Mux(self.up, Cat(1, ones[:-1]), ones[1:]))
            at_least = [Const(1, 1), *ones]
        else:
            level = Signal(range(self._maximum + 1), init=self._init)
            # Where it changes, `up` tells the direction: `down` may come late in its cycle, behind the adder.
            with m.If(changes):
                m.d.sync += level.eq(level + Cat(1, (~self.up).replicate(len(level) - 1)))
            # As equalities: a comparison would be another carry chain.
            at_least = [~Cat(level == i for i in range(count)).any() for count in range(self._reserve + 3)]
        more, same, less = at_least[self._reserve + 2], at_least[self._reserve + 1], at_least[self._reserve]
        # `down`, which may come late, chooses last.
        m.d.comb += self.some_next.eq(Mux(self.down, Mux(self.up, same, more), Mux(self.up, less, same)))
        return m
