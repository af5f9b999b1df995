"""Elements as integers of a step of their row, and which are none: NaN and what infinities make of their row."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm_sim.streams.rows import RowBatch

__all__ = ["FAR", "Elements", "elements_of"]

FAR = 1 << 4096
"""Steps from 0 that no number has; where an infinite element still has a result that is finite, it is as far out."""

_Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Elements:
    """A batch of rows: element ``x`` of row i stands for the real number ``steps[i] * (x - zero_point)``.

    Attributes
    ----------
    x : integers (rows, n), int64 or of Python
        0 behind a row's end, for what is no number, and in a row whose statistic is none.
    steps : the value of 1, in each row
    is_nan : bool (rows, n)
        Elements whose normalized value is NaN.
    is_infinite : bool (rows, n)
        Elements whose normalized value is infinite. Of Dynamic Tanh there are none; an infinite x is :data:`FAR`.
    negative : bool (rows, n)
        Sign of an infinite normalized value, and of one that is 0.
    """

    x: NDArray[Any]
    steps: list[Fraction]
    is_nan: _Mask
    is_infinite: _Mask
    negative: _Mask


def elements_of(config: NormConfig, batch: RowBatch) -> Elements:
    """The elements of rows of a configuration's input format."""
    source, valid = config.input, batch.valid
    flipped = config.alpha is not None and config.alpha < 0
    if not isinstance(source, FloatFormat):
        none = np.zeros(valid.shape, np.bool_)
        x = np.where(valid, batch.x, 0).astype(np.int64)
        scales = config.input_scale
        if scales is None:
            return Elements(x, [Fraction(source.scale)] * len(batch), none, none, none | flipped)
        codes = batch.beside[scales.side.name][:, 0]
        bad = scales.is_bad(codes)
        steps = [Fraction(1) if wrong else scales.value(code) for code, wrong in zip(codes.tolist(), bad, strict=True)]
        # A row without a scale is one of zeros, whose results are beta.
        return Elements(np.where(valid & bad[:, None], source.zero_point, x), steps, none, none, none | flipped)
    parts = source.parts(np.where(valid, batch.x, 0))
    is_nan, is_infinite, of_zeros = _normalized(config, parts.is_nan, parts.is_infinite)
    mantissas = np.where(parts.is_nan | parts.is_infinite | of_zeros[:, None], 0, parts.mantissa)
    # Integers stay short where the row's smallest number is their step.
    binades = np.where(mantissas != 0, parts.binade, source.binade_max)
    least = binades.min(axis=1) if config.formula.has_statistic else np.zeros(len(batch), np.int64)
    shifts = np.where(mantissas != 0, parts.binade - least[:, None], 0)
    x = np.where(parts.negative, -mantissas, mantissas).astype(object) << shifts.astype(object)
    if config.norm == "dyt":
        x[is_infinite] = np.where(parts.negative[is_infinite], -1, 1).astype(object) * FAR
        is_infinite = np.zeros_like(is_infinite)
    steps = [Fraction(source.scale) * 2 ** int(binade) for binade in least]
    negative = (parts.negative ^ flipped) if not config.formula.centred else np.zeros(valid.shape, np.bool_)
    return Elements(x, steps, is_nan, is_infinite, negative)


def _normalized(config: NormConfig, nan: _Mask, infinite: _Mask) -> tuple[_Mask, _Mask, _Mask]:
    """Which normalized values are NaN, which infinite; and the rows in which all others are 0."""
    if not config.formula.has_statistic:
        return nan, infinite, np.zeros(len(nan), np.bool_)
    counted = slice(config.statistic_length)
    row_nan = np.asarray(nan[:, counted].any(axis=1))
    row_infinite = np.asarray(infinite[:, counted].any(axis=1))
    if config.formula.centred:
        row_nan = row_nan | row_infinite
    is_nan = nan | row_nan[:, None] | (infinite & row_infinite[:, None])
    return is_nan, infinite & ~is_nan, row_nan | row_infinite
