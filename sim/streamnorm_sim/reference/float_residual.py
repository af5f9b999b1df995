"""Sums of floating-point numbers, rounded once: by float64, whose error is told by another float64."""

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.fusions.float_sum import FloatSum

__all__ = ["float_sums"]


def float_sums(sums: FloatSum, x: NDArray[np.integer], f: NDArray[np.integer]) -> NDArray[np.int64]:
    """Codes of ``alpha * x + f`` of codes.

    alpha * x is exact in float64: 24 bits times 8. The sum is rounded to odd: where float64 drops something, the last
    bit is 1, so that it never is where a format with 2 bits less rounds, and rounding it there is as rounding the exact
    one. Sources: what a sum is off by, Knuth's TwoSum; rounding to odd, Boldo and Melquiond 2008,
    doi:10.1109/TC.2007.70819.
    """
    alpha = np.ldexp(-float(sums.factor) if sums.negative else float(sums.factor), sums.shift)
    with np.errstate(invalid="ignore"):  # infinities
        a, b = alpha * sums.x.dequantize(x), sums.f.dequantize(f)
        total = a + b
        of_b = total - a
        off = (a - (total - of_b)) + (b - of_b)
    bits = total.view(np.int64)
    inexact = np.isfinite(total) & (off != 0) & (bits & 1 == 0)
    odd = np.where(inexact, bits + np.where((off > 0) == (total > 0), 1, -1), bits).view(np.float64)
    return sums.number.quantize(np.where(np.isnan(odd), np.nan, odd))
