"""What blocks around the norm make of rows, exact: rational numbers, one rounding."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.fusions.residual import SumFormat
from streamnorm_sim.streams.rows import RowBatch

from .exact_float_residual import exact_float_sums

__all__ = ["exact_steps", "exact_sums", "exactly_normalized_rows"]


def exactly_normalized_rows(config: NormConfig, batch: RowBatch) -> RowBatch:
    """The rows that are normalized, as elements of the input format of ``config.core``, with what ``config.banked``
    takes beside them.

    With a residual of integers, ``r = alpha * x + f`` in real numbers, the ratio of alpha times the scale of x to the
    scale of f being the fraction that is stored, and element ``r / scale + zero_point`` of the format of sums: an
    integer. Of floating-point numbers, the code that r is rounded to.
    """
    if config.residual is None:
        return batch
    sums = config.residual.sums(config.input)
    beside = {side.name: batch.beside[side.name] for side in config.banked.side_inputs}
    if not isinstance(sums, SumFormat):
        return replace(batch, x=exact_float_sums(config, batch)[0], beside=beside)
    x, f = _steps(config, batch)
    elements = sums.weight_x * x + sums.weight_f * f + config.core.input.zero_point
    return replace(batch, x=np.where(batch.valid, elements, 0), beside=beside)


def exact_sums(
    config: NormConfig, batch: RowBatch, *, as_given: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The sums that ``emit_sum`` sends out: rounded half to even and saturated; and in steps of their format, floats,
    zero point included, neither rounded nor saturated. Both 0 behind a row's end.

    Their ratios are those that are stored, or with ``as_given`` those of alpha and the scales. Of floating-point
    numbers: codes, and real numbers.
    """
    residual = config.residual
    assert residual is not None
    number, sums = residual.sum_number, residual.sums(config.input)
    if not isinstance(sums, SumFormat):
        return exact_float_sums(config, batch)
    assert isinstance(number, IntFormat)
    if as_given:
        weight_x = Fraction(residual.alpha) * Fraction(config.input.scale) / Fraction(number.scale)
        weight_f = Fraction(residual.number.scale) / Fraction(number.scale)
    else:
        grid = residual.sum_grid(config.input)
        assert grid is not None
        ratio = grid.ratio
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
