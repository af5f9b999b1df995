"""The exact sum of a row's absolute deviations from its mean, once that is known."""

from collections.abc import Mapping
from typing import ClassVar

from amaranth.hdl import Module, Mux, Shape, Value, signed, unsigned
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

    row_names: ClassVar[tuple[str, ...]] = ("n", "s1")
    """What it needs of the whole row."""

    def __init__(self, config: NormConfig, *, d_delay: float = 0.0, row_delay: float = 0.0) -> None:
        self._target = target = config.device
        shapes = self._shapes(config)
        element, total = shapes["d"], shapes["s2"]
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "d": In(data.ArrayLayout(element, config.lanes)),
                "keep": In(config.lanes),
                **{name: In(shapes[name]) for name in self.row_names},
                "s2": Out(total),
            }
        )
        self._m = m = Module()
        self._p = p = Pipeline(m, target, "absolute")
        # One register each for all lanes, which stand far from the memory that these come from.
        row = {name: p.registered(p.input(getattr(self, name), 0, row_delay)) for name in self.row_names}
        lanes = [
            self._above(p.input(self.d[lane], 0, d_delay), p.input(self.keep[lane]), row)
            for lane in range(config.lanes)
        ]
        shape = unsigned(max(1, total.width - 1))
        half = p.accumulate("half", p.sum(lanes, shape), p.input(self.first), p.input(self.valid), shape)
        m.d.comb += self.s2.eq(half.value << 1)
        self.s2_cycle = half.cycle
        self.multipliers = p.multipliers

    def _shapes(self, config: NormConfig) -> dict[str, Shape]:
        """Of an element, of what is needed of the row, and of M; sets the bits of a deviation."""
        ranges = Ranges.of(config)
        self._width = ranges.difference_bits + ranges.count_bits + 1
        return {
            "d": signed(ranges.difference_bits),
            "n": unsigned(ranges.count_bits),
            "s1": signed(ranges.sum_bits),
            "s2": unsigned(ranges.square_sum_max.bit_length()),
        }

    def _multiple(self, d: Timed, row: Mapping[str, Timed]) -> Timed:
        """``n*d``."""
        return self._p.multiply(d, row["n"], distance=self._target.family.lane_distance)

    def _above(self, d: Timed, keep: Timed, row: Mapping[str, Timed]) -> Timed:
        """``n*d - S1`` where it is above 0 and the lane counts."""
        p, width, family = self._p, self._width, self._target.family
        deviation = p.add(self._multiple(d, row), row["s1"], signed(width), subtract=True, name="deviation")

        def positive(x: Value, counts: Value) -> Value:
            return Mux(counts & ~x[-1], x[:-1], 0)

        return p.operate("above", 1.4 * family.lut, [deviation, keep], unsigned(width - 1), positive)

    def elaborate(self, platform: object) -> Module:
        return self._m
