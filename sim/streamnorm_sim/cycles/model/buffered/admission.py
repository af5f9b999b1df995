"""When a unit whose rows wait in a buffer is ready, beat by beat."""

import numpy as np
from numpy.typing import NDArray

from ..chains import exclusive_sum
from ..rows import Rows
from ..timing import ROW_DELAY, SPACE_DELAY, Timing
from ..turn import Waits
from .state import State

__all__ = ["Admission", "rows_at_once"]

Cycles = NDArray[np.int64]


def rows_at_once(timing: Timing, rows: Rows) -> int:
    """Return how many of the next rows wait for nothing that is not known before them; at least 1 if there are any."""
    count = min(len(rows), timing.row_slots - 2)
    within = int(np.searchsorted(np.cumsum(rows.taken[:count]), timing.buffer_limit))
    return min(count, max(within, 1))


class Admission:
    """Ready looks at counts, of beats taken and of rows with a complete statistic, that are a few cycles old.

    Parameters
    ----------
    timing : Timing
    state : State
    rows : Rows

    Attributes
    ----------
    left : the latest beats' leaving the buffer; those of the ``rows`` are appended as they become known
    freed : the same of the latest rows, see :meth:`~.context.Context.freed`
    waits : Waits
    """

    def __init__(self, timing: Timing, state: State, rows: Rows) -> None:
        self._release = timing.release_to_ready
        # The first elements are for the beats and rows that came before these and are not counted yet.
        self.left: list[int] = state.left.tolist()
        self.freed: list[int] = state.freed.tolist()
        self._third, self._second, self._newest = state.takes.tolist()
        self._counted = state.counted
        self._taken, self._rows_counted = SPACE_DELAY - 1, ROW_DELAY - 1
        self._kinds = _kinds(timing, rows)
        self._beat = 0
        self.waits = Waits()

    def ready_from(self, cycle: int) -> int:
        left, freed, release = self.left, self.freed, self._release
        taken, rows = self._taken, self._rows_counted
        # All events counted is the worst case: mostly it need not be looked at more closely.
        if left[taken] + SPACE_DELAY <= cycle and freed[rows] + release <= cycle:
            return cycle
        while True:
            unseen = cycle - SPACE_DELAY
            room = left[taken - (self._newest > unseen) - (self._second > unseen) - (self._third > unseen)]
            room += SPACE_DELAY
            row_seen = self._counted <= cycle - ROW_DELAY
            slot = freed[rows - (not row_seen)] + release
            if room <= cycle and slot <= cycle:
                return cycle
            waits = max(room, slot) - cycle if row_seen and self._newest <= unseen else 1
            for_slot = min(max(slot - cycle, 0), waits)
            self.waits.add(self._beat, "buffer", waits - for_slot)
            self.waits.add(self._beat, "slots", for_slot)
            cycle += waits

    def accept(self, cycle: int) -> bool:
        """The next beat is accepted; return whether it completes its row's statistic."""
        kind = self._kinds[self._beat]
        self._beat += 1
        if kind == _SWALLOWED:
            return False
        self._third, self._second, self._newest = self._second, self._newest, cycle
        self._taken += 1
        if kind == _TAKEN:
            return False
        self._counted = cycle
        self._rows_counted += 1
        return True


_SWALLOWED, _TAKEN, _COMPLETES = range(3)


def _kinds(timing: Timing, rows: Rows) -> list[int]:
    """Of each beat, whether it is taken and completes its row's statistic."""
    kinds = np.full(rows.bounds[-1], _TAKEN, np.int8)
    if (kept := rows.kept) is not None:
        kinds[~kept] = _SWALLOWED
    kinds[exclusive_sum(rows.beats) + np.minimum(rows.taken, timing.statistic_beats) - 1] = _COMPLETES
    return kinds.tolist()
