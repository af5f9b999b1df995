"""The one-pass unit: a row's beats leave the buffer on their way to the output, and that alone."""

import numpy as np
from numpy.typing import NDArray

from ..chains import chain
from .context import Context
from .state import State

__all__ = ["OnePass"]

Cycles = NDArray[np.int64]


class OnePass(Context):
    """The statistic starts with the beat that completes it, or as soon as it is free for the row."""

    @property
    def in_turn(self) -> bool:
        return not self.timing.early

    @property
    def issues_kept(self) -> int:
        return 1

    def started(self, state: State, complete: Cycles, taken: Cycles) -> Cycles:
        interval = self.timing.interval
        if interval == 1:
            return complete
        earliest = complete.copy()
        earliest[0] = max(earliest[0], state.started + interval)
        return chain(earliest, interval)

    def first_left(self, started: Cycles, first: Cycles, taken: Cycles) -> Cycles:
        return first

    def left(self, state: State, started: Cycles, issues: Cycles, taken: Cycles) -> Cycles:
        return issues
