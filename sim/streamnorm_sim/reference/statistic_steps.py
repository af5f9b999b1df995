"""The first steps of a statistic in the integers of the hardware: from elements to V, and to its reciprocal root."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from streamnorm.precision.ranges import Ranges
from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import MomentValues
from streamnorm.spec.norms import Norm
from streamnorm.spec.roots import RootMethod
from streamnorm.spec.roots.mantissa import mantissa_of
from streamnorm.spec.roots.squared import SQUARED_GUARD, squared

__all__ = ["RootPrecision", "reciprocal_root", "row_moments", "row_variance", "statistic_widths"]

Integers = npt.NDArray[Any]


class RootPrecision(Protocol):
    """What a :class:`~streamnorm.precision.precision.Precision` says of these steps."""

    @property
    def root(self) -> RootMethod: ...
    @property
    def root_bits(self) -> tuple[int, int]: ...
    @property
    def gives_deviation(self) -> bool: ...
    @property
    def ranges(self) -> Ranges: ...
    @property
    def epsilon_code(self) -> int: ...
    @property
    def variance_bits(self) -> int: ...
    @property
    def variance_frac_bits(self) -> int: ...


def row_moments(norm: Norm, ranges: Ranges, d: npt.NDArray[np.integer], lengths: Integers) -> tuple[Integers, Integers]:
    """S1 and S2 of rows of differences, which are 0 behind a row's end; M in the place of S2 where the norm has it."""
    counted = d[:, : norm.statistic_length]
    none = np.zeros(len(d), np.int64)
    s1 = counted.sum(axis=1, dtype=np.int64) if norm.has_sum else none
    s2 = _sum_of_squares(counted, ranges.square_sum_max) if norm.has_squares else none
    if norm.has_absolute_sum:
        s2 = _sum_of_deviations(d, s1, lengths)
    return s1, s2


def row_variance(
    config: NormConfig, precision: Any, s1: Integers, s2: Integers, count: Integers, scale_codes: Integers | None = None
) -> tuple[Integers, Integers]:
    """V with its fraction bits, or its root, and w of rows; all integers wide enough for every step.

    ``scale_codes`` are there where rows bring their scale."""
    norm = config.formula
    total = s2 + s1 * s1 if norm.has_squared_sum else s2
    weight = count * norm.factor(count) if norm.has_factor else count
    square = s1 * s1 if norm.has_variance else None
    absolute = s2 if norm.has_absolute_sum else None
    moments = MomentValues(weight, count, total, square, absolute, scale_codes)
    return config.placement.evaluate(precision, moments), weight


def reciprocal_root(precision: RootPrecision, variance: Integers) -> tuple[Integers, Integers]:
    """rho and k of V, or of its root where that is given."""
    root = precision.root
    if precision.gives_deviation:
        mantissa, k = mantissa_of(variance, *precision.root_bits, root.mantissa_bits + SQUARED_GUARD)
        mantissa, odd = squared(mantissa, root.mantissa_bits)
    else:
        mantissa, position = mantissa_of(variance, *precision.root_bits, root.mantissa_bits)
        k, odd = position >> 1, position & 1
    return root.evaluate(mantissa, odd), k


def statistic_widths(precision: RootPrecision) -> tuple[int, ...]:
    """Bits of what these steps compute, signs included."""
    ranges, root = precision.ranges, precision.root
    return (
        precision.variance_bits + precision.variance_frac_bits + ranges.weight_bits + 1,
        precision.epsilon_code.bit_length() + ranges.weight_bits,
        2 * ranges.sum_bits + precision.variance_frac_bits,
        root.widest,
        2 * (root.mantissa_bits + SQUARED_GUARD) + 2 if precision.gives_deviation else 0,
        root.mantissa_bits + precision.variance_bits + precision.variance_frac_bits,
    )


def _sum_of_squares(d: npt.NDArray[np.integer], largest: int) -> Integers:
    """Exact sum of squares of each row; floats serve while every partial sum is an integer that they hold."""
    if largest < 1 << 53:
        real = d.astype(np.float32 if largest < 1 << 24 else np.float64)
        return np.einsum("ij,ij->i", real, real).astype(np.int64)
    wide = d.astype(np.int64)
    return (wide * wide).sum(axis=1)


def _sum_of_deviations(d: npt.NDArray[np.integer], s1: Integers, lengths: Integers) -> Integers:
    """``sum(abs(n*d - S1))`` of each row."""
    deviations = np.abs(d.astype(np.int64) * lengths[:, None] - s1[:, None])
    return np.where(np.arange(d.shape[1]) < lengths[:, None], deviations, 0).sum(axis=1)
