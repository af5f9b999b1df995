"""Integer steps that several publications share, over rows side by side."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["centred", "half_even_quotient"]

Integers = npt.NDArray[Any]


def half_even_quotient(dividend: Integers, divisor: Integers) -> Integers:
    """``dividend / divisor`` rounded to the nearest integer, ties to even; divisors are positive."""
    quotient = dividend // divisor
    twice = 2 * (dividend - quotient * divisor)
    return quotient + ((twice > divisor) | ((twice == divisor) & (quotient % 2 == 1)))


def centred(x: Integers, lengths: Integers, mean: Integers) -> Integers:
    """``x - mean`` of each row, 0 behind its end."""
    return np.where(np.arange(x.shape[1]) < lengths[:, None], x - mean[:, None], 0)
