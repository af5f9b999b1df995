"""The input side beat by beat, as if ready were always 1."""

import numpy as np
from numpy.typing import NDArray

from .chains import chained
from .open_cycles import ALWAYS, OpenCycles
from .rows import Rows
from .timing import FIRST_CYCLE

__all__ = ["accepted_at_once"]

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
