"""In which cycles a source may offer a beat or a sink takes one, as something that can be counted."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import INTEGERS, as_array, require_within

__all__ = ["ALWAYS", "CYCLES_MAX", "OpenCycles", "open_cycles"]

CYCLES_MAX = 1 << 53
"""The last cycle that may be named, and the most elements of a run: 64 bits are enough for what comes of them."""

Cycles = NDArray[np.int64]


@runtime_checkable
class OpenCycles(Protocol):
    """A set of cycles without end. In numbers of open cycles, a wait for the next one is a maximum like any other."""

    def rank(self, cycles: Cycles) -> Cycles:
        """Return how many open cycles there are before each of these cycles (0 or later)."""
        ...

    def select(self, ranks: Cycles) -> Cycles:
        """Return the open cycle that has so many before it."""
        ...

    def following(self, cycle: int) -> int:
        """Return the first open cycle from ``cycle`` on."""
        ...


class Always:
    """Open in every cycle."""

    def rank(self, cycles: Cycles) -> Cycles:
        return cycles

    def select(self, ranks: Cycles) -> Cycles:
        return ranks

    def following(self, cycle: int) -> int:
        return cycle


ALWAYS = Always()
"""Open in every cycle."""


class Repeated:
    """Cycle ``t`` is open where element ``t`` modulo its length is true."""

    def __init__(self, pattern: NDArray[np.bool_]) -> None:
        self._open = np.flatnonzero(pattern).astype(np.int64)
        self._before = np.cumsum(pattern) - pattern
        period = np.arange(len(pattern))
        waits = self._open[self._before % len(self._open)] - period
        self._waits: list[int] = np.where(waits < 0, waits + len(pattern), waits).tolist()

    def rank(self, cycles: Cycles) -> Cycles:
        turns, phases = np.divmod(cycles, len(self._before))
        return turns * len(self._open) + self._before[phases]

    def select(self, ranks: Cycles) -> Cycles:
        turns, places = np.divmod(ranks, len(self._open))
        return turns * len(self._before) + self._open[places]

    def following(self, cycle: int) -> int:
        return cycle + self._waits[cycle % len(self._waits)]


class Closed:
    """Open but for the cycles from ``starts`` to before ``stops``: in order, with open cycles between them."""

    def __init__(self, starts: Cycles, stops: Cycles) -> None:
        self._starts, self._stops = starts, stops
        self._closed = np.concatenate([[0], np.cumsum(stops - starts)])
        self._start_ranks = starts - self._closed[:-1]
        self._last_stops = np.concatenate([[0], stops])

    def rank(self, cycles: Cycles) -> Cycles:
        begun = np.searchsorted(self._starts, cycles)
        return cycles - self._closed[begun] + np.maximum(self._last_stops[begun] - cycles, 0)

    def select(self, ranks: Cycles) -> Cycles:
        return ranks + self._closed[np.searchsorted(self._start_ranks, ranks, side="right")]

    def following(self, cycle: int) -> int:
        begun = int(np.searchsorted(self._starts, cycle, side="right"))
        return max(cycle, int(self._last_stops[begun]))


def open_cycles(name: str, cycles: OpenCycles | ArrayLike | None) -> OpenCycles:
    """Return the open cycles that a caller's value stands for.

    Parameters
    ----------
    name : str
        What messages call it.
    cycles : None, array or OpenCycles
        None: always open. Booleans or 0 and 1, (cycles,): cycle t is open where element t modulo the length is true.
        Integers (intervals, 2): closed from the first to before the second of each pair, else open.

    Raises
    ------
    ConfigError
        If it is none of these, never open, or an interval is empty, negative, above `CYCLES_MAX`, or begins before the
        end of the last.
    """
    if cycles is None:
        return ALWAYS
    if isinstance(cycles, OpenCycles):
        return cycles
    if not isinstance(cycles, np.ndarray | list | tuple):
        raise ConfigError(f"{name} is {type(cycles).__name__}: must be None, booleans, or pairs of cycles")
    array = as_array(cycles, name)
    if array.ndim == 2 and array.shape[1] == 2 and array.dtype.kind in INTEGERS:
        require_within(name, array, 0, CYCLES_MAX, " (2**53)")
        return _closed(name, array.astype(np.int64))
    if array.ndim != 1 or array.dtype.kind not in "biu" or not np.isin(array, (0, 1)).all():
        raise ConfigError(
            f"{name} is {array.dtype} of shape {array.shape}: must be booleans (cycles,) or integers (intervals, 2)"
        )
    if not array.any():
        raise ConfigError(f"{name} is never open: at least one cycle of the pattern must be true")
    return Repeated(array.astype(np.bool_)) if not array.all() else ALWAYS


def _closed(name: str, intervals: NDArray[np.int64]) -> OpenCycles:
    starts, stops = intervals[:, 0], intervals[:, 1]
    bad = stops <= starts
    bad[1:] |= starts[1:] < stops[:-1]
    if bad.any():
        index = int(np.argmax(bad))
        raise ConfigError(
            f"{name} interval {index} is from {starts[index]} to before {stops[index]}: must not be empty, "
            "nor begin before the end of the interval ahead of it"
        )
    if not len(starts):
        return ALWAYS
    joined = starts[1:] == stops[:-1]  # no open cycle between the two
    return Closed(starts[np.concatenate([[True], ~joined])], stops[np.concatenate([~joined, [True]])])
