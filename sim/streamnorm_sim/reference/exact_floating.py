"""The exact result rounded to floating point, once, to nearest even: integers only.

The exact result y of an element is known by bounds ``low <= y * 2^e <= high``, integers, as narrow as they are asked
for, and by its order to any given rational number, which is decided exactly. Rounding never decreases: where both
bounds are rounded to the same number, y is, too. With the first bounds, of 72 bits, all but a few elements in
``2^(72 - precision)`` are decided, and those in which nearly all of ``z * gamma + beta`` cancels.

The others get narrower bounds, until they agree, or until y is found to be equal to the number halfway between two of
the format, or to a power of two: the multiples of half a step are the only numbers at which anything changes, and the
bounds agree in the end unless y is one of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.formats import FloatFormat

__all__ = ["Bounds", "ExactRows", "RoundedFloats", "round_rows"]

_FIRST_BITS = 72

_EXTRA_BITS = 24
"""The bounds that are enough differ by less than ``2^-24`` of the number's last place."""

_VALUE_BITS = 64
_VALUE_MAX = np.finfo(np.float64).max


@dataclass(frozen=True)
class Bounds:
    """Integers ``low <= y * 2^exponent <= high`` of some elements."""

    low: list[int]
    high: list[int]
    exponent: int


class ExactRows(Protocol):
    """Rows whose results are known as closely as one asks."""

    def bounds(self, row: int, columns: Sequence[int], bits: int) -> Bounds:
        """Bounds of elements of a row, nearer with more bits; equal where they are y itself."""
        ...

    def side(self, row: int, column: int, limit: Fraction) -> int:
        """The sign of ``y - limit``."""
        ...


@dataclass(frozen=True)
class RoundedFloats:
    """Results (rows, n), 0 behind a row's end.

    Attributes
    ----------
    codes : int64
        Codes of the magnitudes; where one is beyond the largest number, a code beyond that of the largest number, or of
        what stands there for infinity and NaN.
    negative : bool
    is_zero : bool
        Whether the exact result is 0.
    values : float64
        The exact result, within ``2^-24`` of its last place in the format, and ``2^-52`` of itself.
    exponents : int64
        Of the last place of the exact result: it is worth ``2^exponent``.
    """

    codes: NDArray[np.int64]
    negative: NDArray[np.bool_]
    is_zero: NDArray[np.bool_]
    values: NDArray[np.float64]
    exponents: NDArray[np.int64]


@dataclass(frozen=True)
class _Found:
    """``code`` of a magnitude, ``mantissa * 2^shift`` of it, and where its last place is."""

    code: int
    mantissa: int
    shift: int
    place: int


class _Grid:
    """The magnitudes of a format."""

    def __init__(self, output: FloatFormat) -> None:
        self.precision, self.fraction_bits = output.precision, output.fraction_bits
        self.least_place = 1 - output.bias - output.fraction_bits
        self.least_exponent = _EXTRA_BITS + 2 - self.least_place
        """Of bounds: with it a place has bits for all that is asked of them."""

    def found(self, low: int, high: int, exponent: int) -> _Found | int:
        """A magnitude of known bounds above 0; or the place at which they are too far apart."""
        least = exponent + self.least_place
        length = low.bit_length()
        place = length - self.precision
        if place < least:
            place = least
        rest = (1 << (place - 1)) - 1
        steps = (low + rest + ((low >> place) & 1)) >> place
        if high != low:
            apart = (high - low) >> (place - _EXTRA_BITS) or (high + rest + ((high >> place) & 1)) >> place != steps
            if apart or max(high.bit_length() - self.precision, least) != place:
                return place
        shift = max(length - _VALUE_BITS, 0)
        # One step of 2**fraction_bits is in the exponent; carries go there by themselves.
        code = ((place - least) << self.fraction_bits) + steps
        return _Found(code, low >> shift, shift - exponent, place - exponent)


def round_rows(rows: ExactRows, lengths: Iterable[int], shape: tuple[int, int], output: FloatFormat) -> RoundedFloats:
    """The results of rows, rounded to nearest even on a format's grid, which goes on beyond its largest number."""
    grid = _Grid(output)
    codes = np.zeros(shape, np.int64)
    negative = np.zeros(shape, np.bool_)
    is_zero = np.zeros(shape, np.bool_)
    mantissas = np.zeros(shape, np.float64)
    shifts = np.zeros(shape, np.int64)
    exponents = np.full(shape, grid.least_place, np.int64)
    for row, length in enumerate(lengths):
        bounds = _lifted(rows.bounds(row, range(length), _FIRST_BITS), grid)
        for column, (low, high) in enumerate(zip(bounds.low, bounds.high, strict=True)):
            if low > 0:
                found = grid.found(low, high, bounds.exponent)
            elif high < 0:
                found = grid.found(-high, -low, bounds.exponent)
                negative[row, column] = True
            elif low == high:
                is_zero[row, column] = True
                continue
            else:
                found = 0
            if isinstance(found, int):
                decided = _decided(rows, row, column, grid)
                if decided is None:
                    is_zero[row, column] = True
                    negative[row, column] = False
                    continue
                negative[row, column], found = decided
            codes[row, column] = found.code
            mantissas[row, column] = found.mantissa
            shifts[row, column] = found.shift
            exponents[row, column] = found.place
    with np.errstate(over="ignore"):
        values = np.minimum(np.ldexp(mantissas, shifts), _VALUE_MAX)
    return RoundedFloats(codes, negative, is_zero, np.where(negative, -values, values), exponents)


def _lifted(bounds: Bounds, grid: _Grid) -> Bounds:
    missing = grid.least_exponent - bounds.exponent
    if missing <= 0:
        return bounds
    low, high = ([value << missing for value in values] for values in (bounds.low, bounds.high))
    return Bounds(low, high, grid.least_exponent)


def _decided(rows: ExactRows, row: int, column: int, grid: _Grid) -> tuple[bool, _Found] | None:
    """Sign and magnitude of one element that is hard to round; None where it is 0."""
    side = rows.side(row, column, Fraction(0))
    if side == 0:
        return None
    bits = _FIRST_BITS
    while True:
        bits *= 2
        bounds = _lifted(rows.bounds(row, [column], bits), grid)
        low, high = sorted((side * bounds.low[0], side * bounds.high[0]))
        if low <= 0:
            continue
        found = grid.found(low, high, bounds.exponent)
        if isinstance(found, _Found):
            return side < 0, found
        half = found - 1
        nearest = (low + (1 << half) - 1) >> half << half
        if nearest <= high and rows.side(row, column, Fraction(side * nearest, 1 << bounds.exponent)) == 0:
            exact = grid.found(nearest, nearest, bounds.exponent)
            assert isinstance(exact, _Found)
            return side < 0, exact
