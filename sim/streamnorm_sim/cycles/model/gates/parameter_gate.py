"""A gate: gamma and beta that come in beside the rows, beat by beat."""

from __future__ import annotations

from streamnorm.units.parameter_queue import ParameterQueue

from ..open_cycles import OpenCycles
from ..timing import FIRST_CYCLE, NEVER
from .gate import Coming

__all__ = ["THERE_TO_ISSUE", "ParameterGate"]

THERE_TO_ISSUE = 3
"""Cycles from the acceptance of a beat of gamma and beta to the issue of its beat: written, counted, sent."""

_SWALLOWED_TO_ISSUE = 2
"""Cycles from the latest of these beats' leaving the queue to the issue of what goes with the next."""


class ParameterGate:
    """The queue of gamma and beta that come with the rows: a beat is issued when its own have come.

    Rows of both are of the same lengths; where a row is cut, the rest of its parameters is swallowed once its last beat
    has been issued.

    Parameters
    ----------
    queue : ParameterQueue
    source : OpenCycles
    pops, accepted : the latest ``queue.places`` beats' leaving the queue, the latest one's acceptance; absent: there
        were none
    """

    is_queue = False

    def __init__(
        self, queue: ParameterQueue, source: OpenCycles, pops: list[int] | None = None, accepted: int = NEVER
    ) -> None:
        self._queue, self._source = queue, source
        self._before, self._accepted_before = [NEVER] * queue.places if pops is None else pops, accepted
        self._pops, self._accepted = list(self._before), [accepted]

    def begun(self, coming: Coming) -> ParameterGate:
        return self.afresh()

    def afresh(self) -> ParameterGate:
        """Return the same, to be asked of the next beats; this one stays as it is."""
        return ParameterGate(self._queue, self._source, self._before, self._accepted_before)

    def earliest(self) -> int:
        number = len(self._pops) - self._queue.places
        if len(self._accepted) == number + 1:
            self._accept(number)
        return max(self._accepted[-1] + THERE_TO_ISSUE, self._pops[-1] + _SWALLOWED_TO_ISSUE)

    def issued(self, cycle: int, swallowed: int) -> None:
        pops = self._pops
        pops.append(cycle - 1)
        for _ in range(swallowed):
            self._accept(len(pops) - self._queue.places)
            pops.append(max(pops[-1] + 1, self._accepted[-1] + THERE_TO_ISSUE - 1))

    def after(self, beats: int, came: int) -> ParameterGate:
        places = self._queue.places
        return ParameterGate(self._queue, self._source, self._pops[came : came + places], self._accepted[came])

    def _accept(self, number: int) -> None:
        """Find out when the next beat is accepted, which is that many behind the first one asked for."""
        offered = self._offered(self._accepted[-1])
        self._accepted.append(max(offered, self._pops[number] + self._queue.pop_to_accept))

    def _offered(self, latest: int) -> int:
        """Return when what follows the ``latest`` accepted on the stream is offered, and ready may be 1."""
        if latest == NEVER:  # it may have been offered before ready could be 1
            return max(self._source.following(0), FIRST_CYCLE)
        return self._source.following(latest + 1)
