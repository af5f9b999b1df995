"""tanh of a floating-point number, from a table of octaves, with a proven error relative to itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import ceil, exp, floor, log, log2
from typing import Any

import numpy as np
import numpy.typing as npt

from .polynomial_table import PolynomialTable, T, fitted_table, node_positions, through_nodes

__all__ = ["SHARED_ENTRIES_MAX", "OctaveTanh", "octave_tanhs"]

_FRAC_BITS = range(6, 33)
_INDEX_BITS_MIN = 2

SHARED_ENTRIES_MAX = 1024
"""Most entries of a table whose block RAM two lanes may share."""

_ENTRIES_MAX = 2048
"""Most entries of a table that is tried where no such one suffices."""

_ARGUMENT_GUARD = 2
"""Bits of an argument beyond those of a result."""

_DOUBT = 2.0**-46
"""What float64 may be off by where polynomials are fitted to tanh and compared with it."""


@dataclass(frozen=True, eq=False)
class OctaveTanh:
    """``tanh(t)`` of ``t = (1 + T / 2**argument_bits) * 2**e`` with ``0 <= T < 2**argument_bits``; never 0.

    With n = ``frac_bits``:

    1. ``e < first``: ``((2**argument_bits + T - 1) >> (argument_bits - n)) * 2**(e - n)``. tanh is a little less than
       t, and so is this: were it t itself, a gamma that makes ties of the output of many t would make ties of results
       that are none.
    2. ``first <= e <= last``: the upper ``index_bits`` of T choose a polynomial of the octave ``e``, the others are its
       argument. The result r is worth ``r * 2**(min(e, 0) - n)``, and is limited to ``n + 1`` bits; to n, less than 1,
       as tanh is, from ``e = 0`` on.
    3. ``e > last``: ``(2**n - 1) * 2**-n``.

    Attributes
    ----------
    argument_bits : of T
    first, last : octaves that are in the table
    error, mean_error : of results, relative to themselves, at most and in the mean, T being exact
    """

    frac_bits: int
    argument_bits: int
    first: int
    last: int
    index_bits: int
    table: PolynomialTable
    error: float

    @property
    def mean_error(self) -> float:
        """That of elements far out, which may be all of a row."""
        return 2.0**-self.frac_bits

    @property
    def bits(self) -> int:
        """Of results; the leading one is in one of the two highest."""
        return self.frac_bits + 1

    @property
    def about(self) -> str:
        """How it is done, in a few words."""
        entries = f"table of {len(self.table.coefficients[0])} entries of {self.table.word_width} bits"
        return f"{entries} for {self.last - self.first + 1} octaves, polynomials of degree {self.table.degree}"

    def evaluate(
        self, exponent: npt.NDArray[np.int64], argument: npt.NDArray[Any]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Values and exponents of results, from e and T."""
        n, t_bits = self.frac_bits, self.table.t_bits
        octave = np.clip(exponent, self.first, self.last) - self.first
        address = (octave << self.index_bits) + (argument >> t_bits).astype(np.int64)
        kind = np.dtype(np.int64 if self.table.widest <= 62 else object)
        value = self.table.evaluate(address, (argument & ((1 << t_bits) - 1)).astype(kind))
        one = 1 << n
        value = np.minimum(value, np.where(exponent < 0, 2 * one - 1, one - 1))
        below = ((1 << self.argument_bits) + argument - 1) >> (self.argument_bits - n)
        value = np.where(exponent < self.first, below, value)
        value = np.where(exponent > self.last, one - 1, value)
        return value, np.minimum(exponent, 0) - n


def octave_tanhs() -> Iterator[OctaveTanh]:
    """Tables of one fraction bit more each, as far as there are any."""
    for frac_bits in _FRAC_BITS:
        found = _octave_tanh(frac_bits)
        if found is not None:
            yield found


@cache
def _octave_tanh(frac_bits: int) -> OctaveTanh | None:
    """The smallest table that is off by less than a unit; None where none is.

    Below ``2**first``, ``1 - tanh(t) / t < t**2 / 3`` is at most half a unit, ``2**-frac_bits``; from ``2**(last + 1)``
    on, ``1 - tanh(t) < 2 exp(-2 t)`` is less than a quarter of one.
    """
    unit = 2.0**-frac_bits
    first = floor((log2(3) - frac_bits - 1) / 2)
    last = ceil(log2((frac_bits + 3) * log(2))) - 2
    argument_bits = frac_bits + _ARGUMENT_GUARD
    small = 2.0 ** (2 * first) / 3 + unit
    flat = max(unit, 2 * exp(-(2.0 ** (last + 2)))) / (1 - unit)
    fewest, more = (
        range(_INDEX_BITS_MIN, (most // (last - first + 1)).bit_length()) for most in (SHARED_ENTRIES_MAX, _ENTRIES_MAX)
    )
    tried = [*product((1, 2, 3), fewest), *product((3,), more[len(fewest) :])]
    for degree, index_bits in tried:
        table, error = _polynomials(first, last, frac_bits, degree, index_bits, argument_bits - index_bits)
        if error <= 1.32 * unit:  # a unit where tanh has fallen to 0.76 of an octave
            largest = max(error, small, flat) * (1 + 2 * unit)
            return OctaveTanh(frac_bits, argument_bits, first, last, index_bits, table, largest)
    return None


def _polynomials(
    first: int, last: int, frac_bits: int, degree: int, index_bits: int, t_bits: int
) -> tuple[PolynomialTable, float]:
    """A table, and how far its results are off at most, relative to themselves."""
    octaves = np.repeat(2.0 ** np.arange(first, last + 1), 1 << index_bits)[:, None]
    within = np.tile(np.arange(1 << index_bits), last - first + 1)[:, None]
    step = octaves * 2.0**-index_bits
    start, unit = octaves + within * step, np.minimum(octaves, 1.0)

    def tanh(position: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.tanh(start + position[None, :] * step) / unit

    exact = tanh(T)
    slope = 1 - (exact * unit) ** 2
    bend = -2 * exact * slope * step**2
    # tanh''' = 2 f' (2 f**2 - f'), of which the factor in brackets is from -1 to 2, and f' falls.
    third = (np.minimum(2.0, 4 * slope[:, :1]) * step**3 / unit)[:, 0]
    table, error = fitted_table(through_nodes(tanh(node_positions(degree))), frac_bits, t_bits, exact, bend, third)
    # To be limited takes a result no farther from tanh than a unit: tanh is below the limit and that.
    return table, float((np.maximum(error, 2.0**-frac_bits) / exact[:, 0]).max()) + 2 * _DOUBT
