"""Some rows, beat by beat: when the unit that they come in to is ready, as they do."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .rows import Rows
from .trace import CycleTrace, Losses

__all__ = ["Entry", "Sink", "Turn", "Waits"]

Cycles = NDArray[np.int64]


class Sink(Protocol):
    """What takes beats, asked of one after the other."""

    def following(self, cycle: int) -> int:
        """Return when the next beat is taken, which is offered from ``cycle`` on."""
        ...


class Waits:
    """For how long beats that were offered waited, and for what."""

    def __init__(self) -> None:
        self._waits: list[tuple[int, str, int]] = []

    def add(self, beat: int, cause: str, cycles: int) -> None:
        """The beat of this number waits; ``cause``: a name of `Losses`."""
        if cycles:
            self._waits.append((beat, cause, cycles))

    @property
    def latest(self) -> str:
        """What was waited for last; empty if nothing was."""
        return self._waits[-1][1] if self._waits else ""

    def losses(self, beats: int) -> Losses:
        """Of the first so many beats."""
        lost: Counter[str] = Counter()
        for beat, cause, cycles in self._waits:
            lost[cause] += cycles if beat < beats else 0
        return Losses(**lost)


class Entry(Protocol):
    """It is asked when it is ready for one beat after the other, then told when each is accepted."""

    waits: Waits

    def ready_from(self, cycle: int) -> int:
        """Return the first cycle from ``cycle`` on, which is behind the latest acceptance, in which ready is 1."""
        ...

    def accept(self, cycle: int) -> object:
        """The next beat is accepted."""
        ...


class Turn(Entry, Protocol):
    """The next rows of a unit, as many as wait for nothing that is not known before them or found out with them."""

    rows: Rows

    def finish(self, accepted: Cycles) -> CycleTrace:
        """Return the rows' trace, with the losses of the output, and advance the unit; all beats are accepted."""
        ...
