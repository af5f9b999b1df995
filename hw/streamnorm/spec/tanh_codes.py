"""tanh of each element that a narrow format has, in floating point."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt

from streamnorm.spec.binary_logarithm import floor_log2

from .tanh_table import tanh_of

__all__ = ["TanhCodes", "tanh_codes"]

_SMALL = Fraction(1, 1 << 30)
"""Below, tanh(t) is ``t - t**3 / 3`` within ``2**-120`` of itself."""

_BELOW_ONE = 1 - Fraction(1, 1 << 100)
"""What is nearer to 1 is taken for this: tanh is less than 1."""


@dataclass(frozen=True, eq=False)
class TanhCodes:
    """``tanh`` of the magnitude that an index stands for is ``value[i] * 2**(start - down[i])``.

    A value has ``bits``, the highest one 1, or is 0. Where it is not exact its lowest bit is 1, and it is one of the
    two numbers of ``bits`` next to tanh: where gamma makes ties of the output of shorter numbers, none is made here.

    Attributes
    ----------
    error : of values, relative to themselves
    """

    bits: int
    start: int
    value: npt.NDArray[np.int64]
    down: npt.NDArray[np.int64]

    @property
    def error(self) -> float:
        return 2.0 ** (1 - self.bits)

    @property
    def mean_error(self) -> float:
        """In the mean; it is that of elements far out, which may be all of a row."""
        return self.error / 2

    @property
    def down_bits(self) -> int:
        return int(self.down.max()).bit_length()

    @property
    def about(self) -> str:
        """How it is done, in a few words."""
        return f"table of {len(self.value)} entries of {self.bits + self.down_bits} bits, one for each magnitude"

    def words(self) -> list[int]:
        """The contents of a memory: a value, and above it what ``start`` is less by."""
        return [int(value) | int(down) << self.bits for value, down in zip(self.value, self.down, strict=True)]


@cache
def tanh_codes(magnitudes: tuple[Fraction | None, ...], bits: int) -> TanhCodes:
    """The table for some magnitudes; None stands for infinity."""
    found = [_nearest_odd(magnitude, bits) for magnitude in magnitudes]
    exponents = np.array([exponent for _, exponent in found])
    start = int(exponents.max())
    return TanhCodes(bits, start, np.array([value for value, _ in found]), start - exponents)


def _nearest_odd(t: Fraction | None, bits: int) -> tuple[int, int]:
    if t is None:
        return 1 << (bits - 1), 1 - bits
    if not t:
        return 0, 1 - bits
    exact = t - t**3 / 3 if t < _SMALL else min(Fraction(tanh_of(t)), _BELOW_ONE)
    exponent = floor_log2(exact) + 1 - bits
    return int(exact / Fraction(2) ** exponent) | 1, exponent
