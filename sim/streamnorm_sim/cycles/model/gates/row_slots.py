"""The places of rows' scales, which leave beside the rows."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..open_cycles import OpenCycles
from ..timing import NEVER, ROW_DELAY

__all__ = ["RowSlots", "ScaleTiming"]

Cycles = NDArray[np.int64]


@dataclass(frozen=True)
class ScaleTiming:
    """How scales leave.

    Attributes
    ----------
    slots : rows for whose scales there is a place; ready falls when one is left
    end_to_pop : cycles from where a row's way to its scale begins to the scale's leaving the memory of an empty queue
    pop_to_ready : cycles from there to the ready that knows of the place
    """

    slots: int
    end_to_pop: int
    pop_to_ready: int


class RowSlots:
    """The places, and the receiver of the scales."""

    def __init__(self, timing: ScaleTiming, sink: OpenCycles) -> None:
        self._timing, self._sink = timing, sink
        # From which cycle on ready knows of the places that rows to come take, that of the latest row ahead of them.
        self._known = deque([NEVER] * timing.slots, maxlen=timing.slots)
        self._ended = self._taken = NEVER

    def waits(self, cycle: int) -> int:
        """Return for how many cycles from this one on ready is 0 at least."""
        seen = self._ended <= cycle - ROW_DELAY
        known = self._known[seen]
        if known <= cycle:
            return 0
        return known - cycle if seen else 1

    def row_ends(self, cycle: int, begun: int | None = None) -> None:
        """The last beat of a row that is not swallowed is accepted; ``begun``: where its way to its scale begins, if
        not with that."""
        pop = max((cycle if begun is None else begun) + self._timing.end_to_pop, self._taken)
        self._ended, self._taken = cycle, self._sink.following(pop + 1)
        self._known.append(pop + self._timing.pop_to_ready)

    def rows_end(self, first: Cycles, ended: Cycles, begun: Cycles) -> bool:
        """The same of rows whose first beats are accepted in the cycles ``first``, where every scale is taken: return
        whether they wait for no place. If one may, nothing has happened."""
        pops = begun + self._timing.end_to_pop
        known = np.concatenate([self._known, pops + self._timing.pop_to_ready])
        if (known[1 : len(first) + 1] > first).any():
            return False
        self._ended, self._taken = int(ended[-1]), int(pops[-1]) + 1
        self._known.extend(known[len(self._known) :].tolist())
        return True
