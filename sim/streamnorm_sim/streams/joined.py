"""What a unit makes of streams of rows that go in side by side and may disagree; raw beats, as they are accepted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .beats import Beats

__all__ = ["JoinedRows", "joined", "joined_rows", "row_bounds"]


@dataclass(frozen=True)
class JoinedRows:
    """Rows of streams side by side.

    Attributes
    ----------
    starts : int64 (rows,), first beat of each row on the unit's stream
    starts_beside : the same on the others, by their names
    counts : int64 (rows,), beats that each row has: those of the stream on which it is shortest, those with one beat a
        row left out
    ended : bool (rows,), whether the last of these ends the row
    """

    starts: NDArray[np.int64]
    starts_beside: Mapping[str, NDArray[np.int64]]
    counts: NDArray[np.int64]
    ended: NDArray[np.bool_]


def joined_rows(
    last: NDArray[np.bool_], others: Mapping[str, NDArray[np.bool_]], per_row: Collection[str] = ()
) -> JoinedRows:
    """Return the rows of streams whose beats have these ``last``.

    A row ends with the first beat in which one of the streams has ``last``; each of the others goes on to the beat
    after its own next one. Rows that a stream does not begin are not counted. The streams ``per_row`` have one beat of
    each row, whatever its ``last``.
    """
    streams = [last, *(of for name, of in others.items() if name not in per_row)]
    bounds = [row_bounds(of) for of in streams]
    count = min(*(len(starts) for starts, _ in bounds), *(len(others[name]) for name in per_row), len(last))
    starts = [starts[:count] for starts, _ in bounds]
    lengths = np.array([ends[:count] - begins for (_, ends), begins in zip(bounds, starts, strict=True)])
    counts = lengths.min(axis=0)
    ended = np.zeros(count, np.bool_)
    for of, begins in zip(streams, starts, strict=True):
        ended |= of[begins + counts - 1] if count else ended
    of_rows = iter(starts[1:])
    beside = {name: np.arange(count) if name in per_row else next(of_rows) for name in others}
    return JoinedRows(starts[0], beside, counts, ended)


def row_bounds(last: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first beat of each row and the one after its last; the final row may lack its last beat."""
    ends = np.flatnonzero(last) + 1
    if len(last) and not last[-1]:
        ends = np.append(ends, len(last))
    return np.concatenate([[0], ends[:-1]])[: len(ends)].astype(np.int64), ends.astype(np.int64)


def joined(
    beats: Beats, others: Mapping[str, Beats], lanes: int, per_row: Collection[str] = ()
) -> tuple[Beats, dict[str, Beats]]:
    """Return the beats as the unit counts them: of each row as many on all streams, with one keep and one last; of the
    streams ``per_row``, one.

    Where streams disagree in a beat's keep or last, the lowest lane's keep is 0, which marks the row as malformed.
    """
    if not others:
        return beats, {}
    rows = joined_rows(beats.last, {name: of.last for name, of in others.items()}, per_row)
    alone = {name: others[name][: len(rows.starts)] for name in per_row}
    others = {name: of for name, of in others.items() if name not in per_row}
    own = _chosen(beats, rows.starts, rows.counts)
    sides = {name: _chosen(of, rows.starts_beside[name], rows.counts) for name, of in others.items()}
    everything = [own, *sides.values()]
    keeps = np.array([of.keep.reshape(len(of), lanes, -1)[..., 0] for of in everything])
    lasts = np.array([of.last for of in everything])
    keep, last = np.asarray(keeps.all(axis=0)), np.asarray(lasts.any(axis=0))
    keep[:, 0] &= (keeps == keeps[0]).all(axis=(0, 2)) & (lasts == lasts[0]).all(axis=0)

    def of_row(of: Beats) -> Beats:
        return replace(of, keep=np.repeat(keep, of.keep.shape[1] // lanes, axis=1), last=last)

    return of_row(own), {name: of_row(of) for name, of in sides.items()} | alone


def _chosen(beats: Beats, starts: NDArray[np.int64], counts: NDArray[np.int64]) -> Beats:
    """The first so many beats of each row."""
    places = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    return Beats(beats.data[places], beats.keep[places], beats.last[places], beats.user[places])
