"""The roughest estimate: one constant for each parity of the exponent."""

from __future__ import annotations

from .table_estimate import TableEstimate

__all__ = ["ParityEstimate"]

_BITS = 5


class ParityEstimate(TableEstimate):
    """The best constants for 1 … 2 and for 2 … 4, of five bits."""

    def __init__(self) -> None:
        super().__init__(0, _BITS)

    @property
    def about(self) -> str:
        return "a constant for each parity of the exponent"
