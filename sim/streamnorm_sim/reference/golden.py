"""The golden model: NumPy, bit for bit what the hardware computes."""

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.precision.deferred import DeferredPrecision
from streamnorm.precision.floating import FloatPrecision, StaticFloatPrecision
from streamnorm.precision.integer import IntegerPrecision
from streamnorm.precision.lane import precision_of
from streamnorm.precision.precision import Precision
from streamnorm.precision.static import StaticPrecision
from streamnorm.spec.arrays import INTEGERS, ArrayOrFile, given_array, require_array, require_within
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.epsilon_placements import RowVariancePlacement
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.paths import named_file
from streamnorm.spec.roots.mantissa import bit_length
from streamnorm.spec.values import refuse_unknown, shortened
from streamnorm_sim.streams.rows import RowBatch

from .deferred import DeferredRows
from .floating import FloatRows, StaticFloatRows
from .fusions import normalized_rows, rows_beside, scaled_rows
from .half_even import half_even
from .published import published_model
from .published.q_layernorm_dyadic import requantized
from .statistic_steps import reciprocal_root, row_moments, row_variance, statistic_widths
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
    results are codes then. With ``defer``, rows are as they were, or what the model of
    their own unit has where the mean is subtracted, and their scales as :mod:`.deferred` has them.

    Every step is the one documented there, in the same widths; 64-bit integers serve where all of them fit, Python
    integers where they do not.

    Parameters
    ----------
    config : NormConfig
    gamma, beta : stored integers, shape (banks, bank_values), or a .npy file of them; optional
        Instead of the configuration's own, for ``storage = "ram"`` after a load.
    further
        The same of each further result, ``gamma_second`` and ``beta_second`` of one that is called second.

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy that ``config`` asks for, it is no NormConfig, or gamma or beta are not such
        integers, of ``gamma_bits`` and ``beta_bits``, or of no result of the configuration.
    """

    def __init__(
        self,
        config: NormConfig,
        *,
        gamma: ArrayOrFile | None = None,
        beta: ArrayOrFile | None = None,
        **further: ArrayOrFile,
    ) -> None:
        self.config = checked_config(config)
        refuse_unknown(
            further, ["gamma", "beta", *(f"{key}_{of.name}" for of in config.results for key in ("gamma", "beta"))]
        )
        self._loaded_further = further
        self._core = config = self.config.core
        self.precision = precision = precision_of(config)
        self._floats: FloatRows | StaticFloatRows | None = None
        self._deferred: DeferredRows | None = None
        self._centred: GoldenModel | None = None
        if isinstance(precision, DeferredPrecision):
            self._deferred = DeferredRows(config)
            self._centred = None if config.centred_rows is None else GoldenModel(config.centred_rows)
            return
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
            widths = (
                *statistic_widths(precision),
                ranges.sum_bits + ranges.count_bits + precision.rho_bits + precision.left_max + 1,
                root.rho_bits + (0 if precision.factor is None else precision.factor.bits) + 1,
                precision.exact_scale_bits + 1,
                0 if precision.row_epsilon is None else precision.row_epsilon.widest + 1,
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
            self._statistic_type = np.dtype(np.int64 if max(widths) <= 63 else object)
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
        if self._centred is not None:
            return self._centred._unscaled(batch)
        result = np.zeros(batch.x.shape, np.int64)
        for where, part in batch.parts(_CHUNK):
            others = self._deferred or self._floats
            result[where] = self._rows(part) if others is None else others.rows(part)[0]
        return result

    def beside(self, batch: RowBatch) -> dict[str, RowBatch]:
        """What comes out beside the results of rows, by the streams' names: elements of their formats, 0 behind a row's
        end; where there is one element of each row, rows of one."""
        found = rows_beside(self.config, batch)
        for name, model in self._further.items():
            found[name] = replace(batch, x=model._unscaled(batch), beside={})
        if (scale := self.config.row_scale) is not None:
            codes = scaled_rows(scale, self._unscaled(batch))[1]
            found["scale"] = _of_each_row(batch, codes)
        if self._deferred is not None:
            parts = [self._deferred.scales(part) for _, part in normalized_rows(self.config, batch).parts(_CHUNK)]
            found["scale"] = _of_each_row(batch, np.concatenate(parts) if parts else np.zeros((0, 1), np.int64))
        return found

    @cached_property
    def _further(self) -> "dict[str, GoldenModel]":
        """Models of the further results: the same up to the normalized value."""
        loaded = self._loaded_further
        return {
            name: GoldenModel(config, gamma=loaded.get(f"gamma_{name}"), beta=loaded.get(f"beta_{name}"))
            for name, config in self.config.by_result.items()
        }

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
            scales = self._core.input_scale
            codes = None if scales is None else batch.beside[scales.side.name][:, 0]
            z = self._normalized(d, *self.rows_statistic(d, batch.lengths, codes))
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

    def rows_statistic(
        self, d: npt.NDArray[np.integer], lengths: Integers, scale_codes: Integers | None = None
    ) -> tuple[Integers, Integers, Integers]:
        """As :meth:`statistic`, of rows of differences; those are 0 behind a row's end."""
        moments = row_moments(self._core.formula, self._row_precision.ranges, d, lengths)
        return self.statistic(*moments, self._counts[lengths], scale_codes)

    def statistic(
        self, s1: Integers, s2: Integers, count: Integers, scale_codes: Integers | None = None
    ) -> tuple[Integers, Integers, Integers]:
        """Steps 1 to 5 of :class:`Precision`: (RF, KF without its rounding half, shift index s) of each row.

        ``s2`` is M where the norm has that; ``scale_codes`` are there where rows bring their scale.
        """
        p, kind, norm = self._row_precision, self._statistic_type, self._core.formula
        s1, s2, count = s1.astype(kind), s2.astype(kind), count.astype(kind)
        variance, weight = row_variance(self._core, p, s1, s2, count, scale_codes)
        if norm.has_factor:
            s1 = s1 * norm.factor(count)
        placement = self._core.placement
        vanishes = None
        if isinstance(placement, RowVariancePlacement):
            assert scale_codes is not None
            vanishes = placement.vanishes(scale_codes)
        return self._statistic_of(variance, s1, weight, vanishes)

    def _statistic_of(
        self, variance: Integers, s1: Integers, weight: Integers, vanishes: npt.NDArray[np.bool_] | None = None
    ) -> tuple[Integers, Integers, Integers]:
        """Steps 2 to 5, from V with its fraction bits, or its root; all of the statistic's type. ``vanishes``: rows
        whose z is taken for 0."""
        p = self._row_precision
        ranges = p.ranges
        rho, k = reciprocal_root(p, variance)
        if vanishes is not None:
            rho = np.where(vanishes, 0, rho).astype(rho.dtype)
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
        assert not isinstance(p, IntegerPrecision | DeferredPrecision)
        a, stored = z, {"gamma": self._gamma, "beta": self._beta}
        gamma, beta = (parameter_of_rows(self._core, key, values, batch) for key, values in stored.items())
        beta = beta + (1 << (self.parameters.beta_frac_bits - 1))
        a *= gamma.astype(kind) << p.gamma_align
        a += beta.astype(kind) << p.beta_align
        y = half_even(a, p.result_frac_bits, is_raised=True).astype(np.int64)
        return np.clip(y, target.min, target.max, out=y)


def _of_each_row(batch: RowBatch, codes: Integers) -> RowBatch:
    """One element of each row of a batch, (rows, 1)."""
    return replace(batch, x=codes, lengths=np.ones(len(batch), np.int64), beside={})


def _stored(config: NormConfig, key: str, values: ArrayOrFile) -> Integers:
    array, path = given_array(values, key)
    shape, bits = (config.banks, config.bank_values), getattr(config, f"{key}_bits")
    with named_file(path):
        require_array(f"{key} is", array, INTEGERS, array.shape == shape, f"integers of {shape}")
        low, high = (0, (1 << bits) - 1) if config.output.is_float else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        require_within(key, array, low, high, f" ({key}_bits = {bits})")
    return array.astype(np.int64)
