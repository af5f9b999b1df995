"""Epsilon beside the variance, as most frameworks have it."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from typing import TYPE_CHECKING

from .placement import EpsilonPlacement, Integers, MomentValues

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed
    from streamnorm.precision.precision import Precision
    from streamnorm.units.timed_moments import TimedMoments

__all__ = ["VariancePlacement"]


class VariancePlacement(EpsilonPlacement):
    """``V = U + w**2 * e`` with ``e = epsilon / scale**2``."""

    name = "variance"
    about = "added to the variance"
    formula = "sqrt(v + epsilon)"

    def in_steps(self, epsilon: Fraction, scale: Fraction) -> Fraction:
        return epsilon / scale**2

    def least_deviation(self, epsilon: float) -> float:
        return sqrt(epsilon)

    def in_terms(self, total: str, weight: str, less: str, *, in_variance: bool = True) -> str:
        epsilon = f"{weight} epsilon".strip()
        sums = f"{total} + {epsilon}" if total else epsilon
        return (f"{weight} ({sums})" if weight and in_variance else sums) + less

    def limits(self, least: int, most: int, added: Fraction, doubt: int) -> tuple[int, int]:
        return max(least, int(least + added) - 2 * doubt), int(most + added) + (doubt if added else 0)

    def is_lost(self, weighed: Fraction, bits: int) -> bool:
        return weighed <= Fraction(1, 1 << bits)

    def loss(self, weighed: Fraction) -> float:
        return float(weighed)

    def evaluate(self, precision: Precision, moments: MomentValues) -> Integers:
        return moments.variance(precision, precision.variance_frac_bits, moments.offset(precision))

    def build(self, p: Pipeline, precision: Precision, moments: TimedMoments) -> Timed:
        return moments.variance(p, precision, precision.variance_frac_bits, moments.offset(p, precision))
