"""The exact sum of a row's absolute deviations from its mean, once that is known."""

from amaranth.hdl import Module, Mux, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.ranges import Ranges
from streamnorm.spec.config import NormConfig

__all__ = ["AbsoluteSum"]


class AbsoluteSum(wiring.Component):
    """``M = sum(|n*d - S1|)`` of the row so far, exact.

    Takes a beat every cycle. M of a beat is there :attr:`s2_cycle` cycles after the cycle in which the beat's lanes are
    at the input, and holds still where no beat comes. It is a register.

    Deviations add up to 0, so M is twice the sum of those above 0, and no lane has to negate anything.

    Parameters
    ----------
    config : NormConfig
    d_delay : ns of logic (block RAM) behind ``d``
    row_delay : the same behind ``n`` and ``s1``

    Members
    -------
    valid, first : In(1)
        There is a beat; it is its row's first.
    d : In(ArrayLayout(signed(difference_bits), lanes))
    keep : In(lanes)
        Which lanes count.
    n : In(count_bits); s1 : In(signed(sum_bits))
        Of the whole row, with each of its beats.
    s2 : Out(bits of square_sum_max)
        M, in the place that a sum of squares has in other norms.
    """

    def __init__(self, config: NormConfig, *, d_delay: float = 0.0, row_delay: float = 0.0) -> None:
        ranges = Ranges.of(config)
        self._target = target = config.device
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "d": In(data.ArrayLayout(signed(ranges.difference_bits), config.lanes)),
                "keep": In(config.lanes),
                "n": In(ranges.count_bits),
                "s1": In(signed(ranges.sum_bits)),
                "s2": Out(ranges.square_sum_max.bit_length()),
            }
        )
        self._m = m = Module()
        self._p = p = Pipeline(m, target, "absolute")
        self._width = ranges.difference_bits + ranges.count_bits + 1
        # One register each for all lanes, which stand far from the memory that these come from.
        n = p.registered(p.input(self.n, 0, row_delay))
        s1 = p.registered(p.input(self.s1, 0, row_delay))
        lanes = [
            self._above(p.input(self.d[lane], 0, d_delay), p.input(self.keep[lane]), n, s1)
            for lane in range(config.lanes)
        ]
        shape = unsigned(max(1, len(self.s2) - 1))
        half = p.accumulate("half", p.sum(lanes, shape), p.input(self.first), p.input(self.valid), shape)
        m.d.comb += self.s2.eq(half.value << 1)
        self.s2_cycle = half.cycle
        self.multipliers = p.multipliers

    def _above(self, d: Timed, keep: Timed, n: Timed, s1: Timed) -> Timed:
        """``n*d - S1`` where it is above 0 and the lane counts."""
        p, width, family = self._p, self._width, self._target.family
        product = p.multiply(d, n, distance=family.lane_distance)
        deviation = p.add(product, s1, signed(width), subtract=True, name="deviation")

        def positive(x: Value, counts: Value) -> Value:
            return Mux(counts & ~x[-1], x[:-1], 0)

        return p.operate("above", 1.4 * family.lut, [deviation, keep], unsigned(width - 1), positive)

    def elaborate(self, platform: object) -> Module:
        return self._m
