"""The golden model: NumPy, bit for bit what the hardware computes."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.precision.floating import FloatPrecision, StaticFloatPrecision
from streamnorm.precision.integer import IntegerPrecision
from streamnorm.precision.lane import precision_of
from streamnorm.precision.precision import Precision
from streamnorm.precision.static import StaticPrecision
from streamnorm.spec.arrays import INTEGERS, ArrayOrFile, given_array, require_array, require_within
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.epsilon_placements import MomentValues
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.paths import named_file
from streamnorm.spec.roots.mantissa import bit_length, mantissa_of
from streamnorm.spec.roots.squared import SQUARED_GUARD, squared
from streamnorm.spec.values import shortened
from streamnorm_sim.streams.rows import RowBatch

from .floating import FloatRows, StaticFloatRows
from .fusions import normalized_rows, rows_beside, scaled_rows
from .half_even import half_even
from .published import published_model
from .published.q_layernorm_dyadic import requantized
from .stored_rows import parameter_of_rows, stored_of_rows

__all__ = ["GoldenModel"]

Integers = npt.NDArray[Any]
"""int64, or Python integers where those are too narrow."""

_CHUNK = 1 << 16
"""Elements worked on at a time: the intermediate arrays stay in the cache."""


class GoldenModel:
    """What the unit of a configuration answers, computed with the integers of its :class:`Precision`.

    Where the norm has no statistic, with those of its :class:`StaticPrecision`; with an algorithm of the literature,
    with the integers of that, as :mod:`.published` has them; where elements or results are floating-point numbers, with
    those of its :class:`FloatPrecision` or :class:`StaticFloatPrecision`, as :mod:`.floating` has them: elements and
    results are codes then.

    Every step is the one documented there, in the same widths; 64-bit integers serve where all of them fit, Python
    integers where they do not.

    Parameters
    ----------
    config : NormConfig
    gamma, beta : stored integers, shape (banks, bank_values), or a .npy file of them; optional
        Instead of the configuration's own, for ``storage = "ram"`` after a load.

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy that ``config`` asks for, it is no NormConfig, or gamma or beta are not such
        integers, of ``gamma_bits`` and ``beta_bits``.
    """

    def __init__(
        self, config: NormConfig, *, gamma: ArrayOrFile | None = None, beta: ArrayOrFile | None = None
    ) -> None:
        self.config = checked_config(config)
        self._core = config = self.config.core
        self.precision = precision = precision_of(config)
        self._floats: FloatRows | StaticFloatRows | None = None
        if isinstance(precision, FloatPrecision | StaticFloatPrecision):
            given = {"gamma": gamma, "beta": beta}
            stored = {key: None if of is None else _stored(config, key, of) for key, of in given.items()}
            kind = FloatRows if isinstance(precision, FloatPrecision) else StaticFloatRows
            self._floats = kind(config, stored["gamma"], stored["beta"])
            return
        self.parameters = StoredParameters.of(config)
        self._published = published_model(config)
        self._gamma = self.parameters.gamma if gamma is None else _stored(config, "gamma", gamma)
        self._beta = self.parameters.beta if beta is None else _stored(config, "beta", beta)
        if isinstance(precision, IntegerPrecision):
            return
        lane_widths = [
            precision.normalized_bits + self.parameters.gamma_bits + precision.gamma_align + 1,
            self.parameters.beta_bits + 1 + precision.beta_align + 1,
        ]
        if isinstance(precision, Precision):
            ranges, root, curve = precision.ranges, precision.root, precision.curve
            statistic_widths = (
                precision.variance_bits + precision.variance_frac_bits + ranges.weight_bits + 1,
                precision.epsilon_code.bit_length() + ranges.weight_bits,
                2 * ranges.sum_bits + precision.variance_frac_bits,
                ranges.sum_bits + ranges.count_bits + precision.rho_bits + precision.left_max + 1,
                root.rho_bits + (0 if precision.factor is None else precision.factor.bits) + 1,
                precision.exact_scale_bits + 1,
                root.widest,
                2 * (root.mantissa_bits + SQUARED_GUARD) + 2 if precision.gives_deviation else 0,
                root.mantissa_bits + precision.variance_bits + precision.variance_frac_bits,
            )
            lane_widths += [
                ranges.difference_bits + precision.scale_bits + 1,
                precision.centre_bits + 1,
                precision.multiplied_bits + self.parameters.gamma_bits + precision.gamma_align + 1,
            ]
            if curve is not None:
                lane_widths.append(precision.normalized_bits + max(curve.slope_bits, curve.code.bit_length()))
            norm = config.formula
            self._counts = np.array([norm.count(n) for n in range(config.max_length + 1)])
            self._statistic_type = np.dtype(np.int64 if max(statistic_widths) <= 63 else object)
        self._lane_type = np.dtype(np.int64 if max(lane_widths) <= 63 else object)

    def __repr__(self) -> str:
        config = self.config
        formats = f"{config.input.name} to {config.output.name}"
        return f"<GoldenModel of {shortened(config.name, 20)}: {config.norm}, {formats}>"

    def normalize(
        self,
        x: ArrayOrFile,
        lengths: npt.ArrayLike | None = None,
        banks: npt.ArrayLike | None = None,
        **beside: ArrayOrFile,
    ) -> Integers:
        """Normalized rows.

        Parameters
        ----------
        x, lengths, banks, beside
            Rows, as for `RowBatch.of`.

        Returns
        -------
        int64 of shape (rows, n); 0 behind a row's end

        Raises
        ------
        ConfigError
            As `RowBatch.of`.
        """
        results = self._unscaled(RowBatch.of(self.config, x, lengths, banks, **beside))
        scale = self.config.row_scale
        return results if scale is None else scaled_rows(scale, results)[0]

    def _unscaled(self, batch: RowBatch) -> Integers:
        """Results of the unit that normalizes."""
        batch = normalized_rows(self.config, batch)
        result = np.zeros(batch.x.shape, np.int64)
        for where, part in batch.parts(_CHUNK):
            result[where] = self._rows(part) if self._floats is None else self._floats.rows(part)[0]
        return result

    def beside(self, batch: RowBatch) -> dict[str, RowBatch]:
        """What comes out beside the results of rows, by the streams' names: elements of their formats, 0 behind a row's
        end; where there is one element of each row, rows of one."""
        found = rows_beside(self.config, batch)
        if (scale := self.config.row_scale) is not None:
            codes = scaled_rows(scale, self._unscaled(batch))[1]
            found["scale"] = replace(batch, x=codes, lengths=np.ones(len(batch), np.int64), beside={})
        return found

    def flags(
        self,
        x: ArrayOrFile,
        lengths: npt.ArrayLike | None = None,
        banks: npt.ArrayLike | None = None,
        **beside: ArrayOrFile,
    ) -> npt.NDArray[np.uint8]:
        """The flags of rows, uint8 (rows,): bit 0, an element is NaN, bit 1, one is infinite, bit 2, a result lies
        beyond the output format. 0 where elements and results are integers. Arguments and errors are those of
        :meth:`normalize`."""
        batch = normalized_rows(self.config, RowBatch.of(self.config, x, lengths, banks, **beside))
        result = np.zeros(len(batch), np.uint8)
        if self._floats is not None:
            for where, part in batch.parts(_CHUNK):
                result[where] = self._floats.rows(part)[1]
        return result

    def _rows(self, batch: RowBatch) -> Integers:
        full = bool((batch.lengths == batch.x.shape[1]).all())
        inside = None if full else batch.valid
        d = batch.x.astype(np.int32)
        d -= d[:, :1].copy() if self._core.formula.pivot_in_row else np.array(self._core.input.zero_point, d.dtype)
        if inside is not None:
            d *= inside
        published = self._published
        if published is not None and published.normalized is not None:
            z = published.normalized(d.astype(np.int64), batch.lengths)
        elif isinstance(self.precision, StaticPrecision):
            z = self.precision.evaluate(d).astype(self._lane_type)
        else:
            z = self._normalized(d, *self.rows_statistic(d, batch.lengths))
        if published is None:
            y = self._results(z, batch)
        else:
            numbers = (stored_of_rows(self._core, values, batch.banks, z.shape[1]) for values in published.numbers)
            y = requantized(z, *numbers) + self._core.output.zero_point
            y = np.clip(y, self._core.output.min, self._core.output.max).astype(np.int64)
        if inside is not None:
            y *= inside
        return y

    @property
    def _row_precision(self) -> Precision:
        """Of norms with a statistic."""
        assert isinstance(self.precision, Precision)
        return self.precision

    def rows_statistic(self, d: npt.NDArray[np.integer], lengths: Integers) -> tuple[Integers, Integers, Integers]:
        """As :meth:`statistic`, of rows of differences; those are 0 behind a row's end."""
        norm, ranges = self._core.formula, self._row_precision.ranges
        counted = d[:, : norm.statistic_length]
        none = np.zeros(len(d), np.int64)
        s1 = counted.sum(axis=1, dtype=np.int64) if norm.has_sum else none
        s2 = _sum_of_squares(counted, ranges.square_sum_max) if norm.has_squares else none
        if norm.has_absolute_sum:
            s2 = _sum_of_deviations(d, s1, lengths)
        return self.statistic(s1, s2, self._counts[lengths])

    def statistic(self, s1: Integers, s2: Integers, count: Integers) -> tuple[Integers, Integers, Integers]:
        """Steps 1 to 5 of :class:`Precision`: (RF, KF without its rounding half, shift index s) of each row.

        ``s2`` is M where the norm has that.
        """
        p, kind, norm = self._row_precision, self._statistic_type, self._core.formula
        s1, s2, count = s1.astype(kind), s2.astype(kind), count.astype(kind)
        total = s2 + s1 * s1 if norm.has_squared_sum else s2
        weight = count * norm.factor(count) if norm.has_factor else count
        square = s1 * s1 if norm.has_variance else None
        moments = MomentValues(weight, count, total, square, s2 if norm.has_absolute_sum else None)
        if norm.has_factor:
            s1 = s1 * norm.factor(count)
        return self._statistic_of(self._core.placement.evaluate(p, moments), s1, weight)

    def _statistic_of(self, variance: Integers, s1: Integers, weight: Integers) -> tuple[Integers, Integers, Integers]:
        """Steps 2 to 5, from V with its fraction bits, or its root; all of the statistic's type."""
        p = self._row_precision
        ranges, root = p.ranges, p.root
        if p.gives_deviation:
            mantissa, k = mantissa_of(variance, *p.root_bits, root.mantissa_bits + SQUARED_GUARD)
            mantissa, odd = squared(mantissa, root.mantissa_bits)
        else:
            mantissa, position = mantissa_of(variance, *p.root_bits, root.mantissa_bits)
            k, odd = position >> 1, position & 1
        rho = root.evaluate(mantissa, odd)
        if p.factor is not None:
            rho = p.factor.evaluate(rho)
        if p.weight_root is None:
            numerator, length = weight, bit_length(weight)
            room = p.numerator_bits - length
        else:
            numerator, length = p.weight_root.evaluate(weight)
            room = 0
        h = p.exponent_base - length + k
        split = np.array([p.split(i) for i in range(ranges.exponent_max - ranges.exponent_min + 1)])
        s, fine = split[np.clip(h, 0, len(split) - 1).astype(np.int64)].T
        b = room + p.fine_max - fine
        product = (numerator << b) * rho
        if p.scale_drop:
            product = (product + (1 << (p.scale_drop - 1))) >> p.scale_drop
            product = np.minimum(product, (1 << p.scale_bits) - 1)
        if not self._core.formula.centred:
            return product, np.zeros_like(s1), s
        centre = ((s1 * rho) << b) >> p.centre_drop
        return product, centre, s

    def _normalized(self, d: npt.NDArray[np.integer], scale: Integers, centre: Integers, shift: Integers) -> Integers:
        """What gamma multiplies: z of step 6, or q where z is rounded to the output format; an array of its own."""
        p, kind = self._row_precision, self._lane_type
        half = np.array([p.half(s) for s in range(p.shift_count)], kind)[shift]
        a = d.astype(kind) * scale.astype(kind)[:, None]
        a = a >> p.product_drop if p.product_drop >= 0 else a << -p.product_drop
        a -= (centre.astype(kind) - half)[:, None]
        a >>= (p.normalize_shift + shift * p.radix).astype(kind)[:, None]
        if p.curve is not None:
            a = p.curve.evaluate(a)
        if p.grid is not None:
            a = half_even(a, p.step_frac_bits, is_raised=True)
            a = np.clip(a, p.grid.low, p.grid.high, out=a)
        return a

    def _results(self, z: Integers, batch: RowBatch) -> Integers:
        """Step 7, in the place of what gamma multiplies."""
        p, target, kind = self.precision, self._core.output, self._lane_type
        assert not isinstance(p, IntegerPrecision)
        a, stored = z, {"gamma": self._gamma, "beta": self._beta}
        gamma, beta = (parameter_of_rows(self._core, key, values, batch) for key, values in stored.items())
        beta = beta + (1 << (self.parameters.beta_frac_bits - 1))
        a *= gamma.astype(kind) << p.gamma_align
        a += beta.astype(kind) << p.beta_align
        y = half_even(a, p.result_frac_bits, is_raised=True).astype(np.int64)
        return np.clip(y, target.min, target.max, out=y)


def _stored(config: NormConfig, key: str, values: ArrayOrFile) -> Integers:
    array, path = given_array(values, key)
    shape, bits = (config.banks, config.bank_values), getattr(config, f"{key}_bits")
    with named_file(path):
        require_array(f"{key} is", array, INTEGERS, array.shape == shape, f"integers of {shape}")
        low, high = (0, (1 << bits) - 1) if config.output.is_float else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        require_within(key, array, low, high, f" ({key}_bits = {bits})")
    return array.astype(np.int64)


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
