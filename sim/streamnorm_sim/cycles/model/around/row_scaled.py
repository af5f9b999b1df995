"""A unit whose results wait for the largest of their row, and are scaled by it: another buffer behind the unit that
normalizes, and scales that leave beside the results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from streamnorm.fusions import fused_unit
from streamnorm.fusions.row_scale import RowScaleUnit, row_scale_unit
from streamnorm.spec.config import NormConfig
from streamnorm.units import dispatch

from ..buffered.admission import Admission
from ..buffered.by_beat import Way, finish, rows_unhindered
from ..buffered.one_pass import OnePass
from ..buffered.state import State
from ..ends import Ends
from ..gates.queue_gate import QueueGate, QueueTiming
from ..gates.row_slots import RowSlots, ScaleTiming
from ..open_cycles import ALWAYS
from ..rows import Rows
from ..solver import FEW, MANY, Inner
from ..timing import Timing
from ..trace import CycleTrace, Losses

__all__ = ["RowScaleTiming", "RowScaled"]


@dataclass(frozen=True)
class RowScaleTiming:
    """What stands behind a unit.

    Attributes
    ----------
    rows : Timing, from the taking of a result to its leaving scaled
    scales : ScaleTiming, from where a row's factor is begun
    """

    rows: Timing
    scales: ScaleTiming

    @staticmethod
    def of(config: NormConfig) -> RowScaleTiming | None:
        """That of a configuration; None if nothing stands there (cached)."""
        return None if config.row_scale is None else _timing(config.behind_front)


@lru_cache(maxsize=128)
def _timing(config: NormConfig) -> RowScaleTiming:
    unit = fused_unit(config)
    assert isinstance(unit, RowScaleUnit)
    # In other units, one place is left when ready falls.
    reserved = row_scale_unit.RESERVE - 1
    rows = Timing(
        lanes=config.lanes,
        max_beats=config.max_beats,
        statistic_beats=config.max_beats,
        interval=unit.interval,
        row_slots=unit.row_slots - reserved,
        buffer_limit=unit.buffer.depth - row_scale_unit.COUNTED,
        output_depth=unit.output_depth,
        end_to_issue=unit.end_to_issue,
        release_to_ready=row_scale_unit.RETURN,
        issue_to_pop=unit.buffer.latency + unit.lanes.latency + 1,
        pop_to_output=unit.queue.latency - 1,
        pop_to_issue=dispatch.CREDIT_RETURN,
    )
    scales = ScaleTiming(
        slots=unit.scale_slots - reserved,
        end_to_pop=unit.end_to_scale + unit.scales.latency - 1,
        pop_to_ready=row_scale_unit.RETURN,
    )
    return RowScaleTiming(rows, scales)


class RowScaled:
    """Works with arrays over beats while every result is taken as it comes, else some rows at a time, beat by beat. A
    :class:`~streamnorm_sim.cycles.model.solver.Solver`.

    Parameters
    ----------
    timing : RowScaleTiming
    unit : Inner
        The unit that normalizes, with what stands before it, whose sink is always open.
    ends : Ends
    """

    by_row = False

    def __init__(self, timing: RowScaleTiming, unit: Inner, ends: Ends) -> None:
        self._unit, scales = unit, ends.of("scale")
        self._context = OnePass(timing.rows, ALWAYS, ends.sink)
        self._state = State.after_reset(timing.rows, self._context.issues_kept)
        self._slots = RowSlots(timing.scales, scales)
        self._free = scales is ALWAYS

    def solve(self, rows: Rows) -> list[CycleTrace]:
        parts: list[CycleTrace] = []
        start, few, many = 0, FEW, MANY
        while start < len(rows):
            part = None
            if self._free:
                part = self._unhindered(rows.part(start, rows.end_of(start, many)))
            if part is not None:
                few, many = FEW, min(2 * many, MANY)
                parts.append(part)
                start += len(part)
                continue
            stop, many = rows.end_of(start, few), FEW
            few = min(2 * few, MANY)
            while start < stop:
                part = self._in_turn(rows.part(start, stop))
                parts.append(part)
                start += len(part)
        return parts

    def _unhindered(self, rows: Rows) -> CycleTrace | None:
        """The rows, as arrays; None if one of their results may not be taken as it comes."""
        unit = self._unit.forked()
        inner = CycleTrace.join(unit.solve(rows))
        way = self._way(inner, rows)
        if rows_unhindered(self._context, self._state, way) < len(rows):
            return None
        if not self._slots.rows_end(way.accepted[way.starts], way.complete, way.issue.started):
            return None
        self._unit = unit
        return self._finish(inner, way)

    def _in_turn(self, rows: Rows) -> CycleTrace:
        """Some of the rows, beat by beat."""
        results = Rows(rows.taken, rows.taken, None, False)
        inner = self._unit.solve_in_turn(rows, _Receiver(self._context, self._state, results, self._slots))
        return self._finish(inner, self._way(inner, rows))

    def _way(self, inner: CycleTrace, rows: Rows) -> Way:
        """The way of the results of ``inner``, which are of the first of ``rows``."""
        taken = rows.taken[: len(inner)]
        return Way.of(self._context, self._state, Rows(taken, taken, None, False), inner.output_cycles)

    def _finish(self, inner: CycleTrace, way: Way) -> CycleTrace:
        outer = finish(self._context, self._state, way, len(inner), Losses())
        lost = replace(inner.losses, fill=0, rows=0, interval=0, sink=0)
        return replace(
            inner,
            first_out=outer.first_out,
            last_out=outer.last_out,
            losses=lost + outer.losses,
            _outputs=outer._outputs,
        )


class _Receiver:
    """What takes the results of a unit: a :class:`~streamnorm_sim.cycles.model.turn.Sink`."""

    def __init__(self, context: OnePass, state: State, rows: Rows, slots: RowSlots) -> None:
        timing = self._timing = context.timing
        self._entry, self._slots = Admission(timing, state, rows), slots
        ends = QueueTiming(timing.output_depth, timing.issue_to_pop, timing.pop_to_output, timing.pop_to_issue)
        self._queue = QueueGate(ends, context.sink, state.pops.tolist(), state.outputs.tolist())
        self._started, self._issued = state.started, int(state.issues[-1])
        self._beats = iter(rows.taken.tolist())

    def following(self, cycle: int) -> int:
        entry, slots = self._entry, self._slots
        cycle = entry.ready_from(cycle)
        while waits := slots.waits(cycle):
            cycle = entry.ready_from(cycle + waits)
        if entry.accept(cycle):
            self._row_ends(cycle)
        return cycle

    def _row_ends(self, cycle: int) -> None:
        timing, queue, left = self._timing, self._queue, self._entry.left
        self._started = max(cycle, self._started + timing.interval)
        self._slots.row_ends(cycle, self._started)
        issue = max(self._started + timing.end_to_issue, self._issued + 1)
        first = len(left)
        for _ in range(next(self._beats)):
            issue = max(issue, queue.earliest())
            queue.issued(issue, 0)
            left.append(issue)
            issue += 1
        self._issued = issue - 1
        self._entry.freed.append(left[first])
