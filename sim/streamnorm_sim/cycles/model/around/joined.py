"""A unit behind a join: two streams that become one, of rows and of what is added to them, or of rows and their scales;
and the sums that leave beside the results."""

from __future__ import annotations

from collections import deque
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from streamnorm.fusions import fused_unit
from streamnorm.fusions.input_scale_unit import InputScaleUnit
from streamnorm.fusions.residual import ResidualUnit
from streamnorm.spec.config import NormConfig
from streamnorm.units import ingest

from ..ends import Ends
from ..offers import accepted_at_once
from ..open_cycles import ALWAYS
from ..rows import Rows
from ..solver import FEW, MANY, Unit
from ..timing import FIRST_CYCLE, NEVER, SPACE_DELAY
from ..trace import CycleTrace, Losses, Runs
from ..turn import Sink

__all__ = ["FrontTiming", "Joined"]

Cycles = NDArray[np.int64]

_TAKE_SEEN, _POP_SEEN = ingest.LATENCY + 2, 2
"""Cycles from the acceptance of a beat by the unit behind, and from a sum's leaving the memory of its queue, to the
first in which what admits beats knows of it: the event, its count and the comparison are registers."""

_PARTS_MAX = 1 << 10


@dataclass(frozen=True)
class FrontTiming:
    """What stands before a unit.

    Attributes
    ----------
    other : name of the stream that joins the rows
    per_row : whether it has a beat of each row, which joins the first one, rather than of each beat
    added : cycles from where two beats join to where the unit behind is offered their sum; all stands still while that
        one takes nothing
    summed : cycles from the acceptance of that to the sum's being in its queue; None: no sums leave
    sums_limit : sums on their way to their receiver from which no beats are admitted, a cycle later
    """

    other: str
    per_row: bool
    added: int
    summed: int | None = None
    sums_limit: int = 0

    @staticmethod
    def of(config: NormConfig) -> FrontTiming | None:
        """That of a configuration; None if nothing stands there (cached)."""
        return _timing(config)


@lru_cache(maxsize=128)
def _timing(config: NormConfig) -> FrontTiming | None:
    if config.input_scale is not None:
        return FrontTiming(config.input_scale.side.name, True, InputScaleUnit.joined)
    if config.residual is None:
        return None
    unit = fused_unit(config)
    assert isinstance(unit, ResidualUnit)
    (other,) = config.residual.inputs
    if unit.sums is None:
        return FrontTiming(other.name, False, unit.added)
    return FrontTiming(other.name, False, unit.added, unit.sums.queued, unit.sums.limit)


