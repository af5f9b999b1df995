"""What the issue of a beat waits for besides its row's statistic and the beat ahead of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Coming", "Gate"]

Cycles = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Coming:
    """Rows that have come in.

    Attributes
    ----------
    takes : acceptance of each beat that is not swallowed
    taken : how many each row has
    complete : acceptance of the beats that complete the rows' statistic
    """

    takes: Cycles
    taken: Cycles
    complete: Cycles


class Gate(Protocol):
    """It is asked of one beat after the other: when it may be issued at the earliest, then told when it is."""

    @property
    def is_queue(self) -> bool:
        """Whether it waits for room, and so for a sink, rather than for something that has not come."""
        ...

    def begun(self, coming: Coming) -> Gate:
        """Return the same, to be asked of the beats of the next rows; this one stays as it is."""
        ...

    def earliest(self) -> int:
        """Return the first cycle in which it lets the next beat be issued; from then on it does."""
        ...

    def issued(self, cycle: int, swallowed: int) -> None:
        """The next beat is issued; ``swallowed``: of its row, beats behind it that are not."""
        ...

    def after(self, beats: int, came: int) -> Gate:
        """Return the same after so many beats of those that were issued, of rows that ``came`` with so many."""
        ...
