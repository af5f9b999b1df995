"""Epsilon beside the deviation, outside the root, as ONNX MeanVarianceNormalization has it."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
from amaranth.hdl import unsigned

from streamnorm.spec.roots.mantissa import mantissa_of

from .placement import EpsilonCode, EpsilonPlacement, Integers, MomentValues, weighed

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed
    from streamnorm.precision.precision import Precision
    from streamnorm.spec.norms import Norm
    from streamnorm.spec.roots import RootMethod
    from streamnorm.units.timed_moments import TimedMoments

__all__ = ["RootPlacement"]

_GUARD = 3
"""Fraction bits of the deviation beyond what is asked of it: it is cut twice."""


class RootPlacement(EpsilonPlacement):
    """``sqrt(V) = sqrt(U) + w * sqrt(e)`` with ``e = (epsilon / scale)**2``.

    The root of U is U times its reciprocal root, from a :class:`~streamnorm.spec.roots.RootMethod` of its own. With
    ``F = variance_frac_bits``, M the mantissa of U with its leading one, p the place of that one:

    1. ``T = ((M * rho) >> cut) << ((p + 1) >> 1)``, F fraction bits; 1 where p is 0 and the root of 1 came out as less:
       V has its leading one above the binary point
    2. ``sqrt(V) = T + E``

    Where a norm has a sum M of absolute deviations, that is T, exact.
    """

    name = "root"
    bears_zero = False
    degree = 1
    about = "added to the deviation"
    formula = "sqrt(v) + epsilon"

    def gives_deviation(self, norm: Norm, epsilon: EpsilonCode) -> bool:
        return norm.has_absolute_sum or epsilon.code != 0

    def in_steps(self, epsilon: Fraction, scale: Fraction) -> Fraction:
        return (epsilon / scale) ** 2

    def in_terms(self, total: str, weight: str, less: str, *, in_variance: bool = True) -> str:
        return f"({self.deviation_in_terms(f'sqrt({weighed(total, weight)}{less})', weight)})²"

    def deviation_in_terms(self, deviation: str, weight: str) -> str:
        return f"{deviation} + {weight} epsilon".replace("  ", " ")

    def least_deviation(self, epsilon: float) -> float:
        return epsilon

    def limits(self, least: int, most: int, added: Fraction, doubt: int) -> tuple[int, int]:
        deviation = _root(added)
        low = (Fraction(isqrt(least << 40), 1 << 20) + deviation) ** 2 * Fraction(511, 512)
        high = (Fraction(isqrt(most << 40) + 1, 1 << 20) + deviation) ** 2 * Fraction(513, 512)
        return max(least, int(low)) if not added else max(int(low), min(least, 1)), int(high) + 1 if added else most

    def is_lost(self, weighed: Fraction, bits: int) -> bool:
        return weighed <= Fraction(1, 1 << 2 * bits + 2)

    def loss(self, weighed: Fraction) -> float:
        return 2.01 * float(weighed) ** 0.5

    def stored(self, e: Fraction) -> Fraction:
        return _root(e)

    def kept_bits(self, norm: Norm, root: RootMethod, gain: Fraction, bits: int) -> tuple[int, float]:
        frac_bits = bits + _GUARD
        # Where z is not 0 the deviation is at least 1. It is off by the root's error, by what is cut off M and off T,
        # and by what E lacks; its square by twice as much.
        deviation = 1.5 * 2.0**-frac_bits
        if not norm.has_absolute_sum:
            deviation += root.relative_error + 2.0**-root.mantissa_bits + 2.0**-frac_bits
        return frac_bits, 2 * deviation * 1.01

    def evaluate(self, precision: Precision, moments: MomentValues) -> Integers:
        root, frac = precision.root, precision.variance_frac_bits
        if moments.absolute is not None:
            return (moments.absolute << frac) + moments.offset(precision)
        variance = moments.variance(precision, 0, None)
        if not precision.epsilon_code:
            return variance
        mantissa, position = mantissa_of(variance, precision.variance_bits, 0, root.mantissa_bits)
        product = (mantissa + (1 << root.mantissa_bits)) * root.evaluate(mantissa, position & 1)
        cut = root.mantissa_bits + root.rho_bits - frac
        kept = product >> cut
        if _falls_short(root, cut, frac):
            kept = np.where(position == 0, 1 << frac, kept).astype(product.dtype)
        deviation = kept << ((position + 1) >> 1).astype(product.dtype)
        return deviation + moments.offset(precision)

    def build(self, p: Pipeline, precision: Precision, moments: TimedMoments) -> Timed:
        root, frac, bits = precision.root, precision.variance_frac_bits, precision.variance_bits
        width = (bits + 1) // 2 + frac
        offset = moments.offset(p, precision)
        if moments.absolute is not None:
            exact = moments.absolute
            return p.extend(exact, width) if offset is None else p.add_shifted(offset, exact, frac, unsigned(width))
        variance = moments.variance(p, precision, 0, None)
        if offset is None:
            return variance
        mantissa, position = moments.normalized(p, variance, bits, root.mantissa_bits)
        rho = root.build(p, mantissa, position.bits(0, 1))
        product = p.multiply(p.concat(mantissa, p.constant(1, unsigned(1))), rho)
        cut = root.mantissa_bits + root.rho_bits - frac
        half_most = bits >> 1
        up = p.operate(
            "up", p.target.adder(position.width), [position], unsigned(half_most.bit_length()), lambda x: (x + 1) >> 1
        )
        kept = product.bits(cut, product.width)
        if _falls_short(root, cut, frac):
            lut = p.target.family.lut
            least = p.operate("least", lut, [position], unsigned(1), lambda x: ~x.any())
            parts = [kept, p.registered(least)]
            shape = unsigned(kept.width)
            kept = p.operate("kept", lut, parts, shape, lambda k, one: (k & ~one.replicate(len(k))) | (one << frac))
        deviation = moments.shift_left(p, kept, p.registered(up), half_most, width)
        return p.add(deviation, offset, unsigned(width), name="deviation")


def _falls_short(root: RootMethod, cut: int, frac_bits: int) -> bool:
    """Whether the root of 1, with so many fraction bits, would be less than 1."""
    none = np.zeros(1, np.int64)
    return (int(root.evaluate(none, none)[0]) << root.mantissa_bits) >> cut < 1 << frac_bits


def _root(square: Fraction) -> Fraction:
    """The root of the square of a fraction, exact."""
    root = Fraction(isqrt(square.numerator), isqrt(square.denominator))
    assert root * root == square
    return root
