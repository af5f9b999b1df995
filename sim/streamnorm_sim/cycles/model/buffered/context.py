"""What stays the same while a run goes on."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..open_cycles import ALWAYS, OpenCycles
from ..timing import Timing
from ..turn import Sink
from .state import State

__all__ = ["Context"]

Cycles = NDArray[np.int64]


@dataclass(frozen=True)
class Context(ABC):
    """A unit whose rows wait in a buffer for their statistic, and the two ends of its streams.

    What is done between the end of a row and its statistic, and when its beats leave the buffer for that, is told by
    what is derived from this.

    Attributes
    ----------
    timing : Timing
    source : when a beat that has not been offered yet may be
    sink : ``m_axis_tready``; or what takes results without telling in advance when
    """

    timing: Timing
    source: OpenCycles = ALWAYS
    sink: OpenCycles | Sink = ALWAYS

    @property
    def by_row(self) -> bool:
        """Whether a row's beats leave one after the other, and are offered so."""
        return self.source is ALWAYS and self.sink is ALWAYS

    @property
    @abstractmethod
    def in_turn(self) -> bool:
        """Whether rows that wait for ready may be solved as wholes: see :func:`~.by_row.solve_in_turn`."""

    @property
    @abstractmethod
    def issues_kept(self) -> int:
        """How many of the latest beats' issues the beats to come have to do with."""

    @abstractmethod
    def started(self, state: State, complete: Cycles, taken: Cycles) -> Cycles:
        """Return the cycle from which the way of each row's statistic counts, ``timing.end_to_issue`` cycles of it.

        ``complete``: acceptance of the beats that complete the rows' statistic; ``taken``: beats of each row. Nothing
        on the rows' way is full.
        """

    def freed(self, state: State, complete: Cycles, first: Cycles) -> tuple[Cycles, Cycles]:
        """Return from which cycle on each row's place is on its way to be free, ``timing.release_to_ready`` cycles
        before ready knows of it, and when what leaves beside the row is taken, where something does.

        ``complete``: as of `started`; ``first``: issue of the rows' first beats.
        """
        return first, first

    @abstractmethod
    def first_left(self, started: Cycles, first: Cycles, taken: Cycles) -> Cycles:
        """Return when each row's first beat leaves the buffer, the others following it at once, if nothing is full.

        ``started``: as `started` returns it; ``first``: issue of the rows' first beats.
        """

    @abstractmethod
    def left(self, state: State, started: Cycles, issues: Cycles, taken: Cycles) -> Cycles:
        """Return when each beat leaves the buffer; ``issues``: of every beat."""
