"""What blocks around the norm make of rows, exact: rational numbers, one rounding."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm_sim.streams.rows import RowBatch

from .stored_rows import beside_of_core

__all__ = ["exact_steps", "exact_sums", "exactly_normalized_rows"]


def exactly_normalized_rows(config: NormConfig, batch: RowBatch) -> RowBatch:
    """The rows that are normalized, as elements of the input format of ``config.core``.

    With a residual, ``r = alpha * x + f`` in real numbers, the ratio of alpha times the scale of x to the scale of f
    being the fraction that is stored, and element ``r / scale + zero_point`` of the format of sums: an integer.
    """
    if config.residual is None:
        return batch
    x, f = _steps(config, batch)
    sums = config.residual.sums(config.input)
    elements = sums.weight_x * x + sums.weight_f * f + config.core.input.zero_point
    return replace(batch, x=np.where(batch.valid, elements, 0), beside=beside_of_core(config, batch))


def exact_sums(
    config: NormConfig, batch: RowBatch, *, as_given: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The sums that ``emit_sum`` sends out: rounded half to even and saturated; and in steps of their format, floats,
    zero point included, neither rounded nor saturated. Both 0 behind a row's end.

    Their ratios are those that are stored, or with ``as_given`` those of alpha and the scales.
    """
    residual = config.residual
    assert residual is not None
    assert residual.sum_number is not None
    number, sums = residual.sum_number, residual.sums(config.input)
    if as_given:
        weight_x = Fraction(residual.alpha) * Fraction(config.input.scale) / Fraction(number.scale)
        weight_f = Fraction(residual.number.scale) / Fraction(number.scale)
    else:
        ratio = residual.sum_grid(config.input).ratio
        weight_x, weight_f = ratio * sums.weight_x, ratio * sums.weight_f
    divisor = weight_x.denominator * weight_f.denominator
    x, f = _steps(config, batch)
    dividend = int(weight_x * divisor) * x.astype(object) + int(weight_f * divisor) * f.astype(object)
    dividend = dividend + number.zero_point * divisor
    below, twice_left = dividend // divisor, 2 * (dividend % divisor)
    up = (twice_left > divisor) | ((twice_left == divisor) & (below % 2 == 1))
    rounded = np.clip((below + up).astype(np.int64), number.min, number.max)
    return np.where(batch.valid, rounded, 0), np.where(batch.valid, (dividend / divisor).astype(np.float64), 0.0)


def exact_steps(config: NormConfig, scaled: NDArray[np.float64], codes: NDArray[np.integer]) -> NDArray[np.float64]:
    """Exact results in steps of the scales, (rows, 1), that came out with their rows, neither rounded nor saturated.

    ``scaled``: in LSB of the format of what is quantized, as `streamnorm_sim.reference.exact.exact_result` gives them
    with a scale for each row; nothing but a rounding to float64 is added to what they are off by.
    """
    scale = config.row_scale
    assert scale is not None
    return scaled * (scale.core.scale / scale.values(codes))


def _steps(config: NormConfig, batch: RowBatch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Elements of both streams less their zero points."""
    assert config.residual is not None
    x = batch.x.astype(np.int64) - config.input.zero_point
    return x, batch.beside["residual"].astype(np.int64) - config.residual.number.zero_point
