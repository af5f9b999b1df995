"""Dyadic numbers: a real factor as an integer over a power of two, and products with it, rounded.

``requantize(z, M) = round_half_even(z * m / 2**e)``, to which the zero point is added before it is saturated, with
``m / 2**e`` the dyadic number of M: of ``M = f * 2**p``, ``1/2 <= |f| < 1``, it is ``m = round_half_even(f * 2**31)``
and ``e = 31 - p``.

Ref
---
Yao et al.: HAWQ-V3: Dyadic Neural Network Quantization, ICML 2021, arXiv:2011.10680
"""

import numpy as np
import numpy.typing as npt

__all__ = ["MULTIPLIER_BITS", "dyadic"]

MULTIPLIER_BITS = 32
"""Two's complement bits of m."""


def dyadic(values: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """``(m, e)`` of real values; 0 is ``(0, 31)``.

    m is less than 2**31 in magnitude: one that is rounded to it is halved, and e is less by 1, the same number.
    """
    digits = MULTIPLIER_BITS - 1
    mantissa, exponent = np.frexp(np.asarray(values, np.float64))
    m = np.rint(np.ldexp(mantissa, digits)).astype(np.int64)
    e = digits - exponent.astype(np.int64)
    full = np.abs(m) == 1 << digits
    return np.where(full, m >> 1, m), np.where(full, e - 1, e)
