"""The exact moments of a row, in one pass: n, the sum and the sum of squares."""

from collections.abc import Collection

from amaranth.hdl import Module, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig

__all__ = ["Moments"]


class Moments(wiring.Component):
    """``n``, ``s1 = sum(d)`` and ``s2 = sum(d**2)`` of the row so far, exact.

    Takes a beat every cycle. ``s1``, ``s2`` and ``n`` of a beat are there :attr:`s1_cycle`, :attr:`s2_cycle` and
    :attr:`n_cycle` cycles after the cycle in which the beat's lanes are at the input. s1 and s2 hold still where no
    beat comes; n does not. All outputs are registers.

    Parameters
    ----------
    config : NormConfig
    d_delay : ns of logic (block RAM) behind ``d``
    outputs : which of "n", "s1" and "s2" are worked out; the others are 0 (as s1 is for RMSNorm), their cycles too

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
    s1 : Out(signed(sum_bits)); s2 : Out(bits of square_sum_max); n : Out(length_bits)
    """

    def __init__(
        self, config: NormConfig, *, d_delay: float = 0.0, outputs: Collection[str] = ("n", "s1", "s2")
    ) -> None:
        ranges = Precision.of(config).ranges
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
                "n": Out(ranges.length_bits),
            }
        )
        self._m = m = Module()
        p = Pipeline(m, target, "moments")
        first, valid = p.input(self.first), p.input(self.valid)
        lanes = [p.input(self.d[lane], 0, d_delay) for lane in range(config.lanes)]

        self.n_cycle = self.s1_cycle = self.s2_cycle = 0
        if "s2" in outputs:
            squares = [self._non_negative(p, p.square(lane), ranges.difference_max**2) for lane in lanes]
            if len(squares) > 1:  # else nothing stands far apart; S1's and n's lanes come from registers
                squares = [p.carried(square, target.family.lane_distance) for square in squares]
            s2 = p.accumulate("s2", p.sum(squares, s2_shape), first, valid, s2_shape)
            m.d.comb += self.s2.eq(s2.value)
            self.s2_cycle = s2.cycle
        if "s1" in outputs and config.formula.centred:
            s1_shape = signed(ranges.sum_bits)
            s1 = p.accumulate("s1", p.sum(lanes, s1_shape), first, valid, s1_shape)
            m.d.comb += self.s1.eq(s1.value)
            self.s1_cycle = s1.cycle

        if "n" in outputs:
            length = unsigned(ranges.length_bits)
            kept = [p.input(self.keep[lane]) for lane in range(config.lanes)]
            n = p.registered(p.add(p.input(self.before), p.sum(kept, length), length, name="n"))
            m.d.comb += self.n.eq(n.value)
            self.n_cycle = n.cycle
        self.multipliers = p.multipliers

    @staticmethod
    def _non_negative(p: Pipeline, square: Timed, largest: int) -> Timed:
        return square.bits(0, min(square.width, largest.bit_length()))

    def elaborate(self, platform: object) -> Module:
        return self._m
