"""The estimate of RISC-V's vfrsqrt7.v, bit for bit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .table_estimate import TableEstimate

__all__ = ["Vfrsqrt7Estimate", "specified_table"]

_INDEX_BITS, _BITS = 6, 8


class Vfrsqrt7Estimate(TableEstimate):
    """Seven bits of significand below a leading one that stands for 1/2, from six bits of mantissa.

    The specification's 128 entries are the best constants in this sense: `specified_table` has them in its order.
    """

    def __init__(self) -> None:
        super().__init__(_INDEX_BITS, _BITS)

    @property
    def about(self) -> str:
        return "table of vfrsqrt7"


def specified_table() -> npt.NDArray[np.int64]:
    """The significands by address as the specification has them: the lowest bit of the biased exponent, then six bits
    of significand. That bit is 0 where the exponent is odd."""
    even, odd = Vfrsqrt7Estimate().values.reshape(2, -1)
    return np.concatenate([odd, even]) - (1 << (_BITS - 1))
