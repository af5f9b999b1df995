"""Rows of a unit for floating point, computed with the integers of its precision."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streamnorm.precision.floating import FloatPrecision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import MomentValues
from streamnorm.spec.roots.mantissa import bit_length, mantissa_of
from streamnorm.spec.roots.squared import SQUARED_GUARD, squared
from streamnorm_sim.streams.rows import RowBatch

from .elements import RowElements
from .ending import farthest
from .results import Normalized, Results, any_of_row
from .sums import Sums, deviation_sums, row_sums
from .wide_product import fits, shifted_product

__all__ = ["FloatRows"]

Integers = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]


class _Statistic(NamedTuple):
    """RF, KF, R and top of rows."""

    scale: Integers
    centre: Integers
    exponent: Integers
    top: Integers


class _RowMoments(MomentValues):
    """With epsilon in the unit of each row."""

    def __init__(self, precision: FloatPrecision, top: Integers, **moments: Integers | None) -> None:
        super().__init__(**moments)  # type: ignore[arg-type]
        self._row_precision, self._top = precision, top

    def offset(self, precision: Any) -> Integers:
        epsilon, sums = self._row_precision.epsilon, self._row_precision.sums
        above = epsilon.degree * (self._top - sums.floor) if sums is not None else np.zeros_like(self._top)
        return ((self.weight * epsilon.code) << epsilon.up) >> (epsilon.drop + above)


class FloatRows:
    """What the unit of a configuration answers, step by step as :class:`FloatPrecision` says.

    Parameters
    ----------
    config : NormConfig, of floating-point input or output
    gamma, beta : stored integers or codes, (banks, bank_values), instead of the configuration's own; optional
    """

    def __init__(self, config: NormConfig, gamma: Integers | None, beta: Integers | None) -> None:
        self._config, self.precision = config, FloatPrecision.of(config)
        p = self.precision
        self._results = Results(config, p, gamma, beta)
        row_widths = [
            p.variance_bits + p.variance_frac_bits + p.weight_bits + 1,
            2 * p.sum_bits + p.variance_frac_bits,
            p.sum_bits + p.count_bits + p.rho_bits + p.pad_bits + 1,
            p.epsilon.code.bit_length() + p.weight_bits + p.epsilon.up,
            p.numerator_bits + p.rho_bits + 1,
            p.root.widest,
            2 * (p.root.mantissa_bits + SQUARED_GUARD) + 2 if p.gives_deviation else 0,
            p.root.mantissa_bits + p.variance_bits + p.variance_frac_bits,
        ]
        self._row_type = np.dtype(np.int64 if max(row_widths) <= 62 else object)
        factors = (p.elements.mantissa_bits + 1, p.scale_bits + 1)
        product_bits = sum(factors) + p.pad_bits - 1
        self._in_limbs = product_bits > 62 and p.is_fixed and p.normalized_bits < 62 and fits(*factors, p.pad_bits)
        lane_widths = [self._results.widest]
        if not self._in_limbs:
            lane_widths.append(product_bits)
        if p.curve is not None:
            lane_widths.append(p.normalized_bits + max(p.curve.slope_bits, p.curve.code.bit_length()))
        self._lane_type = np.dtype(np.int64 if max(lane_widths) <= 62 else object)
        self._counts = np.array([config.formula.count(n) for n in range(config.max_length + 1)])

    def rows(self, batch: RowBatch) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Results of rows (0 behind a row's end), and the flags of each."""
        elements = RowElements.of(self._config.input, batch)
        part = slice(self._config.formula.statistic_length)
        has_nan, has_infinity = any_of_row(elements.is_nan[:, part]), any_of_row(elements.is_infinite[:, part])
        centred, is_nothing = self._config.formula.centred, has_infinity
        if centred and self.precision.sums is not None:
            is_nothing = is_nothing | ~any_of_row((batch.x != batch.x[:, :1]) & batch.valid)
        statistic = self._statistic(elements, batch.lengths, is_nothing)
        nan = elements.is_nan | has_nan[:, None] | (elements.is_infinite & has_infinity[:, None])
        nan |= (centred & has_infinity)[:, None]
        p = self.precision
        if p.is_fixed:
            z, exponent = self._fixed(elements, statistic), np.full((len(batch), 1), p.fixed_exponent)
            if p.follows_top:
                exponent = exponent + statistic.top[:, None].astype(np.int64)
            negative = np.zeros(z.shape, np.bool_)
        else:
            z, exponent = self._product(elements, statistic)
            negative = elements.negative
        normalized = Normalized(z, exponent, negative, nan, elements.is_infinite & ~nan)
        return self._results.of(batch, elements, normalized)

    def _statistic(self, elements: RowElements, lengths: Integers, is_nothing: Flags) -> _Statistic:
        """Steps 1 to 4 as far as they are of rows; ``is_nothing``: where RF is 0."""
        p, norm, kind = self.precision, self._config.formula, self._row_type
        x = np.where(elements.negative, -elements.mantissa, elements.mantissa)
        if p.sums is not None:
            sums = row_sums(p.sums, x, elements.binade, counted=norm.statistic_length, with_squares=norm.has_squares)
        else:
            part = x[:, : norm.statistic_length]
            s1: Integers = part.sum(axis=1)
            top = np.zeros(len(x), np.int64)
            s2 = (part.astype(object) ** 2).sum(axis=1) if p.square_bits > 62 else (part**2).sum(axis=1)
            sums = Sums(s1, s2, top)
        s1, s2, top = sums
        if norm.has_absolute_sum:
            s2 = deviation_sums(p.sums, x, elements.binade, sums, lengths)
        s1, s2, top = s1.astype(kind), s2.astype(kind), top.astype(kind)
        count = self._counts[lengths].astype(kind)
        weight = count * norm.factor(count) if norm.has_factor else count
        total = s2 + s1 * s1 if norm.has_squared_sum else s2
        moments = _RowMoments(
            p,
            top,
            weight=weight,
            count=count,
            total=total if norm.has_squares else None,
            square=s1 * s1 if norm.has_variance else None,
            absolute=s2 if norm.has_absolute_sum else None,
        )
        if norm.has_factor:
            s1 = s1 * norm.factor(count)
        variance = self._config.placement.evaluate(p, moments)  # type: ignore[arg-type]
        root = p.root
        if p.gives_deviation:
            mantissa, k = mantissa_of(variance, *p.root_bits, root.mantissa_bits + SQUARED_GUARD)
            mantissa, odd = squared(mantissa, root.mantissa_bits)
        else:
            mantissa, position = mantissa_of(variance, *p.root_bits, root.mantissa_bits)
            k, odd = position >> 1, position & 1
        rho = root.evaluate(mantissa, odd)
        rho = np.where(is_nothing, 0, rho)
        exponent = top + p.unit_exponent + k + p.rho_bits
        if p.weight_root is not None:
            numerator, length = p.weight_root.evaluate(weight)
            left = p.weight_root.bits - length
        elif p.is_fixed:
            numerator, left = weight, 0
        else:
            left = p.weight_bits - bit_length(weight)
            numerator = weight << left
        scale = (numerator * rho) >> p.scale_drop
        if not p.is_fixed:
            return _Statistic(scale, np.zeros_like(scale), exponent + left - p.scale_drop, top)
        exponent = exponent + left - p.product_frac_bits
        if not norm.centred:
            return _Statistic(scale, np.zeros_like(scale), exponent, top)
        down = (k + p.rho_bits - p.product_frac_bits + p.pad_bits).astype(kind)
        return _Statistic(scale, (((s1 * rho) << p.pad_bits) >> down) - 1, exponent, top)

    def _fixed(self, elements: RowElements, statistic: _Statistic) -> Integers:
        """z of step 3, or u."""
        p, kind = self.precision, self._lane_type
        x = np.where(elements.negative, -elements.mantissa, elements.mantissa).astype(kind)
        scale = statistic.scale.astype(kind)[:, None]
        down = (statistic.exponent[:, None] - elements.binade).astype(np.int64)
        if self._in_limbs:
            z = shifted_product(x.astype(np.int64, copy=False), scale.astype(np.int64, copy=False), down)
        else:
            z = (x * scale << p.pad_bits) >> np.clip(down + p.pad_bits, 0, farthest(kind)).astype(kind)
        half = 1 << (p.normalized_bits - 1 + p.is_centred)
        mask = 2 * half - 1
        if p.is_centred:
            z = z - (statistic.centre & mask).astype(kind)[:, None]
        z = (((z + half) & mask) - half) >> p.is_centred
        return z if p.curve is None else p.curve.evaluate(z)

    def _product(self, elements: RowElements, statistic: _Statistic) -> tuple[Integers, Integers]:
        """Z and ez of step 4."""
        p, kind = self.precision, self._lane_type
        mantissa, bits = elements.mantissa, p.elements.mantissa_bits
        left = np.where(mantissa > 0, bits - bit_length(mantissa.ravel()).reshape(mantissa.shape), 0)
        full = (mantissa << left).astype(kind)
        z = (full * statistic.scale.astype(kind)[:, None]) >> p.product_drop
        exponent = elements.binade - left - statistic.exponent.astype(np.int64)[:, None] + p.product_drop
        return z, exponent
