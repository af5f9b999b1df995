"""What a unit of two passes has where deviations are shifted before they are squared: the mean comes first."""

from __future__ import annotations

from typing import ClassVar

from amaranth.hdl import Module, Mux, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.integer import IntegerPrecision
from streamnorm.spec.config import NormConfig
from streamnorm.units.moments import Moments

from .i_bert import IBertStatistic
from .integer_layernorm import half_even_mean

__all__ = ["RowMean", "ShiftedSquares", "ShiftedStatistic"]


class RowMean(wiring.Component):
    """The mean of the row so far, half to even, where :class:`Moments` has a sum.

    Inputs are those of Moments. ``s1``, the mean, follows the beat's lanes by :attr:`s1_cycle` cycles; ``n`` is of no
    use to anybody and 0. Takes a beat every cycle: its division has all digits side by side.
    """

    names: ClassVar[tuple[str, ...]] = Moments.names

    def __init__(self, config: NormConfig) -> None:
        bits = IntegerPrecision.of(config).mean_bits
        self._sums = sums = Moments(config, outputs=("n", "s1"))
        inputs = {name: In(getattr(sums, name).shape()) for name in ("valid", "first", "d", "keep", "before")}
        super().__init__({**inputs, "n": Out(1), "s1": Out(signed(bits))})
        self._m = m = Module()
        p = Pipeline(m, config.device, "mean")
        n, s1 = p.input(sums.n, sums.n_cycle), p.input(sums.s1, sums.s1_cycle)
        mean = p.registered(half_even_mean(p, n, s1, bits))
        m.d.comb += self.s1.eq(mean.value)
        self.n_cycle, self.s1_cycle = 0, mean.cycle
        self.multipliers = sums.multipliers + p.multipliers

    def elaborate(self, platform: object) -> Module:
        m = self._m
        m.submodules.sums = sums = self._sums
        m.d.comb += [getattr(sums, name).eq(getattr(self, name)) for name in ("valid", "first", "d", "keep", "before")]
        return m


class ShiftedSquares(wiring.Component):
    """``s2 = sum(((d - s1) >> shift)**2)`` of the row so far, with the row's mean in ``s1``.

    Takes a beat every cycle; s2 follows the beat's lanes by :attr:`s2_cycle` cycles. It is a register.

    Parameters and members are those of :class:`~streamnorm.units.absolute_sum.AbsoluteSum`; ``n`` is not used.
    """

    row_names: ClassVar[tuple[str, ...]] = ("n", "s1")

    def __init__(self, config: NormConfig, *, d_delay: float = 0.0, row_delay: float = 0.0) -> None:
        precision, target = IntegerPrecision.of(config), config.device
        shape = unsigned(precision.variance_bits)
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "d": In(data.ArrayLayout(signed(precision.difference_bits), config.lanes)),
                "keep": In(config.lanes),
                "n": In(1),
                "s1": In(signed(precision.mean_bits)),
                "s2": Out(shape),
            }
        )
        self._m = m = Module()
        p = Pipeline(m, target, "shifted")
        mean = p.registered(p.input(self.s1, 0, row_delay))
        squares = []
        for lane in range(config.lanes):
            d, keep = p.input(self.d[lane], 0, d_delay), p.input(self.keep[lane])
            y = p.add(d, mean, signed(precision.centred_bits), subtract=True, name="centred")
            y = y.bits(precision.shift, y.width).as_signed()
            squares.append(p.square(p.operate("kept", target.family.lut, [y, keep], y.value.shape(), _or_zero)))
        total = p.sum(squares, shape)
        s2 = p.accumulate("s2", p.reshape(total, shape), p.input(self.first), p.input(self.valid), shape)
        m.d.comb += self.s2.eq(s2.value)
        self.s2_cycle = s2.cycle
        self.multipliers = p.multipliers

    def elaborate(self, platform: object) -> Module:
        return self._m


def _or_zero(value: Value, keep: Value) -> Value:
    return Mux(keep, value, 0)


class ShiftedStatistic(IBertStatistic):
    """Mean and factor of a row, of which ``s1`` is the mean and ``s2`` is V already."""

    def _moments(self, n: Timed, s1: Timed, s2: Timed) -> tuple[Timed, Timed]:
        return self._p.registered(s1), self._p.registered(s2)
