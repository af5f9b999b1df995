"""What blocks around the norm make of rows, in the integers of the hardware."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import RowScale
from streamnorm.spec.fusions.float_sum import FloatSum
from streamnorm_sim.streams.rows import RowBatch

from .float_residual import float_sums
from .half_even import half_even
from .stored_rows import beside_of_core

__all__ = ["normalized_rows", "rows_beside", "scaled_rows"]


def normalized_rows(config: NormConfig, batch: RowBatch) -> RowBatch:
    """The rows that are normalized: elements of the input format of ``config.core``; of a residual of integers,
    ``weight_x * x + weight_f * f``, the codes of `streamnorm.spec.fusions.residual.SumFormat`. Of interpolated banks,
    with the gamma and beta of each row, as `streamnorm.spec.fusions.interpolated_banks.InterpolatedBanks` has them."""
    if config.residual is None:
        return replace(batch, beside=beside_of_core(config, batch)) if config.banks_are_interpolated else batch
    sums = config.residual.sums(config.input)
    x, f = (np.where(batch.valid, rows, 0).astype(np.int64) for rows in (batch.x, batch.beside["residual"]))
    r = float_sums(sums, x, f) if isinstance(sums, FloatSum) else sums.weight_x * x + sums.weight_f * f
    return replace(batch, x=r, beside=beside_of_core(config, batch))


def scaled_rows(scale: RowScale, c: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Results and codes of the scales, (rows, n) and (rows, 1), of rows in front of their quantization, which are 0
    behind a row's end, as `RowScale` has them."""
    largest = scale.limited(np.abs(c).max(axis=1, keepdims=True, initial=0))
    product = c * scale.factors(largest) + (1 << (scale.frac_bits - 1))
    q = half_even(product, scale.frac_bits, is_raised=True)
    return np.clip(q, scale.number.min, scale.number.max), scale.codes(largest)


def rows_beside(config: NormConfig, batch: RowBatch) -> dict[str, RowBatch]:
    """The rows that come out beside the results without having been normalized, by the streams' names: elements of
    their formats, 0 behind a row's end. Sums of integers as `streamnorm.spec.fusions.sum_grid.SumGrid` has them."""
    residual = config.residual
    if residual is None or not residual.emit_sum:
        return {}
    assert residual.sum_number is not None
    grid, number = residual.sum_grid(config.input), residual.sum_number
    r = normalized_rows(config, batch).x
    if grid is None:
        return {"sum": replace(batch, x=np.where(batch.valid, r, 0), beside={})}
    narrow = (max(abs(grid.factor), 1) * int(np.abs(r).max(initial=1)) + abs(grid.offset)).bit_length() <= 62
    raised = (grid.factor * r.astype(np.int64 if narrow else object) + grid.offset) >> grid.drop
    codes = np.clip(half_even(raised, grid.frac_bits, is_raised=True), number.min, number.max).astype(np.int64)
    return {"sum": replace(batch, x=np.where(batch.valid, codes, 0), beside={})}
