"""Scales that leave beside their rows, in the integers of the hardware."""

from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.precision.deferred import DeferredPrecision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.roots.mantissa import bit_length
from streamnorm_sim.streams.rows import RowBatch

from .statistic_steps import reciprocal_root, row_moments, row_variance, statistic_widths

__all__ = ["DeferredRows"]

Integers = npt.NDArray[Any]


class DeferredRows:
    """What a unit with ``defer`` answers, computed with the integers of its :class:`DeferredPrecision`; rows are those
    of a unit where they go through."""

    def __init__(self, config: NormConfig) -> None:
        self._config = config
        self._precision = precision = DeferredPrecision.of(config)
        norm = config.formula
        self._counts = np.array([norm.count(n) for n in range(config.max_length + 1)])
        factor_bits = 0 if precision.factor is None else precision.factor.bits
        widths = (precision.product_bits + 1, precision.root.rho_bits + factor_bits + 1)
        widest = max(*statistic_widths(precision), *widths)
        self._type = np.dtype(np.int64 if widest <= 63 else object)

    def rows(self, batch: RowBatch) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """The rows as they are, 0 behind their ends; and no flags."""
        return np.where(batch.valid, batch.x, 0).astype(np.int64), np.zeros(len(batch), np.uint8)

    def scales(self, batch: RowBatch) -> npt.NDArray[np.int64]:
        """The words of the rows' scales, (rows, 1)."""
        config, precision, kind = self._config, self._precision, self._type
        x = batch.x.astype(np.int64)
        d = np.where(batch.valid, x - (x[:, :1] if config.formula.pivot_in_row else config.input.zero_point), 0)
        s1, s2 = row_moments(config.formula, precision.ranges, d, batch.lengths)
        return self.of_moments(*(of.astype(kind) for of in (s1, s2, self._counts[batch.lengths])))[:, None]

    def of_moments(self, s1: Integers, s2: Integers, count: Integers) -> npt.NDArray[np.int64]:
        """The words of scales from S1, S2 and what w is made of."""
        precision, number, kind = self._precision, self._precision.number, self._type
        variance, weight = row_variance(self._config, precision, s1.astype(kind), s2.astype(kind), count.astype(kind))
        rho, k = reciprocal_root(precision, variance)
        if precision.factor is not None:
            rho = precision.factor.evaluate(rho)
            leads = rho >> (precision.rho_bits - 1)
            rho, k = rho << (1 - leads), k - leads
        if precision.weight_root is None:
            length = bit_length(weight)
            numerator = weight << (precision.numerator_bits - length)
        else:
            numerator, length = precision.weight_root.evaluate(weight)
        product = numerator * rho
        top = product >> (precision.product_bits - 1)
        product = product << (1 - top)
        mantissa = ((product + (1 << (precision.drop - 1))) >> precision.drop).astype(np.int64)
        mantissa = np.clip(mantissa, 1 << (number.mantissa_bits - 1), (1 << number.mantissa_bits) - 1)
        exponent = (length - k + top + precision.exponent_base).astype(np.int64)
        return number.words(mantissa, exponent)
