"""Statistic and lanes of the LayerNorms with Newton's iteration: a mean, and a factor that is a quotient."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from amaranth.hdl import Mux, signed, unsigned

from streamnorm.logic.digits import divide
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.integer import IntegerPrecision
from streamnorm.spec.algorithms.newton import NewtonLayerNorm
from streamnorm.units.statistic import StatisticStep

from .integer_layernorm import IntegerApply, IntegerStatistic, half_even_mean

__all__ = ["NewtonApply", "NewtonStatistic"]


class NewtonStatistic(IntegerStatistic):
    """Mean and factor of a row: the steps of a :class:`~streamnorm.spec.algorithms.newton.NewtonLayerNorm`."""

    outputs: ClassVar[tuple[str, ...]] = ("factor", "mean")

    @classmethod
    def shapes(cls, precision: IntegerPrecision) -> dict[str, Any]:
        return {"factor": unsigned(precision.bits_of("factor")), "mean": signed(precision.mean_bits)}

    def _mean(self, n: Timed, s1: Timed) -> Timed:
        p, bits = self._p, self._precision.mean_bits
        return half_even_mean(p, n, s1, bits)

    def _values(self, n: Timed, variance: Timed) -> tuple[list[Timed], Sequence[StatisticStep]]:
        p, algorithm, bits = self._p, self._algorithm, self._precision.variance_bits
        digits, width = algorithm.quotient_bits(bits), self._precision.bits_of("k")

        def step(q: Pipeline, _: Timed, state: Sequence[Timed], held: Sequence[Timed]) -> list[Timed]:
            quotient, _rest = divide(q, "quotient", held[0], state[0], digits)
            total = q.add(state[0], quotient, unsigned(max(width, digits) + 1), name="twice")
            return [self._taken(q, q.extend(total.bits(1, total.width), width), state[0])]

        count = algorithm.iterations(bits)
        (root,) = p.iterate("newton", count, step, [self._start(variance)], [variance])
        root = p.registered(root)
        least = algorithm.deviation_min
        divisor = p.operate(
            "divisor", self._target.logic(width), [root], unsigned(width), lambda x: Mux(x < least, least, x)
        )
        numerator = p.constant(algorithm.numerator, unsigned(algorithm.numerator.bit_length()))
        shift = self._precision.shift
        shifted = p.concat(p.constant(0, unsigned(shift)), divisor) if shift else divisor
        factor, _ = divide(p, "factor", numerator, shifted, self._precision.bits_of("factor"))
        return [factor], (
            StatisticStep("root", root.cycle, f"{count} iterations of k = (k + V / k) / 2"),
            StatisticStep("factor", factor.cycle, f"{algorithm.numerator} / k"),
        )

    @property
    def _algorithm(self) -> NewtonLayerNorm:
        algorithm = self._config.computed
        assert isinstance(algorithm, NewtonLayerNorm)
        return algorithm

    @abstractmethod
    def _start(self, variance: Timed) -> Timed:
        """k at first."""

    @abstractmethod
    def _taken(self, q: Pipeline, after: Timed, before: Timed) -> Timed:
        """Which of k after and before an iteration is kept, of k's width."""


class NewtonApply(IntegerApply):
    """Each lane: less the mean, times the factor, its lowest bit dropped; then requantization."""

    about: ClassVar[str] = "each lane: less the mean, times the factor, plus bias, times m / 2^e, round, saturate"

    def _normalized(self, centred: Timed, values: Sequence[Timed]) -> Timed:
        p, bits = self._p, self._precision.normalized_bits
        product = p.multiply(centred, values[0])
        return p.reshape(product.bits(1, product.width).as_signed(), signed(bits))
