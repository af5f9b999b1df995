"""From a row's beats in to its beats out: what the statistic, the dispatch and the output queue add."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .chains import chain, chained, contiguous, exclusive_sum
from .context import Context
from .open_cycles import ALWAYS
from .state import State
from .timing import FIRST_CYCLE, NEVER
from .trace import Losses

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
    credits : cycles for which its issue was put off because the output queue was full; None: none was
    """

    issues: Cycles
    pops: Cycles
    outputs: Cycles
    credits: Cycles | None


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


def outflow(context: Context, state: State, issue: Issue, taken: Cycles, known: Cycles | None = None) -> Outflow:
    """Return every beat's way out.

    The output queue is deep enough never to hold back a sink, not even one that takes a beat in every cycle. So the
    outputs follow from the issues that an endless queue would allow, and the true issues from the outputs.
    """
    timing, sink = context.timing, context.sink
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
    rows = exclusive_sum(taken)
    earliest = np.full(len(pops), NEVER, np.int64) if known is None else known.copy()
    earliest[rows] = np.maximum(earliest[rows], issue.started + timing.end_to_issue)
    earliest[0] = max(earliest[0], state.issues[-1] + 1)
    issues = chained(np.maximum(earliest, room), order)
    np.maximum(earliest[1:], issues[:-1] + 1, out=earliest[1:])
    return Outflow(issues, pops, outputs, issues - earliest)


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
