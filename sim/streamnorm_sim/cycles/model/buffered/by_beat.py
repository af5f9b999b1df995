"""Rows solved beat by beat: for any source and any sink."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..chains import exclusive_sum
from ..gates.gate import Coming
from ..offers import accepted_at_once, accepted_in_turn
from ..rows import Rows
from ..timing import ROW_DELAY, SPACE_DELAY
from ..trace import CycleTrace, Losses, Runs
from .admission import Admission, rows_at_once
from .context import Context
from .outflow import Issue, Outflow, first_issues, outflow, waits_for_rows
from .state import State

__all__ = ["Way", "finish", "rows_unhindered", "solve_unhindered", "solve_waiting"]

Cycles = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Way:
    """All of the way that rows take, if their beats are accepted in the cycles ``accepted``."""

    rows: Rows
    accepted: Cycles
    starts: Cycles  # of each row, among the beats in
    taken: NDArray[np.bool_] | None  # which beats in are not swallowed; None: all
    takes: Cycles
    take_starts: Cycles  # of each row, among the beats that are not swallowed
    counts: Cycles  # beats of each row that complete its statistic
    complete: Cycles
    issue: Issue
    flow: Outflow
    left: Cycles  # each beat's leaving the buffer that rows come in to
    freed: Cycles  # of each row, see `Context.freed`
    beside: Cycles

    @staticmethod
    def of(context: Context, state: State, rows: Rows, accepted: Cycles) -> Way:
        starts = take_starts = exclusive_sum(rows.beats)
        taken, takes = rows.kept, accepted
        if taken is not None:
            take_starts, takes = exclusive_sum(rows.taken), accepted[taken]
        timing, counts, known = context.timing, rows.taken, None
        if timing.early:
            counts = np.minimum(counts, timing.statistic_beats)
            ends = take_starts + rows.taken - 1
            known = np.append(takes[1:], 0) + timing.beat_to_issue
            known[ends] = takes[ends] + (timing.beat_to_issue + 1)
        complete = takes[take_starts + counts - 1]
        issue = first_issues(context, state, complete, rows.taken, known)
        flow = outflow(context, state, issue, rows, Coming(takes, rows.taken, complete), known)
        if flow.free is not None:
            issue = Issue(issue.started, flow.free[take_starts], flow.free)
        left = context.left(state, issue.started, flow.issues, rows.taken)
        freed, beside = context.freed(state, complete, flow.issues[take_starts])
        return Way(
            rows, accepted, starts, taken, takes, take_starts, counts, complete, issue, flow, left, freed, beside
        )


def solve_unhindered(context: Context, state: State, rows: Rows) -> CycleTrace | None:
    """Solve the rows up to the first for which ready may fall, as arrays; None if that is the first of them."""
    way = Way.of(context, state, rows, _at_once(context, state, rows))
    good = rows_unhindered(context, state, way)
    if not good:
        return None
    beats = int(rows.beats[:good].sum())
    source = int(way.accepted[beats - 1]) - state.accepted - beats
    return finish(context, state, way, good, Losses(source=source))


def solve_waiting(context: Context, state: State, rows: Rows) -> CycleTrace:
    """Solve the next rows, at least one, where ready falls.

    Ready follows from when earlier beats left the buffer, and from the issues of earlier rows. Where it falls, the sink
    or the statistic sets the pace, and these hardly depend on when beats are accepted. So they are first worked out as
    if ready never fell, the input side from them, and the true ones from that. All is right up to the first row that
    the difference of the two may concern, since a row waits only for rows ahead of it; and in any case for the rows
    that wait for none of those solved here.
    """
    guess = Way.of(context, state, rows, _at_once(context, state, rows))
    entry = Admission(context.timing, state, rows)
    entry.left += guess.left.tolist()
    entry.freed += guess.freed.tolist()
    accepted = accepted_in_turn(context.source, state.accepted, state.fresh, rows, entry)
    way = Way.of(context, state, rows, accepted)
    good = max(_rows_right(context, state, guess, way), rows_at_once(context.timing, rows))
    beats = int(rows.beats[:good].sum())
    losses = entry.waits.losses(beats)
    source = int(accepted[beats - 1]) - state.accepted - beats - losses.slots - losses.buffer
    return finish(context, state, way, good, losses + Losses(source=source))


def _at_once(context: Context, state: State, rows: Rows) -> Cycles:
    return accepted_at_once(context.source, state.accepted, state.fresh, rows)


def _rows_right(context: Context, state: State, guess: Way, way: Way) -> int:
    """Return how many rows are accepted as ``way`` has it, although ready was worked out from ``guess``.

    Nothing of a guess is late: its beats are accepted as early as can be. So a beat that does not wait any more when
    what it waits for comes as in ``way`` is right, and it takes the same time for the same reasons.
    """
    accepted, taken, starts = way.accepted, way.taken, way.starts
    ahead = np.arange(len(accepted)) if taken is None else np.cumsum(taken) - taken
    # Ready may not know yet of the latest beats, nor of the row ahead: see `admit`.
    room = np.concatenate([state.left, way.left]) + SPACE_DELAY
    differs = np.concatenate([np.zeros(len(state.left), np.bool_), way.left != guess.left])
    concerned = differs[ahead]
    for seen in range(1, SPACE_DELAY):
        concerned |= differs[ahead + seen]
    concerned &= room[ahead + (SPACE_DELAY - 1)] > accepted
    slots = np.concatenate([state.freed, way.freed]) + context.timing.release_to_ready
    differs = np.concatenate([np.zeros(len(state.freed), np.bool_), way.freed != guess.freed])
    rows = np.arange(len(starts))
    differs = differs[rows] | differs[rows + 1] | differs[rows + ROW_DELAY]
    before = np.concatenate([[state.accepted], accepted])[starts]
    concerned[starts] |= differs & (slots[rows + ROW_DELAY] > before + 1)
    first = int(np.argmax(concerned))
    return int(np.searchsorted(starts, first, side="right")) - 1 if concerned[first] else len(rows)


def rows_unhindered(context: Context, state: State, way: Way, since: Cycles | None = None) -> int:
    """Return how many rows are sure not to wait for ready: not even if all events ahead of a beat had been counted.

    ``since``: from which cycle up to its acceptance ready has to be 1 for each beat; absent: in that one alone.
    """
    rows, accepted, starts = way.rows, way.accepted if since is None else since, way.starts
    space, slots = state.places()
    waiting_slots = np.concatenate([slots, way.freed]) + context.timing.release_to_ready
    waiting_space = np.concatenate([space, way.left]) + SPACE_DELAY
    if way.taken is None:
        waits = waiting_space[: len(accepted)] > accepted
    else:
        waits = waiting_space[np.cumsum(way.taken) - way.taken] > accepted
    waits[starts] |= waiting_slots[: len(rows)] > accepted[starts]
    # The beats behind the one with which a row took its slot: of these it is the first that comes too early.
    more = np.flatnonzero(rows.beats > way.counts)
    behind = starts[more] + way.counts[more]
    waits[behind] |= waiting_slots[more + 1] > accepted[behind]
    bad = int(np.argmax(waits))
    return int(np.searchsorted(starts, bad, side="right")) - 1 if waits[bad] else len(rows)


def finish(context: Context, state: State, way: Way, good: int, losses: Losses) -> CycleTrace:
    """Make the trace of the first ``good`` rows, with what was lost at their input, and advance the state."""
    beats_in, beats_out = way.rows.beats[:good], way.rows.taken[:good]
    starts, take_starts = way.starts[:good], way.take_starts[:good]
    count = int(beats_out.sum())
    inputs, outputs = way.accepted[: int(beats_in.sum())], way.flow.outputs[:count]
    last_out = outputs[take_starts + beats_out - 1]
    beats = None if way.issue.beats is None else way.issue.beats[:count]
    issue = Issue(way.issue.started[:good], way.issue.first[:good], beats)
    losses += waits_for_rows(context, state, way.complete[:good], issue, last_out, count, outputs)
    if way.flow.credits is not None:
        losses += Losses(credits=int(way.flow.credits[:count].sum()))
    trace = CycleTrace(
        beats_in=beats_in,
        beats_out=beats_out,
        first_in=inputs[starts],
        last_in=inputs[starts + beats_in - 1],
        first_out=outputs[take_starts],
        last_out=last_out,
        losses=losses,
        _inputs=[Runs(inputs)],
        _outputs=[Runs(outputs)],
    )
    state.advance(
        accepted=int(inputs[-1]),
        takes=way.takes[:count],
        counted=int(way.complete[good - 1]),
        started=int(issue.started[-1]),
        left=way.left[:count],
        issues=way.flow.issues[:count],
        freed=way.freed[:good],
        beside=int(way.beside[good - 1]),
        pops=way.flow.pops[:count],
        outputs=outputs,
    )
    state.gates = tuple(gate.after(count, len(inputs)) for gate in way.flow.gates)
    return trace
