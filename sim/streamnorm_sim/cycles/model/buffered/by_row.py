"""Rows solved as wholes: where a row's beats are offered one after the other, and the sink always takes them."""

from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from ..chains import chained, contiguous, exclusive_sum
from ..rows import Rows
from ..timing import SPACE_DELAY
from ..trace import CycleTrace, Losses, Runs
from .context import Context
from .outflow import Issue, first_issues, waits_for_rows
from .state import State

__all__ = ["solve_in_turn", "solve_unhindered"]

Cycles = NDArray[np.int64]


def solve_unhindered(context: Context, state: State, rows: Rows) -> CycleTrace | None:
    """Solve the rows up to the first for which ready may fall, as arrays; None if that is the first of them."""
    offsets = exclusive_sum(rows.beats)
    if rows.offered is None:
        first = offsets + (state.accepted + 1)
    else:
        first = chained(np.maximum(rows.offered, state.accepted + 1), offsets)
    counts = np.minimum(rows.taken, context.timing.statistic_beats)
    complete = first + (counts - 1)
    issue = first_issues(context, state, complete, rows.taken)
    left = context.first_left(issue.started, issue.first, rows.taken)
    good = _unhindered(context, state, rows, first, counts, issue.first, left)
    if not good:
        return None
    issue = Issue(issue.started[:good], issue.first[:good])
    return _finish(context, state, rows.part(0, good), first[:good], None, complete[:good], issue)


def _unhindered(
    context: Context, state: State, rows: Rows, first: Cycles, counts: Cycles, issues: Cycles, left: Cycles
) -> int:
    """Return how many rows are sure not to wait for ready: not even if all events ahead of a beat had been counted.

    ``counts``: beats of each row that complete its statistic; ``issues``: of the rows' first beats; ``left``: their
    leaving the buffer.
    """
    space, slots = state.places()
    waiting_slots = np.concatenate([slots, issues]) + context.timing.release_to_ready
    waits = waiting_slots[: len(rows)] > first
    # Of a row's beats, which come and leave one after the other, it is the last that has least room.
    ends, ended = np.cumsum(rows.taken), first + (rows.taken - 1)
    waits |= _waiting_space(space, left, rows.taken, ends, ends - 1) > ended
    waits |= (rows.beats > counts) & (waiting_slots[1 : len(rows) + 1] > first + counts)
    if rows.cut:
        swallowing = rows.beats > rows.taken
        waits |= swallowing & (_waiting_space(space, left, rows.taken, ends, ends) > ended + 1)
    return _leading(~waits)


def _waiting_space(space: Cycles, left: Cycles, taken: Cycles, ends: Cycles, takes: Cycles) -> Cycles:
    """Return the first cycles in which ready knows of room for a beat, so many takes being ahead of it."""
    known = int(np.searchsorted(takes, len(space)))
    beats = takes[known:] - len(space)
    row = np.searchsorted(ends, beats, side="right")
    later = left[row] + (beats - (ends[row] - taken[row]))
    return np.concatenate([space[takes[:known]], later]) + SPACE_DELAY


