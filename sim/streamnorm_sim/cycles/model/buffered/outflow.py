"""From a row's beats in to its beats out: what the statistic, the dispatch and the output queue add."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..chains import chain, chained, contiguous, exclusive_sum
from ..gates.gate import Coming, Gate
from ..gates.queue_gate import QueueGate, QueueTiming
from ..open_cycles import ALWAYS, OpenCycles
from ..rows import Rows
from ..timing import FIRST_CYCLE, NEVER
from ..trace import Losses
from .context import Context
from .state import State

__all__ = ["Issue", "Outflow", "first_issues", "outflow", "waits_for_rows"]

Cycles = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Issue:
    """Per row.

    Attributes
    ----------
    started : the cycle from which the way of its statistic counts, see :meth:`~.context.Context.started`
    first : issue of the first beat if the output queue were endless
    beats : of every beat; None: they follow the first one at once
    """

    started: Cycles
    first: Cycles
    beats: Cycles | None = None


@dataclass(frozen=True, eq=False)
class Outflow:
    """Per beat.

    Attributes
    ----------
    issues, pops, outputs : its issue, its leaving the output queue's memory, its acceptance by the sink
    credits : cycles for which its issue was put off because an output queue was full; None: none was
    free : its issue if the output queues were endless, where not only they may hold it
    gates : what they have become
    """

    issues: Cycles
    pops: Cycles
    outputs: Cycles
    credits: Cycles | None
    free: Cycles | None = None
    gates: tuple[Gate, ...] = ()


def first_issues(context: Context, state: State, complete: Cycles, taken: Cycles, known: Cycles | None = None) -> Issue:
    """Return what follows from the cycles in which the beats that completed the statistic of rows of ``taken`` beats
    were accepted; ``known``: the earliest issue of each beat, where a row may leave before its last beat is in."""
    started = context.started(state, complete, taken)
    earliest = started + context.timing.end_to_issue
    earliest[0] = max(earliest[0], state.issues[-1] + 1)
    if known is None:
        return Issue(started, chain(earliest, taken))
    rows = exclusive_sum(taken)
    every = known.copy()
    every[rows] = np.maximum(every[rows], earliest)
    beats = chain(every, 1)
    return Issue(started, beats[rows], beats)


def outflow(
    context: Context, state: State, issue: Issue, rows: Rows, coming: Coming, known: Cycles | None = None
) -> Outflow:
    """Return every beat's way out; ``coming``: of the ``rows``.

    Where nothing else gates them: the output queue is deep enough never to hold back a sink, not even one that takes a
    beat in every cycle. So the outputs follow from the issues that an endless queue would allow, and the true issues
    from the outputs.
    """
    timing, sink, taken = context.timing, context.sink, rows.taken
    if state.gates or not isinstance(sink, OpenCycles):
        return _gated(context, state, _earliest(context, state, issue, taken, known), rows, coming)
    unhindered = contiguous(issue.first, taken) if issue.beats is None else issue.beats
    if sink is ALWAYS:
        return Outflow(unhindered, unhindered + timing.issue_to_pop, unhindered + timing.issue_to_output, None)
    order = np.arange(len(unhindered), dtype=np.int64)
    ranks = sink.rank(unhindered + timing.issue_to_output)
    if state.output != NEVER:
        ranks[0] = max(ranks[0], sink.rank(np.array([state.output + 1]))[0])
    outputs = sink.select(chained(ranks, order))
    # An entry leaves the memory once it is there, and the beats ahead of it leave one register free behind it.
    pops = unhindered + timing.issue_to_pop
    np.maximum(pops, np.concatenate([state.outputs, outputs])[: len(pops)], out=pops)
    room = np.concatenate([state.pops, pops])[: len(pops)] + timing.pop_to_issue
    earliest = _earliest(context, state, issue, taken, known)
    issues = chained(np.maximum(earliest, room), order)
    np.maximum(earliest[1:], issues[:-1] + 1, out=earliest[1:])
    return Outflow(issues, pops, outputs, issues - earliest)


def _earliest(context: Context, state: State, issue: Issue, taken: Cycles, known: Cycles | None) -> Cycles:
    """When each beat could be issued if there were none ahead of it but those of the past."""
    rows = exclusive_sum(taken)
    earliest = np.full(int(taken.sum()), NEVER, np.int64) if known is None else known.copy()
    earliest[rows] = np.maximum(earliest[rows], issue.started + context.timing.end_to_issue)
    earliest[0] = max(earliest[0], state.issues[-1] + 1)
    return earliest


def _gated(context: Context, state: State, earliest: Cycles, rows: Rows, coming: Coming) -> Outflow:
    """Beat by beat, as the gates go on with each issue."""
    timing = context.timing
    ends = QueueTiming(timing.output_depth, timing.issue_to_pop, timing.pop_to_output, timing.pop_to_issue)
    own = QueueGate(ends, context.sink, state.pops.tolist(), state.outputs.tolist())
    gates = [gate.begun(coming) for gate in state.gates]
    queues: list[Gate] = [own, *(gate for gate in gates if gate.is_queue)]
    others = [gate for gate in gates if not gate.is_queue]
    swallowed = np.zeros(len(earliest), np.int64)
    swallowed[np.cumsum(rows.taken) - 1] = rows.beats - rows.taken
    issues: list[int] = []
    free: list[int] = []
    issued = NEVER
    for cycle, more in zip(earliest.tolist(), swallowed.tolist(), strict=True):
        begin = max(cycle, issued + 1, *(gate.earliest() for gate in others))
        issued = max(begin, *(gate.earliest() for gate in queues))
        for gate in (own, *gates):
            gate.issued(issued, more)
        issues.append(issued)
        free.append(begin)
    arrays = (issues, own.pops[timing.output_depth :], own.outputs[timing.pop_to_output :])
    found, pops, outputs = (np.array(cycles, np.int64) for cycles in arrays)
    begun = np.array(free, np.int64)
    return Outflow(found, pops, outputs, found - begun, begun, tuple(gates))


def waits_for_rows(
    context: Context,
    state: State,
    complete: Cycles,
    issue: Issue,
    last_out: Cycles,
    beats: int,
    outputs: Cycles | None = None,
) -> Losses:
    """Return what was lost at the output by ``beats`` beats of rows whose last ones were taken in ``last_out``;
    ``outputs``: of every beat, where the issue is."""
    begin = state.output if state.output != NEVER else FIRST_CYCLE - 1
    to_output = context.timing.issue_to_output - 1
    before = np.concatenate([[begin], last_out[:-1]])
    waits = np.maximum(issue.first + to_output - before, 0)
    total, fill = int(waits.sum()), 0
    if issue.beats is not None and outputs is not None:
        total += int(np.maximum(issue.beats[1:] + to_output - outputs[:-1], 0).sum()) - int(waits[1:].sum())
    if state.output == NEVER:
        fill = int(waits[0])
        waits[0] = 0
    interval = int(np.minimum(waits, issue.started - complete).sum()) if context.timing.interval > 1 else 0
    return Losses(
        fill=fill, rows=total - fill - interval, interval=interval, sink=int(last_out[-1]) - begin - beats - total
    )
