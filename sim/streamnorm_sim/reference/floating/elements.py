"""Elements of rows taken apart, be they floats or integers."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streamnorm.spec.formats import FloatFormat, NumberFormat
from streamnorm_sim.streams.rows import RowBatch

__all__ = ["RowElements"]

_Flags = npt.NDArray[np.bool_]


class RowElements(NamedTuple):
    """Elements of rows; those that do not count, and special ones, have a mantissa of 0."""

    negative: _Flags
    mantissa: npt.NDArray[np.int64]
    binade: npt.NDArray[np.int64]
    is_nan: _Flags
    is_infinite: _Flags

    @staticmethod
    def of(source: NumberFormat, batch: RowBatch) -> "RowElements":
        """Of a batch in the input's format."""
        valid = batch.valid
        if isinstance(source, FloatFormat):
            parts = source.parts(np.where(valid, batch.x, 0))
            plain = ~(parts.is_nan | parts.is_infinite)
            return RowElements(
                parts.negative, parts.mantissa * plain, parts.binade * plain, parts.is_nan, parts.is_infinite
            )
        x = np.where(valid, batch.x.astype(np.int64) - source.zero_point, 0)
        none = np.zeros(x.shape, np.bool_)
        return RowElements(x < 0, np.abs(x), np.zeros_like(x), none, none)