def solve_in_turn(context: Context, state: State, rows: Rows) -> CycleTrace | None:
    """Solve rows one after the other, waits for slots included, up to the first that is too long or may wait for the
    buffer; None if that is the first of them. Only where ``context.in_turn``.

    A row waits for its slot with its first beat or with its second: ready takes a cycle to know of the row ahead of it.
    """
    timing = context.timing
    release, to_issue, interval = timing.release_to_ready, timing.end_to_issue, timing.interval
    accepted, ended, started, issued = state.accepted, state.counted, state.started, int(state.issues[-1])
    count = _leading(rows.beats == rows.taken)
    times = repeat(0) if rows.offered is None else rows.offered[:count].tolist()
    # From which cycle on ready knows of each row's slot; the first is that of the row before these.
    slots = (state.freed + release).tolist()
    known = len(slots)
    waiting = iter(slots)  # it comes to the rows' own ones in time
    before = next(waiting)
    seconds: list[int] = []
    firsts: list[int] = []
    starts: list[int] = []
    for beats, time, slot in zip(rows.beats[:count].tolist(), times, waiting, strict=False):
        first = accepted + 1
        if time > first:
            first = time
        second = first + 1
        if slot > first:
            # In the cycle after the last row's end, ready does not know of that row yet.
            if ended != first - 1 or before > first:
                first, second = slot, slot + 1
            elif slot > second:
                second = slot
        before = slot
        accepted = ended = first if beats == 1 else second + beats - 2
        started += interval
        if ended > started:
            started = ended
        issue = started + to_issue
        if issue <= issued:
            issue = issued + 1
        issued = issue + beats - 1
        firsts.append(first)
        seconds.append(second)
        starts.append(started)
        slots.append(issue + release)
    first, second, issues = (np.array(cycles, np.int64) for cycles in (firsts, seconds, slots[known:]))
    issues -= release
    # As above; but a row's first beat may come earlier than just before the others.
    beats, ends = rows.beats[:count], np.cumsum(rows.beats[:count])
    room = _waiting_space(state.places()[0], issues, beats, ends, ends - 1)
    count = _leading(room <= first + (beats - 1))
    if not count:
        return None
    first, second, beats = first[:count], second[:count], beats[:count]
    ended_at = np.where(beats > 1, second + (beats - 2), first)
    issue_of = Issue(np.array(starts[:count], np.int64), issues[:count])
    return _finish(context, state, rows.part(0, count), first, second, ended_at, issue_of)


def _leading(good: NDArray[np.bool_]) -> int:
    """Return how many elements there are before the first that is false."""
    first = int(np.argmin(good)) if len(good) else 0
    return first if len(good) and not good[first] else len(good)


def _finish(
    context: Context, state: State, rows: Rows, first: Cycles, second: Cycles | None, complete: Cycles, issue: Issue
) -> CycleTrace:
    """Make the trace and advance the state; ``second``: cycles of the rows' second beats where not the next ones."""
    timing = context.timing
    last_in = first + (rows.beats - 1) if second is None else complete
    first_out = issue.first + timing.issue_to_output
    last_out = first_out + (rows.taken - 1)
    lost = int(last_in[-1]) - state.accepted - int(rows.beats.sum())
    losses = Losses(source=lost)
    inputs = Runs(first, rows.beats)
    if second is not None:
        before = np.concatenate([[state.accepted], last_in[:-1]]) + 1
        offered = before if rows.offered is None else np.maximum(before, rows.offered)
        source = int((offered - before).sum())
        losses = Losses(source=source, slots=lost - source)
        inputs = Runs(
            np.stack([first, second], axis=1).ravel(), np.stack([np.ones_like(first), rows.beats - 1], axis=1).ravel()
        )
    losses += waits_for_rows(context, state, complete, issue, last_out, int(rows.taken.sum()))
    trace = CycleTrace(
        beats_in=rows.beats,
        beats_out=rows.taken,
        first_in=first,
        last_in=last_in,
        first_out=first_out,
        last_out=last_out,
        losses=losses,
        _inputs=[inputs],
        _outputs=[Runs(first_out, rows.taken)],
    )
    kept = max(len(state.left), len(state.issues), len(state.pops))
    tail = slice(max(0, len(rows) - kept), None)  # a row has at least one beat
    counts = rows.taken[tail]
    issues = contiguous(issue.first[tail], counts)
    left = contiguous(context.first_left(issue.started[tail], issue.first[tail], counts), counts)
    takes = contiguous(first[tail], rows.taken[tail]) if second is None else inputs.cycles()
    state.advance(
        accepted=int(last_in[-1]),
        takes=takes,
        counted=int(complete[-1]),
        started=int(issue.started[-1]),
        left=left,
        issues=issues,
        freed=issue.first,
        pops=issues + timing.issue_to_pop,
        outputs=issues + timing.issue_to_output,
    )
    return trace
