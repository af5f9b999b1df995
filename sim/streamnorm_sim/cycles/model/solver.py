"""What solves the rows of a unit, one kind of unit each."""

from typing import Protocol

from .rows import Rows
from .trace import CycleTrace

__all__ = ["FEW", "MANY", "Solver"]

FEW, MANY = 1 << 9, 1 << 15
"""Rows, or beats, worked on at once: few where ready has just fallen or risen, then twice as many each time."""


class Solver(Protocol):
    """A unit just reset, to which rows come part by part; it keeps what later ones may have to wait for."""

    @property
    def by_row(self) -> bool:
        """Whether neither end has a pattern: its memory then is that of the rows, not of their beats."""
        ...

    def solve(self, rows: Rows) -> list[CycleTrace]:
        """Return the cycles of the next rows, as traces of consecutive whole rows."""
        ...
