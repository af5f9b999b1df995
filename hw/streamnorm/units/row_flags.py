"""The flags of a row: what holds of a beat holds of the row that it is part of."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.spec.config import NormConfig
from streamnorm.spec.row_flags import flags_of

from .streams import flags_layout

__all__ = ["RowFlags"]


class RowFlags(wiring.Component):
    """Gathers the flags of a row's beats, up to its last one.

    What is known of the row as a whole may be said with any of its beats, or with all; what is known of an element,
    with its beat.

    Parameters
    ----------
    config : NormConfig
        With floating-point numbers on one side at least.

    Members
    -------
    valid : In(1)
        There is a beat; beats of a row follow one another, with or without a gap.
    last : In(1)
        Ends a row; looked at with ``valid``.
    beat : In(flags_layout)
        What holds of this beat alone, or of the row; looked at with ``valid``.
    flags : Out(flags_layout)
        Those of the row with its last beat, 0 with all others: a level of logic behind ``last`` and ``beat``, in the
        same cycle.
    """

    def __init__(self, config: NormConfig) -> None:
        self._names = flags_of(config)
        layout = flags_layout(config)
        super().__init__({"valid": In(1), "last": In(1), "beat": In(layout), "flags": Out(layout)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name in self._names:
            before = Signal(name=f"{name}_before")
            there = before | self.beat[name]
            m.d.comb += self.flags[name].eq(there & self.last)
            with m.If(self.valid):
                m.d.sync += before.eq(there & ~self.last)
        return m
