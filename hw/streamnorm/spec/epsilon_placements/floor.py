"""Epsilon as the smallest denominator, as ScaleNorm and PyTorch's ``normalize`` have it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from amaranth.hdl import signed, unsigned

from .placement import EpsilonPlacement, Integers, MomentValues, weighed

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed
    from streamnorm.precision.precision import Precision
    from streamnorm.units.timed_moments import TimedMoments

__all__ = ["FloorPlacement"]


class FloorPlacement(EpsilonPlacement):
    """``V = max(U, w**2 * e)`` with ``e = (epsilon / scale)**2``."""

    name = "floor"
    about = "the smallest deviation"
    formula = "max(sqrt(v), epsilon)"

    def in_steps(self, epsilon: Fraction, scale: Fraction) -> Fraction:
        return (epsilon / scale) ** 2

    def least_deviation(self, epsilon: float) -> float:
        return epsilon

    def in_terms(self, total: str, weight: str, less: str, *, in_variance: bool = True) -> str:
        least = f"{weight}{'²' if weight and in_variance else ''} epsilon".strip()
        return f"max({weighed(total, weight if in_variance else '')}{less}, {least})"

    def limits(self, least: int, most: int, added: Fraction, doubt: int) -> tuple[int, int]:
        return max(least, int(added) - 2 * doubt), max(most, int(added) + (doubt if added else 0))

    def is_lost(self, weighed: Fraction, bits: int) -> bool:
        return weighed <= 1  # then U is never less, whatever the number of bits

    def loss(self, weighed: Fraction) -> float:
        return 0.0

    def evaluate(self, precision: Precision, moments: MomentValues) -> Integers:
        variance = moments.variance(precision, 0, None) << precision.variance_frac_bits
        return np.maximum(variance, moments.times_weight(precision, moments.offset(precision)))

    def build(self, p: Pipeline, precision: Precision, moments: TimedMoments) -> Timed:
        variance = moments.variance(p, precision, 0, None)
        offset = moments.offset(p, precision)
        if offset is None:
            return variance
        frac, bits = precision.variance_frac_bits, precision.variance_bits
        least = p.extend(moments.times_weight(p, precision, offset), bits + frac)
        # With equal integer parts the floor is the larger one.
        spare = p.add(least.bits(frac, bits + frac), variance, signed(bits + 1), subtract=True, name="spare")
        above = spare.bits(bits, bits + 1)
        return p.select(above, p.concat(p.constant(0, unsigned(frac)), variance), least)
