"""Sums of a row of floating-point numbers, in windows of binades."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streamnorm.precision.floating.row_sums import RowSums

__all__ = ["Sums", "deviation_sums", "row_sums"]

Integers = npt.NDArray[Any]

_LIMB_BITS = 20
"""Wide elements are added and squared in limbs of so many bits: sums of two limbs' products fit 63 bits."""


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
        s1 = s1 + (_sum(kept, sums.aligned_bits) << up)
        if with_squares:
            s2 = s2 + (_sum_of_squares(kept, sums.aligned_bits) << 2 * up)
    down = (top & (sums.window - 1)) + sums.cut_bits
    return Sums(_shifted(s1, down), _shifted(s2, 2 * down), top)


def deviation_sums(
    sums: RowSums | None, x: npt.NDArray[np.int64], binade: npt.NDArray[np.int64], of: Sums, lengths: Integers
) -> Integers:
    """M of rows, whose other sums are given: step 1 of :class:`~streamnorm.precision.floating.FloatPrecision`."""
    multiples = x.astype(object) * lengths.astype(object)[:, None]
    if sums is not None:
        up = sums.row_bits - sums.elements.mantissa_bits
        multiples = (multiples << up) >> (of.top[:, None] - binade).astype(object)
    above = np.maximum(multiples - of.s1.astype(object)[:, None], 0)
    return 2 * np.where(np.arange(x.shape[1]) < lengths[:, None], above, 0).sum(axis=1)


def _sum_of_squares(x: npt.NDArray[np.int64], bits: int) -> Integers:
    """Of each row, as Python integers."""
    if 2 * bits + x.shape[1].bit_length() <= 53:  # every partial sum is an integer that float64 holds
        real = x.astype(np.float64)
        return np.einsum("ij,ij->i", real, real).astype(np.int64).astype(object)
    limbs = _limbs(x, bits)
    total: Integers = np.zeros(len(x), object)
    for place, first in enumerate(limbs):
        for other, second in enumerate(limbs[: place + 1]):
            product = (first * second).sum(axis=1).astype(object)
            total = total + (product << (place + other) * _LIMB_BITS + (place != other))
    return total


def _sum(x: npt.NDArray[np.int64], bits: int) -> Integers:
    """Of each row, as Python integers."""
    if bits + x.shape[1].bit_length() <= 62:
        return x.sum(axis=1).astype(object)
    sums = [limb.sum(axis=1).astype(object) << place * _LIMB_BITS for place, limb in enumerate(_limbs(x, bits))]
    return np.add.reduce(sums)


def _limbs(x: npt.NDArray[np.int64], bits: int) -> list[npt.NDArray[np.int64]]:
    """The lowest first; the highest has the sign."""
    *low, highest = range(0, bits, _LIMB_BITS)
    return [*((x >> place) & ((1 << _LIMB_BITS) - 1) for place in low), x >> highest]


def _shifted(values: Integers, down: npt.NDArray[np.int64]) -> Integers:
    """Shifted right, or left where it is below 0."""
    pad = max(0, -int(down.min(initial=0)))
    return (values << pad) >> (down + pad).astype(object)
