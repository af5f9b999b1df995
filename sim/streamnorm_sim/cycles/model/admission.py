"""The input side beat by beat, where ready falls."""

from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from .context import Context
from .open_cycles import ALWAYS
from .rows import Rows
from .state import State
from .timing import ROW_DELAY, SPACE_DELAY

__all__ = ["admit", "rows_at_once"]

Cycles = NDArray[np.int64]


def rows_at_once(context: Context, rows: Rows) -> int:
    """Return how many of the next rows wait for nothing that is not known before them; at least 1 if there are any."""
    timing = context.timing
    count = min(len(rows), timing.row_slots - 2)
    within = int(np.searchsorted(np.cumsum(rows.taken[:count]), timing.buffer_limit))
    return min(count, max(within, 1))


def admit(context: Context, state: State, rows: Rows, left: Cycles, first_issues: Cycles) -> tuple[Cycles, Cycles]:
    """Return the cycle in which each beat is accepted, given when the rows' beats leave the buffer, and the issues of
    their first beats.

    The second array is (beats that waited, 3): the beat's row, cycles it waited for a slot, and for the buffer alone.
    """
    # Ready looks at counts, of beats taken and of rows with a complete statistic, that are a few cycles old. The first
    # elements of the lists are for the beats and rows that came before these and are not counted yet.
    space = (np.concatenate([state.left, left]) + SPACE_DELAY).tolist()
    slots = (np.concatenate([state.first_issues, first_issues]) + context.timing.release_to_ready).tolist()
    following = None if context.source is ALWAYS else context.source.following
    third, second, newest = state.takes.tolist()
    fresh, accepted, counted = state.fresh, state.accepted, state.counted
    taken, rows_counted = SPACE_DELAY - 1, ROW_DELAY - 1
    most = context.timing.statistic_beats
    times = repeat(0) if rows.offered is None else iter(rows.times().tolist())
    cycles: list[int] = []
    waited: list[tuple[int, int, int]] = []
    for row, (count, taking) in enumerate(zip(rows.beats.tolist(), rows.taken.tolist(), strict=True)):
        for place in range(1, count + 1):
            cycle = next(times)
            if cycle <= accepted and not fresh:
                cycle = accepted + 1
            if following is not None:
                cycle = following(cycle)
            if fresh:  # it may have been offered before ready could be 1
                cycle, fresh = max(cycle, accepted + 1), False
            # All events counted is the worst case: mostly it need not be looked at more closely.
            if space[taken] > cycle or slots[rows_counted] > cycle:
                no_slot = no_room = 0
                while True:
                    unseen = cycle - SPACE_DELAY
                    room = space[taken - (newest > unseen) - (second > unseen) - (third > unseen)]
                    row_seen = counted <= cycle - ROW_DELAY
                    slot = slots[rows_counted - (not row_seen)]
                    if room <= cycle and slot <= cycle:
                        break
                    waits = max(room, slot) - cycle if row_seen and newest <= unseen else 1
                    for_slot = min(max(slot - cycle, 0), waits)
                    no_slot += for_slot
                    no_room += waits - for_slot
                    cycle += waits
                if no_slot or no_room:
                    waited.append((row, no_slot, no_room))
            accepted = cycle
            cycles.append(cycle)
            if place <= taking:
                third, second, newest = second, newest, cycle
                taken += 1
                if place == min(taking, most):
                    counted = cycle
                    rows_counted += 1
    return np.array(cycles, np.int64), np.array(waited, np.int64).reshape(-1, 3)