class Joined:
    """Works with arrays over beats while nothing stops the way in, else some rows at a time, beat by beat. A
    :class:`~streamnorm_sim.cycles.model.solver.Inner`.

    Each of the two streams has a place; beats of the rows come in while the queue of sums has room. Beats join, one
    of each, in cycles in which the unit behind is ready; only these move the beats that are between the join and that
    unit.

    Parameters
    ----------
    timing : FrontTiming
    unit : Unit
        The unit behind, whose source is always open.
    ends : Ends
    """

    by_row = False

    def __init__(self, timing: FrontTiming, unit: Unit, ends: Ends) -> None:
        self._timing, self._unit = timing, unit
        beside, sums = ends.of(timing.other), ends.of("sum")
        self._source, self._beside, self._sink = ends.source, beside, sums
        self._fresh = True
        # The latest beats' acceptance at the two ports, and the latest join, of all and of those of both streams.
        self._first = self._second = FIRST_CYCLE - 1
        self._join = self._pair = NEVER
        # Cycles, from behind the latest join to the latest acceptance behind, in which the unit behind was ready.
        self._ready: deque[int] = deque()
        # Acceptance behind, and leaving the memory of the queue, of the sums not seen yet to have left, and how many of
        # these have been seen to come and to leave; when the latest was taken.
        self._takes: list[int] = []
        self._pops: list[int] = []
        self._seen = [0, 0]
        self._summed = NEVER
        # What the latest join, and latest of all the unit behind, waited for.
        self._cause, self._stopped = "beside", "slots"
        # A sink that takes every sum never fills their queue.
        self._counts_sums = timing.summed is not None and sums is not ALWAYS
        self._open = beside is ALWAYS and not self._counts_sums

    def solve(self, rows: Rows) -> list[CycleTrace]:
        parts: list[CycleTrace] = []
        start, slow, many = 0, 0, 1
        while start < len(rows):
            part = None
            if self._open and not slow:
                part = self._unhindered(rows.part(start, rows.end_of(start, MANY)))
                many = 1 if part is not None else min(2 * many, _PARTS_MAX)
                slow = 0 if part is not None else many
            if part is None:
                part = self._in_turn(rows.part(start, rows.end_of(start, FEW)))
                slow = max(slow - 1, 0)
            parts.append(part)
            start += len(part)
        return parts

    def solve_in_turn(self, rows: Rows, sink: Sink) -> CycleTrace:
        return self._in_turn(rows, sink)

    def forked(self) -> Self:
        solver = copy(self)
        solver._unit, solver._ready = self._unit.forked(), self._ready.copy()
        solver._takes, solver._pops, solver._seen = self._takes.copy(), self._pops.copy(), self._seen.copy()
        return solver

    def _unhindered(self, rows: Rows) -> CycleTrace | None:
        """The rows up to the first that something may stop, as arrays; None if that is the first of them."""
        added = self._timing.added
        if len(self._ready) and self._ready[-1] != self._join + added:
            return None
        joins = accepted_at_once(self._source, self._first, self._fresh, rows)
        if joins[0] <= self._join:
            return None
        accepted = joins + added
        since = np.maximum(joins, np.concatenate([[self._unit.accepted], accepted[:-1]]) + 1)
        trace = self._unit.solve_unhindered(rows, accepted, since)
        if trace is None:
            return None
        good = len(trace)
        beats = int(rows.beats[:good].sum())
        last = int(joins[beats - 1])
        losses = Losses(source=last - self._first - beats)
        self._fresh, self._first, self._join = False, last, last
        # A stream that is always open is there in time, to the next join at the latest.
        self._second = self._pair = int(joins[rows.bounds[good - 1]]) if self._timing.per_row else last
        self._ready = deque(range(last + 1, last + 1 + added))
        return self._at_ports(trace, joins[:beats], losses)

    def _in_turn(self, rows: Rows, sink: Sink | None = None) -> CycleTrace:
        """Rows, beat by beat, that wait for nothing behind but what is known before them; at least one."""
        timing = self._timing
        added, counts_sums, summed = timing.added, self._counts_sums, timing.summed or 0
        behind = self._unit.accepted
        turn = self._unit.turn(rows, sink)
        rows, ready_from, accept = turn.rows, turn.ready_from, turn.accept
        takes, pops, seen = self._takes, self._pops, self._seen

        def has_room(cycle: int) -> bool:
            """Whether there is room for a sum; asked of later and later cycles."""
            while seen[0] < len(takes) and takes[seen[0]] <= cycle - _TAKE_SEEN:
                seen[0] += 1
            while seen[1] < len(pops) and pops[seen[1]] <= cycle - _POP_SEEN:
                seen[1] += 1
            return seen[0] - seen[1] < timing.sums_limit

        following, following_beside, sum_taken = self._source.following, self._beside.following, self._sink.following
        fresh, first, second = self._fresh, self._first, self._second
        join, pair = self._join, self._pair
        per_row = timing.per_row
        ready, sum_last, cause = self._ready, self._summed, self._cause
        waits = {"beside": 0, "slots": 0, "buffer": 0}
        times = None if rows.offered is None else iter(rows.times().tolist())
        firsts: list[int] = []
        accepted: list[int] = []
        for count, taking in zip(rows.beats.tolist(), rows.taken.tolist(), strict=True):
            for place in range(1, count + 1):
                put = 0 if times is None else next(times)
                pairs = place == 1 or not per_row
                other = second
                if fresh:  # they may have been offered before ready could be 1
                    put, fresh = max(following(put), FIRST_CYCLE), False
                    other = max(following_beside(0), FIRST_CYCLE)
                else:
                    put = following(max(put, first + 1))
                    if pairs:
                        other = following_beside(second + 1)
                first = max(put, join + 1)
                if pairs:
                    second = max(other, pair + 1)
                waits[cause] += first - put
                if counts_sums:
                    free = first
                    while not has_room(first - 1):
                        first += 1
                    waits["beside"] += first - free
                firsts.append(first)
                earliest = max(first, second) if pairs else first
                if earliest > first:
                    cause = "beside"
                if earliest > behind + SPACE_DELAY:
                    # All is counted by then: from the first cycle in which the unit behind is ready, it stays so.
                    ready.clear()
                    ready.append(ready_from(earliest))
                elif not ready:
                    ready.append(ready_from(earliest))
                while (join := ready.popleft()) < earliest:
                    if not ready:
                        ready.append(ready_from(join + 1))
                if not ready:
                    ready.append(ready_from(join + 1))
                if join > earliest:
                    cause = turn.waits.latest or self._stopped
                if pairs:
                    pair = join
                while len(ready) < added:
                    ready.append(ready_from(ready[-1] + 1))
                behind = ready[-1]
                accepted.append(behind)
                accept(behind)
                if counts_sums and place <= taking:
                    pop = max(behind + summed + 1, sum_last)
                    sum_last = sum_taken(pop + 1)
                    takes.append(behind)
                    pops.append(pop)
        inputs = np.array(firsts, np.int64)
        lost = int(inputs[-1]) - self._first - len(inputs)
        losses = Losses(source=lost - sum(waits.values()), **waits)
        trace = turn.finish(np.array(accepted, np.int64))
        gone = min(seen)
        del takes[:gone], pops[:gone]
        self._seen = [count - gone for count in seen]
        self._fresh, self._first, self._second = fresh, first, second
        self._join, self._pair = join, pair
        self._summed, self._cause, self._stopped = sum_last, cause, turn.waits.latest or self._stopped
        return self._at_ports(trace, inputs, losses)

    @staticmethod
    def _at_ports(trace: CycleTrace, inputs: Cycles, losses: Losses) -> CycleTrace:
        """The trace with the cycles in which beats were accepted at the port of the rows, and what was lost there."""
        starts = np.cumsum(trace.beats_in) - trace.beats_in
        ends = starts + trace.beats_in - 1
        losses += trace.losses
        return replace(trace, first_in=inputs[starts], last_in=inputs[ends], losses=losses, _inputs=[Runs(inputs)])
