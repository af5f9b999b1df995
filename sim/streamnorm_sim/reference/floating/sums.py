"""Sums of a row of floating-point numbers, in windows of binades."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streamnorm.precision.floating.row_sums import RowSums

__all__ = ["Sums", "row_sums"]

Integers = npt.NDArray[Any]

_HALF_BITS = 16
"""Elements are squared in two halves where a sum of their squares would not fit 63 bits."""


class Sums(NamedTuple):
    """S1, S2 and ``top`` of rows, arrays of (rows,); Python integers where they do not fit 63 bits."""

    s1: Integers
    s2: Integers
    top: npt.NDArray[np.int64]


def row_sums(
    sums: RowSums, x: npt.NDArray[np.int64], binade: npt.NDArray[np.int64], *, counted: int | None, with_squares: bool
) -> Sums:
    """The sums of rows of ``x * 2**binade``, as :class:`~streamnorm.precision.floating.row_sums.RowSums` has them.

    ``counted``: of so many elements at the beginning; None for all.
    """
    x, binade = x[:, :counted], binade[:, :counted]
    top = np.maximum(binade.max(axis=1, initial=0), sums.floor)
    window = binade >> sums.shift_bits
    below = (top >> sums.shift_bits)[:, None] - window
    aligned = x << (binade & (sums.window - 1))
    s1: Integers = np.zeros(len(x), object)
    s2: Integers = np.zeros(len(x), object)
    for place in range(min(sums.count, int(below.max(initial=0)) + 1)):
        kept = np.where(below == place, aligned, 0)
        up = sums.window * (sums.count - 1 - place)
        s1 = s1 + (kept.sum(axis=1).astype(object) << up)
        if with_squares:
            s2 = s2 + (_sum_of_squares(kept, sums.aligned_bits) << 2 * up)
    down = (top & (sums.window - 1)) + sums.cut_bits
    return Sums(_shifted(s1, down), _shifted(s2, 2 * down), top)


def _sum_of_squares(x: npt.NDArray[np.int64], bits: int) -> Integers:
    """Of each row, as Python integers."""
    if 2 * bits + x.shape[1].bit_length() <= 53:  # every partial sum is an integer that float64 holds
        real = x.astype(np.float64)
        return np.einsum("ij,ij->i", real, real).astype(np.int64).astype(object)
    high, low = x >> _HALF_BITS, x & ((1 << _HALF_BITS) - 1)
    parts = ((high * high).sum(axis=1), (high * low).sum(axis=1), (low * low).sum(axis=1))
    high_squares, products, low_squares = (part.astype(object) for part in parts)
    return (high_squares << 2 * _HALF_BITS) + (products << (_HALF_BITS + 1)) + low_squares


def _shifted(values: Integers, down: npt.NDArray[np.int64]) -> Integers:
    """Shifted right, or left where it is below 0."""
    pad = max(0, -int(down.min(initial=0)))
    return (values << pad) >> (down + pad).astype(object)
