"""A gate: gamma and beta that are made of two banks and of a number that comes in with each row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamnorm.units import ingest
from streamnorm.units.parameter_queue import ParameterQueue

from ..open_cycles import OpenCycles
from ..timing import NEVER
from .gate import Coming
from .parameter_gate import ParameterGate

__all__ = ["BlendGate", "BlendTiming"]


@dataclass(frozen=True)
class BlendTiming:
    """How gamma and beta between two banks are made.

    Attributes
    ----------
    depth : beats that their queue holds, those on their way to it included
    made_to_pop : cycles from where a beat of them is begun to its leaving the memory of an empty queue
    waits : whether a row's first beat is begun when its statistic is complete, and no earlier
    """

    depth: int
    made_to_pop: int
    waits: bool


_KNOWN = ingest.LATENCY + 1
"""Cycles from the acceptance of a beat to where gamma and beta for it may be begun: it is counted."""

_POP_TO_BEGIN = 2
"""Cycles from the leaving of a beat of gamma and beta to where one is begun that takes its place."""


class BlendGate(ParameterGate):
    """Gamma and beta that are made of a number that comes with each row, in front of their queue.

    Parameters
    ----------
    timing : BlendTiming
    queue, source, pops, accepted : as of :class:`ParameterGate`; the source is that of the numbers
    past : of what is before that queue; absent: there was nothing
    """

    def __init__(
        self,
        timing: BlendTiming,
        queue: ParameterQueue,
        source: OpenCycles,
        pops: list[int] | None = None,
        accepted: int = NEVER,
        past: _Blended | None = None,
    ) -> None:
        super().__init__(queue, source, pops, accepted)
        self._timing = timing
        self._past = past or _Blended([NEVER] * timing.depth, NEVER, NEVER, (NEVER, NEVER))
        self._left = list(self._past.left)
        self._begun = [self._past.begun]
        # Of each row so far: its number's acceptance, and the begin of its last beat.
        self._numbers, self._ends = [self._past.number], list(self._past.ends)
        self._known: list[int] = []
        self._firsts: list[int] = []
        self._lasts: list[bool] = []

    def begun(self, coming: Coming) -> BlendGate:
        gate = BlendGate(self._timing, self._queue, self._source, self._before, self._accepted_before, self._past)
        count = len(coming.takes)
        firsts = np.full(count, -1, np.int64)
        ends = np.cumsum(coming.taken)
        firsts[ends - coming.taken] = coming.complete + _KNOWN
        lasts = np.zeros(count, np.bool_)
        lasts[ends - 1] = True
        gate._known, gate._firsts, gate._lasts = (coming.takes + _KNOWN).tolist(), firsts.tolist(), lasts.tolist()
        return gate

    def issued(self, cycle: int, swallowed: int) -> None:
        super().issued(cycle, 0)

    def after(self, beats: int, came: int) -> BlendGate:
        places, depth = self._queue.places, self._timing.depth
        rows = sum(self._lasts[:beats])
        past = _Blended(
            self._left[beats : beats + depth],
            self._begun[beats],
            self._numbers[rows],
            (self._ends[rows], self._ends[rows + 1]),
        )
        pops = self._pops[beats : beats + places]
        return BlendGate(self._timing, self._queue, self._source, pops, self._accepted[beats], past)

    def _accept(self, number: int) -> None:
        first = self._firsts[number]
        begin = max(self._begun[-1] + 1, self._known[number], self._left[number] + _POP_TO_BEGIN)
        if first >= 0:
            self._numbers.append(max(self._offered(self._numbers[-1]), self._ends[-2] + 1))
            begin = max(begin, self._numbers[-1] + 1)
            if self._timing.waits:
                begin = max(begin, first)
        self._begun.append(begin)
        if self._lasts[number]:
            self._ends.append(begin)
        left = max(begin + self._timing.made_to_pop, self._accepted[-1])
        self._left.append(left)
        self._accepted.append(max(left + 1, self._accepted[-1] + 1, self._pops[number] + self._queue.pop_to_accept))


@dataclass(frozen=True)
class _Blended:
    """What was before the queue of gamma and beta: the latest beats' leaving of that in which they were made, and the
    begin of the latest; of rows, the acceptance of the latest number, and the begins of the two latest last beats."""

    left: list[int]
    begun: int
    number: int
    ends: tuple[int, int]
