"""Dyadic requantization of integers, from HAWQ-V3.

Yao et al.: HAWQ-V3: Dyadic Neural Network Quantization, ICML 2021, arXiv:2011.10680.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["dyadic_numbers", "integer_bias", "requantized"]

Integers = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

_DIGITS = 31


def dyadic_numbers(values: Floats) -> tuple[Integers, Integers]:
    """``(m, e)`` of real values, each about ``m / 2**e``, with m of 31 bits, rounded half to even; 0 is (0, 31)."""
    mantissa, exponent = np.frexp(values)
    return np.rint(mantissa * 2.0**_DIGITS).astype(np.int64), _DIGITS - exponent.astype(np.int64)


def integer_bias(gamma: Floats, beta: Floats, step: float) -> Integers:
    """Beta as an integer beside a normalized one of ``step``: ``floor(beta / gamma / step)``, 0 where gamma is 0."""
    safe = np.where(gamma == 0, 1.0, gamma)
    return np.where(gamma == 0, 0, np.floor(beta / safe / step)).astype(np.int64)


def requantized(z: Integers, m: Integers, e: Integers, bias: Integers) -> Integers:
    """``(z + bias) * m / 2**e`` rounded half to even, as int64 as far as that does, else as Python integers."""
    largest = int(np.abs(z).max(initial=0)) + int(np.abs(bias).max(initial=0))
    narrow = largest.bit_length() + _DIGITS < 62 and e.min() > 0 and e.max() < 62
    kind = np.dtype(np.int64 if narrow else object)
    product = (z.astype(kind) + bias.astype(kind)) * m.astype(kind)
    product = product << np.maximum(1 - e, 0).astype(kind)
    e = np.maximum(e, 1).astype(kind)
    floor = product >> e
    rest, half = product - (floor << e), (e * 0 + 1) << (e - 1)
    up = (rest > half) | ((rest == half) & (floor % 2 == 1))
    return floor + up.astype(kind)
