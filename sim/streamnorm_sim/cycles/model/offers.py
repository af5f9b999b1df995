"""The input side: beats that a source offers, and when they are accepted."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .chains import chained
from .open_cycles import ALWAYS, OpenCycles
from .rows import Rows
from .timing import FIRST_CYCLE
from .trace import CycleTrace, Losses
from .turn import Entry, Turn

__all__ = ["accepted_at_once", "accepted_in_turn", "solve_turn"]

Cycles = NDArray[np.int64]


def accepted_at_once(source: OpenCycles, accepted: int, fresh: bool, rows: Rows) -> Cycles:
    """Return the cycle in which each beat would be accepted if ready were always 1.

    ``accepted``: acceptance of the beat before; ``fresh``: there was none since the reset.
    """
    count = int(rows.beats.sum())
    order = np.arange(count, dtype=np.int64)
    earliest = np.full(count, accepted + 1, np.int64)
    if rows.offered is not None:
        np.maximum(earliest, rows.times(), out=earliest)
    if source is ALWAYS:
        return chained(earliest, order)
    ranks = source.rank(earliest)
    offer = 0 if rows.offered is None else int(rows.offered[0])
    early = fresh and source.following(offer) < FIRST_CYCLE
    if early:
        # The first beat is offered before ready can be 1, and stays: its cycle need not be an open one.
        ranks[0] = source.rank(np.array([FIRST_CYCLE + 1]))[0] - 1
    cycles = source.select(chained(ranks, order))
    if early:
        cycles[0] = FIRST_CYCLE
    return cycles


def accepted_in_turn(source: OpenCycles, accepted: int, fresh: bool, rows: Rows, entry: Entry) -> Cycles:
    """Return the cycle in which each beat is accepted by ``entry``; the others as of `accepted_at_once`."""
    following = None if source is ALWAYS else source.following
    times = [0] * int(rows.bounds[-1]) if rows.offered is None else rows.times().tolist()
    cycles: list[int] = []
    for cycle in times:
        if cycle <= accepted and not fresh:
            cycle = accepted + 1
        if following is not None:
            cycle = following(cycle)
        if fresh:  # it may have been offered before ready could be 1
            cycle, fresh = max(cycle, accepted + 1), False
        accepted = entry.ready_from(cycle)
        entry.accept(accepted)
        cycles.append(accepted)
    return np.array(cycles, np.int64)


def solve_turn(source: OpenCycles, accepted: int, fresh: bool, turn: Turn) -> CycleTrace:
    """Return the cycles of the rows of ``turn``, with ``source`` straight in front of it."""
    cycles = accepted_in_turn(source, accepted, fresh, turn.rows, turn)
    losses = turn.waits.losses(len(cycles))
    waited = losses.slots + losses.buffer + losses.beside
    losses += Losses(source=int(cycles[-1]) - accepted - len(cycles) - waited)
    trace = turn.finish(cycles)
    return replace(trace, losses=trace.losses + losses)
