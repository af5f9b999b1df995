"""Sums of floating-point numbers, exact: integers on a grid for each sum, rounded once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.roots.mantissa import bit_length
from streamnorm_sim.streams.rows import RowBatch

__all__ = ["exact_float_sums"]

_SHORT = 60
"""Bits of terms whose sum, doubled, is of 64 bits."""

_Integers = NDArray[Any]
"""int64, or of Python where that is too short."""


class _Term:
    """Numbers ``mantissa * 2**exponent``; the mantissa, with its sign, is 0 of what is no number.

    ``divisor`` is a power of two.
    """

    def __init__(self, source: FloatFormat, codes: NDArray[np.integer], factor: int, divisor: int) -> None:
        parts = source.parts(codes)
        self.is_nan, self.is_infinite = parts.is_nan, parts.is_infinite
        self.negative = parts.negative ^ (factor < 0)
        self.bits = source.precision + factor.bit_length()
        counts = ~(parts.is_nan | parts.is_infinite)
        magnitude = np.where(counts, parts.mantissa * abs(factor), 0)
        self.mantissa = np.where(self.negative, -magnitude, magnitude)
        self.exponent = np.where(counts, parts.binade, 0) + source.scale_exponent - (divisor.bit_length() - 1)


def exact_float_sums(config: NormConfig, batch: RowBatch) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Codes of ``alpha * x + f``, rounded half to even; and the sums as real numbers, rounded to float64 only."""
    residual = config.residual
    assert residual is not None
    source, other, number = config.input, residual.number, config.normalized_input
    assert isinstance(source, FloatFormat)
    assert isinstance(other, FloatFormat)
    assert isinstance(number, FloatFormat)
    valid = batch.valid
    x = _Term(source, np.where(valid, batch.x, 0), *residual.alpha.as_integer_ratio())
    f = _Term(other, np.where(valid, batch.beside["residual"], 0), 1, 1)
    least = np.minimum(x.exponent, f.exponent)
    real = np.zeros(valid.shape, np.float64)
    codes = np.zeros(valid.shape, np.int64)
    # Most are short, and Python's integers take a hundred times as long.
    short = np.maximum(x.exponent + x.bits, f.exponent + f.bits) - least < _SHORT
    for which, kind in ((short, np.int64), (~short, object)):
        at = least[which]
        terms = [of.mantissa[which].astype(kind) << (of.exponent[which] - at).astype(kind) for of in (x, f)]
        total = terms[0] + terms[1]
        real[which] = np.ldexp(total.astype(np.float64), at)
        magnitude = _rounded(number, np.abs(total), at - number.scale_exponent)
        codes[which] = magnitude | (total < 0).astype(np.int64) << (number.bits - 1)
    # A sum of 0 has a sign only if both terms have it: where it cancels, they have not.
    both = np.where((real == 0) & x.negative & f.negative, 1 << (number.bits - 1), 0)
    far_negative = np.where(x.is_infinite, x.negative, f.negative)
    far = number.code_of_infinite | far_negative.astype(np.int64) << (number.bits - 1)
    is_far = x.is_infinite | f.is_infinite
    is_nan = x.is_nan | f.is_nan | (x.is_infinite & f.is_infinite & (x.negative != f.negative))
    codes = np.where(is_nan, number.code_of_nan, np.where(is_far, far, codes | both))
    real = np.where(is_nan, np.nan, np.where(is_far, np.where(far_negative, -np.inf, np.inf), real))
    return np.where(valid, codes, 0), np.where(valid, real, 0.0)


def _rounded(number: FloatFormat, magnitude: _Integers, exponent: NDArray[np.int64]) -> NDArray[np.int64]:
    """Codes of ``magnitude * 2**exponent`` smallest numbers, which are not negative."""
    bits = bit_length(magnitude).astype(np.int64)
    binade = np.where(bits > 0, np.maximum(bits + exponent - number.precision, 0), 0)
    up = np.where(bits > 0, np.maximum(exponent - binade, 0), 0).astype(magnitude.dtype)
    # Beyond all bits there is nothing but 0.
    down = np.clip(binade - exponent, 0, bits + 1).astype(magnitude.dtype)
    raised = magnitude << up
    below = raised >> down
    twice_left, unit = (raised - (below << down)) << 1, np.ones_like(raised) << down
    steps = below + ((twice_left > unit) | ((twice_left == unit) & (below & 1 == 1)))
    codes = (binade << number.fraction_bits) + steps.astype(np.int64)
    return np.where(codes > number.code_of_largest, number.code_of_overflow, codes)
