"""Queues as maxima: each begins when it can, but not before the one ahead of it is through."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["chain", "chained", "contiguous", "exclusive_sum"]

Cycles = NDArray[np.int64]


def chain(earliest: Cycles, lengths: Cycles | int) -> Cycles:
    """Return ``x[i] = max(earliest[i], x[i - 1] + lengths[i - 1])``."""
    if isinstance(lengths, int):
        offsets = np.arange(len(earliest), dtype=np.int64)
        if lengths != 1:
            offsets *= lengths
    else:
        offsets = exclusive_sum(lengths)
    return chained(earliest, offsets)


def chained(earliest: Cycles, offsets: Cycles) -> Cycles:
    """The same, ``offsets[i]`` being the sum of all lengths before i."""
    slack = earliest - offsets
    np.maximum.accumulate(slack, out=slack)
    slack += offsets
    return slack


def exclusive_sum(lengths: Cycles) -> Cycles:
    """Return the sums of all elements before each."""
    return np.cumsum(lengths) - lengths


def contiguous(starts: Cycles, counts: Cycles) -> Cycles:
    """Return ``counts[i]`` cycles in a row from ``starts[i]`` on, one run after the other."""
    return np.repeat(starts - exclusive_sum(counts), counts) + np.arange(int(counts.sum()), dtype=np.int64)
