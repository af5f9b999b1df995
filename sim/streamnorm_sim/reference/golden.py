"""The golden model: NumPy, bit for bit what the hardware computes."""

from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.precision.precision import Precision
from streamnorm.spec.arrays import INTEGERS, ArrayOrFile, given_array, require_array, require_within
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.paths import named_file
from streamnorm.spec.values import shortened
from streamnorm_sim.streams.rows import RowBatch

__all__ = ["GoldenModel"]

Integers = npt.NDArray[Any]
"""int64, or Python integers where those are too narrow."""

_CHUNK = 1 << 16
"""Elements worked on at a time: the intermediate arrays stay in the cache."""


class GoldenModel:
    """What the unit of a configuration answers, computed with the integers of its :class:`Precision`.

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
        self.config = config = checked_config(config)
        self.precision = precision = Precision.of(config)
        self.parameters = StoredParameters.of(config)
        self._gamma = self.parameters.gamma if gamma is None else _stored(config, "gamma", gamma)
        half = 1 << (self.parameters.beta_frac_bits - 1)
        self._beta = (self.parameters.beta if beta is None else _stored(config, "beta", beta)) + half
        ranges, root = precision.ranges, precision.root
        statistic_widths = (
            precision.variance_bits + precision.variance_frac_bits + ranges.length_bits + 1,
            precision.epsilon_code.bit_length() + ranges.length_bits,
            2 * ranges.sum_bits + precision.variance_frac_bits,
            ranges.sum_bits + root.rho_bits + precision.left_max + 1,
            precision.exact_scale_bits + 1,
            root.widest,
            root.mantissa_bits + precision.variance_bits + precision.variance_frac_bits,
        )
        lane_widths = (
            ranges.difference_bits + precision.scale_bits + 1,
            precision.centre_bits + 1,
            precision.normalized_bits + self.parameters.gamma_bits + precision.gamma_align + 1,
            self.parameters.beta_bits + 1 + precision.beta_align + 1,
        )
        self._statistic_type = np.dtype(np.int64 if max(statistic_widths) <= 63 else object)
        self._lane_type = np.dtype(np.int64 if max(lane_widths) <= 63 else object)

    def __repr__(self) -> str:
        config = self.config
        formats = f"{config.input.name} to {config.output.name}"
        return f"<GoldenModel of {shortened(config.name, 20)}: {config.norm}, {formats}>"

    def normalize(
        self, x: ArrayOrFile, lengths: npt.ArrayLike | None = None, banks: npt.ArrayLike | None = None
    ) -> Integers:
        """Normalized rows.

        Parameters
        ----------
        x, lengths, banks
            Rows, as for `RowBatch.of`.

        Returns
        -------
        int64 of shape (rows, n); 0 behind a row's end

        Raises
        ------
        ConfigError
            As `RowBatch.of`.
        """
        batch = RowBatch.of(self.config, x, lengths, banks)
        result = np.zeros(batch.x.shape, np.int64)
        for where, part in batch.parts(_CHUNK):
            result[where] = self._rows(part)
        return result

    def _rows(self, batch: RowBatch) -> Integers:
        full = bool((batch.lengths == batch.x.shape[1]).all())
        inside = None if full else batch.valid
        centred = self.config.formula.centred
        d = batch.x.astype(np.int32)
        d -= d[:, :1].copy() if centred else np.array(self.config.input.zero_point, d.dtype)
        if inside is not None:
            d *= inside
        scale, centre, shift = self._rows_statistic(d, batch.lengths)
        y = self._apply(d, scale, centre, shift, batch.banks)
        if inside is not None:
            y *= inside
        return y

    def _rows_statistic(self, d: npt.NDArray[np.integer], lengths: Integers) -> tuple[Integers, Integers, Integers]:
        """The statistic of rows of differences; 0 behind a row's end."""
        centred = self.config.formula.centred
        s1 = d.sum(axis=1, dtype=np.int64) if centred else np.zeros(len(d), np.int64)
        s2 = _sum_of_squares(d, self.precision.ranges.square_sum_max)
        return self.statistic(s1, s2, lengths)

    def statistic(self, s1: Integers, s2: Integers, n: Integers) -> tuple[Integers, Integers, Integers]:
        """Steps 1 to 5 of :class:`Precision`: (RF, KF without its rounding half, shift index s) of each row."""
        p, kind = self.precision, self._statistic_type
        s1, s2, n = s1.astype(kind), s2.astype(kind), n.astype(kind)
        frac = p.variance_frac_bits
        offset = (n * p.epsilon_code) >> p.epsilon_drop
        variance = n * ((s2 << frac) + offset) - ((s1 * s1) << frac)
        return self._statistic_of(variance, s1, n)

    def _statistic_of(self, variance: Integers, s1: Integers, n: Integers) -> tuple[Integers, Integers, Integers]:
        """Steps 2 to 5, from V with its fraction bits; all of the statistic's type."""
        p, ranges, root = self.precision, self.precision.ranges, self.precision.root
        frac, bits = p.variance_frac_bits, p.variance_bits
        top = bits + frac
        leading = np.maximum(_bit_length(variance) - 1, frac)
        position = (leading - frac).astype(np.int64)
        mantissa = (variance << (top - 1 - leading)) & ((1 << (top - 1)) - 1)
        down = top - 1 - root.mantissa_bits
        mantissa = mantissa >> down if down >= 0 else mantissa << -down
        rho = root.evaluate(mantissa, position & 1)
        length = _bit_length(n)
        w = ranges.exponent_max - length + (position >> 1)
        split = np.array([p.split(i) for i in range(ranges.exponent_max - ranges.exponent_min + 1)])
        s, fine = split[np.clip(w, 0, len(split) - 1).astype(np.int64)].T
        b = ranges.length_bits - length + p.fine_max - fine
        product = (n << b) * rho
        if p.scale_drop:
            product = (product + (1 << (p.scale_drop - 1))) >> p.scale_drop
            product = np.minimum(product, (1 << p.scale_bits) - 1)
        centre = ((s1 * rho) << b) >> p.centre_drop
        return product, centre, s

    def _apply(
        self, d: npt.NDArray[np.integer], scale: Integers, centre: Integers, shift: Integers, banks: Integers
    ) -> Integers:
        p, target, kind = self.precision, self.config.output, self._lane_type
        half = np.array([p.half(s) for s in range(p.shift_count)], kind)[shift]
        a = d.astype(kind) * scale.astype(kind)[:, None]
        a = a >> p.product_drop if p.product_drop >= 0 else a << -p.product_drop
        a -= (centre.astype(kind) - half)[:, None]
        a >>= (p.normalize_shift + shift * p.radix).astype(kind)[:, None]
        width = d.shape[1]
        gamma, beta = (self._of_rows(stored, banks, width) for stored in (self._gamma, self._beta))
        a *= gamma.astype(kind) << p.gamma_align
        a += beta.astype(kind) << p.beta_align
        y = (a >> p.result_frac_bits).astype(np.int64)
        tie = (a & ((1 << p.result_frac_bits) - 1)) == 0
        y &= ~tie.astype(np.int64)
        return np.clip(y, target.min, target.max, out=y)

    def _of_rows(self, stored: Integers, banks: Integers, width: int) -> Integers:
        """The values of the first ``width`` elements of each row; of one row for all where there is one bank."""
        repeat, one_bank = self.config.parameter_repeat, self.config.banks == 1
        columns = -(-width // repeat)
        values = stored[0, :columns] if one_bank else stored[banks, :columns]
        return values if repeat == 1 else np.repeat(values, repeat, axis=-1)[..., :width]


def _stored(config: NormConfig, key: str, values: ArrayOrFile) -> Integers:
    array, path = given_array(values, key)
    shape, bits = (config.banks, config.bank_values), getattr(config, f"{key}_bits")
    with named_file(path):
        require_array(f"{key} is", array, INTEGERS, array.shape == shape, f"integers of {shape}")
        require_within(key, array, -(1 << (bits - 1)), (1 << (bits - 1)) - 1, f" ({key}_bits = {bits})")
    return array.astype(np.int64)


def _sum_of_squares(d: npt.NDArray[np.integer], largest: int) -> Integers:
    """Exact sum of squares of each row; floats serve while every partial sum is an integer that they hold."""
    if largest < 1 << 53:
        real = d.astype(np.float32 if largest < 1 << 24 else np.float64)
        return np.einsum("ij,ij->i", real, real).astype(np.int64)
    wide = d.astype(np.int64)
    return (wide * wide).sum(axis=1)


def _bit_length(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """``int.bit_length`` of non-negative integers; float64 only guesses, the guess is then corrected."""
    if values.dtype == object:
        return np.array([int(value).bit_length() for value in values], object)
    guess = np.frexp(values.astype(np.float64))[1].astype(np.int64)
    return guess - ((guess > 0) & (values < (1 << np.maximum(guess - 1, 0)))).astype(np.int64)
