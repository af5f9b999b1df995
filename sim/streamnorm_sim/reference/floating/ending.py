"""From normalized values to results in floating point."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streamnorm.precision.floating.float_ending import FloatEnding
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.formats.floating import FloatParts
from streamnorm.spec.roots.mantissa import bit_length

__all__ = ["Rounded", "Scaled", "ended", "farthest", "rounded", "rounded_first"]

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


def farthest(kind: Any) -> int:
    """The farthest shift to the right of integers of a type: nothing is left of any of them but the sign."""
    return 62 if kind == np.int64 else 1 << 10


def rounded_first(
    output: FloatFormat, z: Integers, exponent: Integers, negative: Flags
) -> tuple[Integers, Integers, Flags]:
    """Z, ez and s of values that are rounded to the output format, or to its largest number."""
    least = output.scale_exponent
    found = rounded(output, Scaled(negative ^ (z < 0), np.abs(z), exponent - least))
    sign = np.int64(1) << (output.bits - 1)
    codes = np.where(found.overflows, output.code_of_largest | (found.codes & sign), found.codes)
    parts = output.parts(codes)
    return parts.mantissa.astype(z.dtype), parts.binade + least, parts.negative


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
    of_product = sign ^ (z < 0)  # of one that is 0, too, by a gamma of 0
    if not ending.beta_bits:
        return Scaled(of_product, np.abs(product), place)
    lowest, no_product, no_beta = ending.output.fraction_bits, product == 0, beta.mantissa == 0
    top_a = place + ending.product_bits
    top_b = beta.binade + ending.beta_exponent + ending.beta_bits
    top = np.maximum(np.where(no_product, lowest, top_a), np.where(no_beta, lowest, top_b))
    top = np.maximum(top, lowest)
    a = _set(ending, product, ending.sum_bits - ending.product_bits, top - top_a)
    b = _set(ending, beta.mantissa.astype(kind), ending.sum_bits - ending.beta_bits, top - top_b)
    total = a + np.where(sign ^ beta.negative, -b, b)
    of_nothing = np.where(no_product, np.where(no_beta, of_product & beta.negative, beta.negative), sign & no_beta)
    is_negative = np.where(total == 0, of_nothing, sign ^ (total < 0))
    return Scaled(is_negative, np.abs(total), top - ending.sum_bits)


def _set(ending: FloatEnding, value: Integers, up: int, down: Integers) -> Integers:
    at_top = value << up if up >= 0 else value >> -up
    cut = np.clip(down, 0, farthest(value.dtype)).astype(value.dtype)
    shifted = at_top >> cut
    return shifted | ((shifted << cut) != at_top).astype(value.dtype) if ending.is_sticky else shifted


def rounded(output: FloatFormat, scaled: Scaled) -> Rounded:
    """Step 3 of :class:`FloatEnding`."""
    magnitude, kind = scaled.magnitude, scaled.magnitude.dtype
    leading = bit_length(magnitude.ravel()).reshape(magnitude.shape).astype(np.int64) - 1
    binade = np.maximum(leading + scaled.exponent - output.fraction_bits, 0)
    down = binade - scaled.exponent
    up = np.maximum(-down, 0).astype(kind)
    cut = np.clip(down, 0, farthest(kind)).astype(kind)
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
