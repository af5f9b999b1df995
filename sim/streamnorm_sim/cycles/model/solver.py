"""What solves the rows of a unit, one kind of unit each."""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from .rows import Rows
from .trace import CycleTrace
from .turn import Sink, Turn

__all__ = ["FEW", "MANY", "Inner", "Solver", "Unit"]

FEW, MANY = 1 << 9, 1 << 15
"""Rows, or beats, worked on at once: few where ready has just fallen or risen, then twice as many each time."""

Cycles = NDArray[np.int64]


class Solver(Protocol):
    """A unit just reset, to which rows come part by part; it keeps what later ones may have to wait for."""

    @property
    def by_row(self) -> bool:
        """Whether neither end has a pattern: its memory then is that of the rows, not of their beats."""
        ...

    def solve(self, rows: Rows) -> list[CycleTrace]:
        """Return the cycles of the next rows, as traces of consecutive whole rows."""
        ...


class Inner(Solver, Protocol):
    """A unit behind which another may stand."""

    def solve_in_turn(self, rows: Rows, sink: Sink) -> CycleTrace:
        """Return the cycles of some of the next rows, at least one, whose results are taken by ``sink``, which is asked
        of each when all those ahead of it have been: it knows of no others."""
        ...

    def forked(self) -> Self:
        """Return one that goes on from here for itself."""
        ...


class Unit(Inner, Protocol):
    """The unit that normalizes: others may stand before it, too."""

    @property
    def accepted(self) -> int:
        """Acceptance of the latest beat."""
        ...

    def turn(self, rows: Rows, sink: Sink | None = None) -> Turn:
        """Return as many of the next rows, at least one, as can be solved beat by beat at once.

        ``sink``: of the results, asked as in `solve_in_turn`; absent: its own.
        """
        ...

    def solve_unhindered(self, rows: Rows, accepted: Cycles, since: Cycles) -> CycleTrace | None:
        """Solve the rows up to the first for which ready may not be 1 from ``since`` to ``accepted`` of a beat, as
        arrays, with the losses of the output; None if that is the first of them."""
        ...
