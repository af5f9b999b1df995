"""Statistic and lanes of the LayerNorm by binary searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from amaranth.hdl import Mux, signed, unsigned

from streamnorm.logic.digits import divide, square_root
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.integer import IntegerPrecision
from streamnorm.spec.algorithms.int8_search import Int8Search
from streamnorm.units.statistic import StatisticStep

from .integer_layernorm import IntegerApply, IntegerStatistic

__all__ = ["SearchApply", "SearchStatistic"]


class SearchStatistic(IntegerStatistic):
    """Mean and deviation of a row, each found bit by bit; a deviation of 0 is 1."""

    outputs: ClassVar[tuple[str, ...]] = ("deviation", "mean")

    @classmethod
    def shapes(cls, precision: IntegerPrecision) -> dict[str, Any]:
        return {"deviation": unsigned(precision.bits_of("k")), "mean": signed(precision.mean_bits)}

    def _mean(self, n: Timed, s1: Timed) -> Timed:
        p, bits = self._p, self._precision.mean_bits
        twice = p.concat(p.constant(0, unsigned(1)), s1).as_signed()
        above = p.concat(p.constant(0, unsigned(bits)), n)
        width = max(twice.width, above.width) + 1
        rounded = p.add(twice, n, signed(twice.width + 1), name="rounded")
        dividend = p.add(rounded, above, unsigned(width), name="dividend")
        divisor = p.concat(p.constant(0, unsigned(1)), n)
        return _signed_quotient(p, "mean", dividend, divisor, bits, "mean")

    def _values(self, n: Timed, variance: Timed) -> tuple[list[Timed], Sequence[StatisticStep]]:
        p, precision = self._p, self._precision
        bits = precision.bits_of("k")
        mean_square = p.registered(divide(p, "mean_square", variance, n, precision.bits_of("v"))[0])
        root = p.registered(square_root(p, "root", mean_square))
        delay = self._target.logic(root.width)
        deviation = p.operate("deviation", delay, [root], unsigned(bits), lambda x: Mux(x == 0, 1, x))
        return [deviation], (
            StatisticStep("mean square", mean_square.cycle, "V / n"),
            StatisticStep("root", deviation.cycle, "root of that"),
        )


class SearchApply(IntegerApply):
    """Each lane: less the mean, divided by the deviation digit by digit; then requantization."""

    statistic: ClassVar[type[IntegerStatistic]] = SearchStatistic
    about: ClassVar[str] = "each lane: less the mean, over the deviation, plus bias, times m / 2^e, round, saturate"

    def _normalized(self, centred: Timed, values: Sequence[Timed]) -> Timed:
        p, bits, deviation = self._p, self._precision.normalized_bits, values[0]
        raised = p.concat(p.constant(0, unsigned(Int8Search.frac_bits)), centred).as_signed()
        above = p.concat(p.constant(0, unsigned(bits - 1)), deviation)
        dividend = p.add(raised, above, unsigned(max(raised.width, above.width) + 1), name="dividend")
        return _signed_quotient(p, "search", p.registered(dividend), deviation, bits, "normalized")


def _signed_quotient(p: Pipeline, name: str, dividend: Timed, divisor: Timed, bits: int, sign_name: str) -> Timed:
    """A signed quotient of ``bits``, rounded down, of a dividend to which ``divisor << (bits - 1)`` has been added.

    So the dividend is not negative, and the quotient is ``2**(bits - 1)`` too large: its highest bit is inverted.
    """
    quotient, _ = divide(p, name, dividend, divisor, bits)
    high = quotient.bits(bits - 1, bits)
    sign = p.operate(sign_name, p.target.family.lut, [high], unsigned(1), lambda x: ~x)
    return p.concat(quotient.bits(0, bits - 1), sign).as_signed()
