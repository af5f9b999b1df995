"""The rows of a run: how many beats each has, and when its source offers them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import INTEGERS, ArrayOrFile, as_array, given_array, require_array, require_within
from streamnorm.spec.config import NormConfig
from streamnorm.spec.paths import named_file

from .open_cycles import CYCLES_MAX

__all__ = ["Rows", "checked_lengths", "checked_times"]

Cycles = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rows:
    """Consecutive rows.

    Attributes
    ----------
    beats, taken : int64 (rows,)
        Beats that are sent, and those of them that are not swallowed.
    offered : int64 (rows,) or (beats,), or None
        Cycle from which the source has each row's first beat, the others following at once, or each beat; None: always.
    by_beat : bool
        Which of the two.
    """

    beats: Cycles
    taken: Cycles
    offered: Cycles | None
    by_beat: bool

    def __len__(self) -> int:
        return len(self.beats)

    @property
    def cut(self) -> bool:
        """Whether any row has beats that are swallowed."""
        return self.taken is not self.beats

    @cached_property
    def bounds(self) -> Cycles:
        """Number of each row's first beat, and that of all beats, (rows + 1,)."""
        return np.concatenate([[0], np.cumsum(self.beats)])

    @property
    def kept(self) -> NDArray[np.bool_] | None:
        """Which beats are not swallowed, (beats,); None: all."""
        if not self.cut:
            return None
        bounds = self.bounds
        place = np.arange(bounds[-1]) - np.repeat(bounds[:-1], self.beats)
        return place < np.repeat(self.taken, self.beats)

    def times(self) -> Cycles:
        """Return the cycle from which each beat is offered, (beats,); ``offered`` must not be None."""
        assert self.offered is not None
        return self.offered if self.by_beat else np.repeat(self.offered, self.beats)

    def end_of(self, start: int, beats: int) -> int:
        """Return the row before which the rows of at most so many beats end, from ``start`` on; at least one row."""
        bounds = self.bounds
        return max(start + 1, int(bounds.searchsorted(bounds[start] + beats, side="right")) - 1)

    def part(self, start: int, stop: int) -> Rows:
        """Return rows ``start`` to before ``stop``."""
        offered = self.offered
        if offered is not None:
            bounds = self.bounds
            offered = offered[bounds[start] : bounds[stop]] if self.by_beat else offered[start:stop]
        beats = self.beats[start:stop]
        return Rows(beats, self.taken[start:stop] if self.cut else beats, offered, self.by_beat)


def checked_lengths(config: NormConfig, lengths: ArrayOrFile, cut: bool) -> tuple[Cycles, Cycles]:
    """Return each row's beats, and those that are not swallowed (the same array if all); lengths count elements.

    Raises
    ------
    ConfigError
        If lengths are no integers (rows,), below 1, or above ``max_length`` and ``cut`` is false; or in all above
        `CYCLES_MAX`.
    """
    given, path = given_array(lengths, "lengths")
    with named_file(path):
        require_array("lengths are", given, INTEGERS, given.ndim == 1, "integers (rows,)")
        most, note = (CYCLES_MAX, " (2**53)") if cut else (config.max_length, " (max_length)")
        require_within("lengths", given, 1, most, note)
        if given.sum(dtype=np.float64) > CYCLES_MAX:
            raise ConfigError(f"lengths are of more than {CYCLES_MAX} (2**53) elements in all")
    elements = given.astype(np.int64)
    highest = int(elements.max(initial=1))
    beats = (elements + (config.lanes - 1)) // config.lanes
    return beats, np.minimum(beats, config.max_beats) if highest > config.max_length else beats


def checked_times(offered: ArrayLike | None, rows: int, beats: int, since: int) -> tuple[Cycles | None, bool]:
    """Return the times, and whether they are of beats rather than of rows; ``since`` is the latest time before them.

    Raises
    ------
    ConfigError
        If there are not as many as rows or beats, or one is below 0, above `CYCLES_MAX`, or earlier than the one before
        it.
    """
    if offered is None:
        return None, False
    given = as_array(offered, "offered")
    fits = given.shape in ((rows,), (beats,))
    require_array("offered is", given, INTEGERS, fits, f"integers, one for each of {rows} rows or of {beats} beats")
    require_within("offered", given, 0, CYCLES_MAX, " (2**53)")
    times = given.astype(np.int64)
    early = np.flatnonzero(np.diff(times, prepend=since) < 0)
    if len(early):
        index = int(early[0])
        before = since if index == 0 else int(times[index - 1])
        kind = "beat" if len(given) != rows else "row"
        raise ConfigError(
            f"{kind} {index} is offered in cycle {times[index]}: must be not before cycle {before} of the {kind} ahead "
            "of it"
        )
    return times, len(given) != rows
