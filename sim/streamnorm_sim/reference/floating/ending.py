"""From normalized values to results in floating point."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streamnorm.precision.floating.float_ending import FloatEnding
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.formats.floating import FloatParts
from streamnorm.spec.roots.mantissa import bit_length

__all__ = ["Rounded", "Scaled", "ended", "rounded"]

_FAR = 1 << 10
"""Places that no number is shifted down by without being 0."""

Integers = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]


class Scaled(NamedTuple):
    """Numbers ``(-1)**negative * magnitude * 2**exponent``, in smallest numbers of a format."""

    negative: Flags
    magnitude: Integers
    exponent: Integers


class Rounded(NamedTuple):
    """Codes, and which of them stand for numbers beyond the largest one."""

    codes: npt.NDArray[np.int64]
    overflows: Flags


def ended(
    ending: FloatEnding, z: Integers, exponent: Integers, negative: Flags, gamma: FloatParts, beta: FloatParts
) -> Scaled:
    """Steps 1 and 2 of :class:`FloatEnding`: the sum of rows, before it is rounded.

    ``z``, ``exponent`` and ``negative`` are Z, ez and s; a row of gamma and beta may serve all rows.
    """
    kind = z.dtype
    product = z
    place = exponent + ending.gamma_exponent
    sign = negative ^ gamma.negative if ending.gamma_bits else negative
    if ending.gamma_bits:
        product = z * gamma.mantissa.astype(kind)
        place = place + gamma.binade
    # A product without sign that is 0 keeps the sign that it has; one of two's complement has none.
    zero_sign = sign
    if not ending.beta_bits:
        return Scaled(np.where(product == 0, zero_sign, sign ^ (product < 0)), np.abs(product), place)
    lowest = -(1 << 20)
    top_a = np.where(product == 0, lowest, place + ending.product_bits)
    top_b = np.where(beta.mantissa == 0, lowest, beta.binade + ending.beta_exponent + ending.beta_bits)
    top = np.maximum(np.maximum(top_a, top_b), -(1 << 19))
    a = _set(ending, product, ending.sum_bits - ending.product_bits, top - top_a)
    b = _set(ending, beta.mantissa.astype(kind), ending.sum_bits - ending.beta_bits, top - top_b)
    apart = sign ^ beta.negative
    total = a + np.where(apart, -b, b)
    both_zero = (product == 0) & (beta.mantissa == 0)
    is_negative = np.where(total == 0, both_zero & zero_sign & beta.negative, sign ^ (total < 0))
    # A product that is lost beside a beta of 0 cannot be: its top is the higher one then.
    return Scaled(is_negative, np.abs(total), top - ending.sum_bits)


def _set(ending: FloatEnding, value: Integers, up: int, down: Integers) -> Integers:
    at_top = value << up if up >= 0 else value >> -up
    cut = np.minimum(down, ending.sum_bits + 1).astype(value.dtype)
    shifted = at_top >> cut
    return shifted | ((shifted << cut) != at_top).astype(value.dtype) if ending.is_sticky else shifted


def rounded(output: FloatFormat, scaled: Scaled) -> Rounded:
    """Step 3 of :class:`FloatEnding`."""
    magnitude, kind = scaled.magnitude, scaled.magnitude.dtype
    leading = bit_length(magnitude.ravel()).reshape(magnitude.shape).astype(np.int64) - 1
    binade = np.maximum(leading + scaled.exponent - output.fraction_bits, 0)
    down = binade - scaled.exponent
    up = np.maximum(-down, 0).astype(kind)
    cut = np.clip(down, 0, 62 if kind == np.int64 else _FAR).astype(kind)
    kept = (magnitude << up) >> cut
    one = np.array(1, kind)
    rest = magnitude - (np.where(down > 0, kept, 0) << cut)
    half = np.where(down > 0, one << np.maximum(cut - 1, 0), 0)
    above = (down > 0) & ((rest > half) | ((rest == half) & (kept & 1 == 1)))
    codes = (np.minimum(binade, output.binade_max + 1) << output.fraction_bits) + (kept + above).astype(np.int64)
    codes = np.where(magnitude == 0, 0, codes)
    overflows = codes > output.code_of_largest
    codes = np.where(overflows, output.code_of_overflow, codes)
    return Rounded(codes | (scaled.negative.astype(np.int64) << (output.bits - 1)), overflows)
