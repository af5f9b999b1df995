"""A counter that tells without delay whether anything is left."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Level"]


class Level(wiring.Component):
    """Counts up and down; ``some`` is a register and yet exact.

    ``some`` is 1 in a cycle if the level, with all events of earlier cycles, is above 0. ``down`` is only allowed while
    ``some`` is 1, ``up`` only below ``maximum`` or together with ``down``.

    Parameters
    ----------
    maximum : largest level; init : level after reset

    Members
    -------
    up, down : In(1); some : Out(1)
    some_next : Out(1)
        What ``some`` will be in the next cycle; not a register.
    """

    def __init__(self, *, maximum: int, init: int = 0) -> None:
        self._maximum, self._init = maximum, init
        super().__init__({"up": In(1), "down": In(1), "some": Out(1, init=int(init > 0)), "some_next": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        level = Signal(range(self._maximum + 1), init=self._init)
        # The count itself would come too late: what it will be is known from two comparisons made beforehand.
        m.d.comb += self.some_next.eq(self.up | (level > 1) | ((level == 1) & ~self.down))
        m.d.sync += self.some.eq(self.some_next)
        with m.If(self.up ^ self.down):
            m.d.sync += level.eq(level + Cat(1, self.down.replicate(len(level) - 1)))
        return m
