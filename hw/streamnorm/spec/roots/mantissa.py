"""Where the leading one of a number is, and what follows it."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["bit_length", "mantissa_of"]

Integers = npt.NDArray[Any]


def mantissa_of(values: Integers, bits: int, frac_bits: int, mantissa_bits: int) -> tuple[Integers, Integers]:
    """``mantissa_bits`` bits below the leading one of each value (floor), and where in its integer part that one is.

    ``bits`` and ``frac_bits``: integer and fraction bits of the values, which are not negative. Where the integer part
    is 0, its lowest place is taken for the leading one.
    """
    top = bits + frac_bits
    leading = np.maximum(bit_length(values) - 1, frac_bits)
    mantissa = (values << (top - 1 - leading)) & ((1 << (top - 1)) - 1)
    down = top - 1 - mantissa_bits
    return mantissa >> down if down >= 0 else mantissa << -down, (leading - frac_bits).astype(np.int64)


def bit_length(values: Integers) -> Integers:
    """``int.bit_length`` of non-negative integers; float64 only guesses, the guess is then corrected."""
    if values.dtype == object:
        return np.array([int(value).bit_length() for value in values], object)
    guess = np.frexp(values.astype(np.float64))[1].astype(np.int64)
    return guess - ((guess > 0) & (values < (1 << np.maximum(guess - 1, 0)))).astype(np.int64)
