"""To the nearest integer, half to even."""

from typing import Any

import numpy.typing as npt

__all__ = ["half_even"]

Integers = npt.NDArray[Any]


def half_even(a: Integers, frac_bits: int, *, is_raised: bool = False) -> Integers:
    """Integers of values with ``frac_bits`` fraction bits, to which a half has been added where ``is_raised``."""
    if not frac_bits:
        return a
    raised = a if is_raised else a + (1 << (frac_bits - 1))
    tie = (raised & ((1 << frac_bits) - 1)) == 0
    return (raised >> frac_bits) & ~tie.astype(a.dtype)
