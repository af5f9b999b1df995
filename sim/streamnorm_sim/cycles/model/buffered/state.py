"""What a unit's past leaves behind for its future: the cycles that later beats may have to wait for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..gates.gate import Gate
from ..timing import FIRST_CYCLE, NEVER, ROW_DELAY, SPACE_DELAY, Timing

__all__ = ["State", "newest"]

Cycles = NDArray[np.int64]


@dataclass
class State:
    """Cycles of the latest events, the newest last; :data:`NEVER` in place of those that have not been.

    Attributes
    ----------
    accepted : acceptance of an input beat, also one that was swallowed
    takes : acceptance of the latest SPACE_DELAY - 1 beats that were not swallowed
    counted : acceptance of the beat that completed a row's statistic; with it the row took its slot
    started : the same, later by as many cycles as the row waited for the statistic
    left : the latest beats' leaving the buffer that rows come in to; from element SPACE_DELAY - 1 on, what the beats to
        come have to wait for, one after the other
    issues : issue to the output of the latest beats, as many as are kept
    freed : the latest rows, see :meth:`~.context.Context.freed`; from element ROW_DELAY - 1 on, what the rows to come
        have to wait for
    pops : the latest ``output_depth`` beats' leaving the memory of the output queue
    outputs : acceptance of the latest ``pop_to_output`` output beats
    gates : what the issue of the next beats waits for besides
    beside : acceptance of what left beside the latest row, where something does
    """

    accepted: int
    takes: Cycles
    counted: int
    started: int
    left: Cycles
    issues: Cycles
    freed: Cycles
    pops: Cycles
    outputs: Cycles
    gates: tuple[Gate, ...] = ()
    beside: int = NEVER

    @staticmethod
    def after_reset(timing: Timing, issues: int, gates: tuple[Gate, ...] = ()) -> State:
        """Return that of a unit just reset, of which so many issues are kept."""

        def never(count: int) -> Cycles:
            return np.full(count, NEVER, np.int64)

        return State(
            accepted=FIRST_CYCLE - 1,
            takes=never(SPACE_DELAY - 1),
            counted=NEVER,
            started=NEVER,
            left=never(timing.buffer_limit + SPACE_DELAY - 1),
            issues=never(issues),
            freed=never(timing.row_slots - 1 + ROW_DELAY - 1),
            pops=never(timing.output_depth),
            outputs=never(timing.pop_to_output),
            gates=gates,
        )

    @property
    def output(self) -> int:
        """Acceptance of the latest output beat."""
        return int(self.outputs[-1])

    @property
    def fresh(self) -> bool:
        """Whether nothing has come in since the reset."""
        return self.counted == NEVER

    def places(self) -> tuple[Cycles, Cycles]:
        """What the next beats have to wait for to leave the buffer, and the next rows to be freed, one after the
        other."""
        return self.left[SPACE_DELAY - 1 :], self.freed[ROW_DELAY - 1 :]

    def advance(
        self,
        *,
        accepted: int,
        takes: Cycles,
        counted: int,
        started: int,
        left: Cycles,
        issues: Cycles,
        freed: Cycles,
        pops: Cycles,
        outputs: Cycles,
        beside: int = NEVER,
    ) -> None:
        """Go on to after some whole rows; the arrays need no more of their newest elements than are kept."""
        self.accepted, self.counted, self.started, self.beside = accepted, counted, started, beside
        self.takes = newest(self.takes, takes)
        self.left = newest(self.left, left)
        self.issues = newest(self.issues, issues)
        self.freed = newest(self.freed, freed)
        self.pops = newest(self.pops, pops)
        self.outputs = newest(self.outputs, outputs)


def newest(old: Cycles, new: Cycles) -> Cycles:
    """Return the newest elements of both, as many as there were; a copy, so that no large array is kept alive."""
    count = len(old)
    return new[-count:].copy() if len(new) >= count else np.concatenate([old[len(new) :], new])
