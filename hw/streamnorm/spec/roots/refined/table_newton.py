"""A table and Newton's steps."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache
from typing import ClassVar

from .estimate import Estimate
from .newton import Newton
from .refined_root import RefinedRoot
from .refinement import Refinement
from .table_estimate import TableEstimate

__all__ = ["TableNewton", "table_estimates"]

_INDEX_BITS = range(2, 9)
_MORE_BITS = 3


@cache
def table_estimates() -> tuple[TableEstimate, ...]:
    """Tables of 8 to 512 words, each with three bits more than it has bits of the mantissa."""
    return tuple(TableEstimate(index_bits, index_bits + _MORE_BITS) for index_bits in _INDEX_BITS)


class TableNewton(RefinedRoot):
    """The fewest of 1 to 3 steps of :class:`.Newton` for which a table of 8 to 512 words is good enough, and the
    smallest such table."""

    title: ClassVar[str] = "table and Newton"
    source: ClassVar[str] = (
        "C. V. Ramamoorthy, J. R. Goodman, K. H. Kim, Some properties of iterative square-rooting methods using "
        "high-speed multiplication, IEEE Transactions on Computers C-21 (1972)"
    )
    steps_allowed: ClassVar[Collection[int]] = (1, 2, 3)
    refinement: ClassVar[Refinement] = Newton()

    @classmethod
    def estimates(cls, mantissa_bits: int) -> Iterable[Estimate]:
        return table_estimates()
