"""The exact moments of a row, in one pass: its weight, the sum and the sum of squares."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from amaranth.hdl import Module, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.ranges import Ranges
from streamnorm.spec.config import NormConfig

from .row_part import RowPart

__all__ = ["Moments"]


class Moments(wiring.Component):
    """``n``, ``s1 = sum(d)`` and ``s2 = sum(d**2)`` of the row so far, exact.

    ``n`` is what the row's weight is made of: for most norms, the number of its elements. Where a norm has a
    ``statistic_length``, the moments are those of so many elements at the row's beginning.

    Takes a beat every cycle. ``s1``, ``s2`` and ``n`` of a beat are there :attr:`s1_cycle`, :attr:`s2_cycle` and
    :attr:`n_cycle` cycles after the cycle in which the beat's lanes are at the input. s1 and s2 hold still where no
    beat comes; n does not. All outputs are registers.

    Parameters
    ----------
    config : NormConfig
    d_delay : ns of logic (block RAM) behind ``d``
    outputs : which of "n", "s1" and "s2" are worked out; the others are 0, as are those that the norm has no use for,
        and their cycles too

    Members
    -------
    valid, first : In(1)
        There is a beat; it is its row's first.
    d : In(ArrayLayout(signed(difference_bits), lanes))
        Lanes that are not kept must be 0.
    keep : In(lanes)
        Which lanes count, from lane 0 on.
    before : In(length_bits)
        Elements of the row before this beat.
    s1 : Out(signed(sum_bits)); s2 : Out(bits of square_sum_max); n : Out(count_bits)
    """

    names: ClassVar[tuple[str, ...]] = ("n", "s1", "s2")
    """Of its outputs."""

    about: ClassVar[str] = "square, add up the lanes, accumulate over the row"

    def __init__(
        self, config: NormConfig, *, d_delay: float = 0.0, outputs: Collection[str] = ("n", "s1", "s2")
    ) -> None:
        ranges = Ranges.of(config)
        target = config.device
        s2_shape = unsigned(ranges.square_sum_max.bit_length())
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "d": In(data.ArrayLayout(signed(ranges.difference_bits), config.lanes)),
                "keep": In(config.lanes),
                "before": In(ranges.length_bits),
                "s1": Out(signed(ranges.sum_bits)),
                "s2": Out(s2_shape),
                "n": Out(ranges.count_bits),
                **self.members(config),
            }
        )
        self._m = m = Module()
        norm = config.formula
        p = Pipeline(m, target, "moments")
        first, valid = p.input(self.first), p.input(self.valid)
        lanes = [p.input(self.d[lane], 0, d_delay) for lane in range(config.lanes)]
        part = RowPart(p, config, valid, self.before)
        valid, lanes = part.valid, part.lanes(lanes)

        self.n_cycle = self.s1_cycle = self.s2_cycle = 0
        if "s2" in outputs and norm.has_squares:
            squares = [self._non_negative(p, p.square(lane), ranges.difference_max**2) for lane in lanes]
            if len(squares) > 1:  # else nothing stands far apart; S1's and n's lanes come from registers
                squares = [p.carried(square, target.family.lane_distance) for square in squares]
            s2 = p.accumulate("s2", p.sum(squares, s2_shape), first, valid, s2_shape)
            m.d.comb += self.s2.eq(s2.value)
            self.s2_cycle = s2.cycle
        if "s1" in outputs and norm.has_sum:
            s1_shape = signed(ranges.sum_bits)
            s1 = p.accumulate("s1", p.sum(lanes, s1_shape), first, valid, s1_shape)
            m.d.comb += self.s1.eq(s1.value)
            self.s1_cycle = s1.cycle

        if "n" in outputs and not norm.has_unit_weight:
            n = part.count([self.keep[lane] for lane in range(config.lanes)], len(self.n))
            m.d.comb += self.n.eq(n.value)
            self.n_cycle = n.cycle
        self.multipliers = p.multipliers

    @staticmethod
    def members(config: NormConfig) -> Mapping[str, Any]:
        """What there is besides."""
        return {}

    @property
    def cycles(self) -> dict[str, int]:
        """Of each output, by name."""
        return {"n": self.n_cycle, "s1": self.s1_cycle, "s2": self.s2_cycle}

    @staticmethod
    def _non_negative(p: Pipeline, square: Timed, largest: int) -> Timed:
        return square.bits(0, min(square.width, largest.bit_length()))

    def elaborate(self, platform: object) -> Module:
        return self._m
