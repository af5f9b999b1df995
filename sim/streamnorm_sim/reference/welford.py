"""The model of units whose statistics are worked out by Welford's updates, bit for bit what the hardware computes."""

from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.precision.welford import WelfordPrecision
from streamnorm.spec.config import NormConfig

from .golden import GoldenModel

__all__ = ["WelfordModel", "welford_moments"]

Integers = npt.NDArray[Any]


class WelfordModel(GoldenModel):
    """As :class:`GoldenModel`, with mean and squares updated beat by beat; see :class:`WelfordPrecision`.

    Works with Python integers: some ten thousand beats a second.
    """

    def rows_statistic(
        self, d: npt.NDArray[np.integer], lengths: Integers, scale_codes: Integers | None = None
    ) -> tuple[Integers, Integers, Integers]:
        assert scale_codes is None
        p, points = self._row_precision, WelfordPrecision.of(self._core)
        frac, square_frac = points.mean_frac_bits, points.square_frac_bits
        n = lengths.astype(object)
        mean, squares = welford_moments(self._core, d, lengths)
        s1 = (n * mean + (1 << (frac - 1))) >> frac
        drop = 2 * frac - square_frac
        squares = np.maximum(squares >> drop if drop >= 0 else squares << -drop, 0)
        offset = (n * p.epsilon_code) >> p.epsilon_drop
        drop = square_frac - p.variance_frac_bits
        variance = n * (squares + (offset << drop))
        if drop:
            variance = (variance + (1 << (drop - 1))) >> drop
        variance = np.minimum(variance, (1 << (p.variance_bits + p.variance_frac_bits)) - 1)
        kind = self._statistic_type
        return self._statistic_of(variance.astype(kind), s1.astype(kind), lengths.astype(kind))


def welford_moments(config: NormConfig, d: npt.NDArray[np.integer], lengths: Integers) -> tuple[Integers, Integers]:
    """Mean, and sum of squared deviations from it, of rows of differences, as the updates leave them.

    Returns
    -------
    Python integers (rows,), with mean_frac_bits and with twice as many fraction bits; see :class:`WelfordPrecision`
    """
    points, lanes = WelfordPrecision.of(config), config.lanes
    up = points.reciprocal_frac_bits
    reciprocals = np.array(points.reciprocals(config.max_length), object)
    mean, squares = np.zeros(len(d), object), np.zeros(len(d), object)
    for start in range(0, d.shape[1], lanes):
        beat = d[:, start : start + lanes].astype(object)
        count = np.clip(lengths - start, 0, lanes)
        inside = np.arange(beat.shape[1]) < count[:, None]
        delta = ((beat << points.mean_frac_bits) - mean[:, None]) * inside
        total = delta.sum(axis=1)
        reciprocal = reciprocals[start + count] * (count > 0)
        step = (total * reciprocal + (1 << (up - 1))) >> up
        squares += (delta * delta).sum(axis=1) - total * step
        mean += step
    return mean, squares
