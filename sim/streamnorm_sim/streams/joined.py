"""What a unit makes of streams of rows that go in side by side and may disagree; raw beats, as they are accepted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import streams_of

from .beats import Beats

__all__ = [
    "JoinedRows", "followed", "followers_of", "joined", "joined_rows", "per_row_of", "row_bounds", "rows_of",
]  # fmt: skip


@dataclass(frozen=True)
class JoinedRows:
    """Rows of streams side by side.

    Attributes
    ----------
    starts : int64 (rows,), first beat of each row on the unit's stream
    starts_beside : the same on the others, by their names
    counts : int64 (rows,), beats that each row has: those of the stream on which it is shortest, of the streams that
        neither follow nor have one beat a row
    ended : bool (rows,), whether the last of these ends the row
    """

    starts: NDArray[np.int64]
    starts_beside: Mapping[str, NDArray[np.int64]]
    counts: NDArray[np.int64]
    ended: NDArray[np.bool_]


def joined_rows(
    last: NDArray[np.bool_],
    others: Mapping[str, NDArray[np.bool_]],
    followers: Collection[str] = (),
    per_row: Collection[str] = (),
) -> JoinedRows:
    """Return the rows of streams whose beats have these ``last``, the others by their names.

    A row ends with the first beat in which one of the streams has ``last``; each of the others goes on to the beat
    after its own next one. ``followers`` end no row; the streams ``per_row`` have one beat of each row, whatever its
    ``last``. Rows that a stream does not begin are not counted.
    """
    streams = {"": last, **others}
    bounds = {name: _beats_alone(len(of)) if name in per_row else row_bounds(of) for name, of in streams.items()}
    count = min(len(starts) for starts, _ in bounds.values())
    joining = [name for name in streams if name not in followers and name not in per_row]
    lengths = np.array([ends[:count] - starts[:count] for starts, ends in (bounds[name] for name in joining)])
    counts = lengths.min(axis=0)
    ended = np.zeros(count, np.bool_)
    for name in joining:
        ended |= streams[name][bounds[name][0][:count] + counts - 1] if count else ended
    starts = {name: starts[:count] for name, (starts, _) in bounds.items()}
    return JoinedRows(starts.pop(""), starts, counts, ended)


def _beats_alone(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As `row_bounds`, each beat a row."""
    return np.arange(count), np.arange(1, count + 1)


def rows_of(config: NormConfig, beats: Beats, beside: Mapping[str, Beats]) -> JoinedRows:
    """The same of a unit's beats."""
    lasts = {name: of.last for name, of in beside.items()}
    return joined_rows(beats.last, lasts, followers_of(config), per_row_of(config))


def followers_of(config: NormConfig) -> set[str]:
    """Names of the streams that follow the rows; see `streamnorm.spec.fusions.side_stream.SideStream`."""
    return {name for name, sides in streams_of(config.side_inputs).items() if any(side.follows for side in sides)}


def per_row_of(config: NormConfig) -> set[str]:
    """Names of the streams that have one beat of each row."""
    return {side.stream for side in config.side_inputs if side.per_row}


def row_bounds(last: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first beat of each row and the one after its last; the final row may lack its last beat."""
    ends = np.flatnonzero(last) + 1
    if len(last) and not last[-1]:
        ends = np.append(ends, len(last))
    return np.concatenate([[0], ends[:-1]])[: len(ends)].astype(np.int64), ends.astype(np.int64)


def joined(
    beats: Beats,
    others: Mapping[str, Beats],
    lanes: int,
    followers: Collection[str] = (),
    per_row: Collection[str] = (),
) -> tuple[Beats, dict[str, Beats]]:
    """Return the beats as the unit counts them: of each row as many on all streams but ``followers``, with one keep and
    one last, and one of the streams ``per_row``; without the rows that a stream does not begin.

    Where streams disagree in a beat's keep or last, the lowest lane's keep is 0, which marks the row as malformed.
    """
    if not others:
        return beats, {}
    rows = joined_rows(beats.last, {name: of.last for name, of in others.items()}, followers, per_row)
    alone = {name: others[name][: len(rows.starts)] for name in per_row}
    others = {name: of for name, of in others.items() if name not in per_row}
    own = _chosen(beats, rows.starts, rows.counts)
    sides = {
        name: _chosen(of, rows.starts_beside[name], rows.counts) for name, of in others.items() if name not in followers
    }
    everything = [own, *sides.values()]
    keeps = np.array([of.keep.reshape(len(of), lanes, -1)[..., 0] for of in everything])
    lasts = np.array([of.last for of in everything])
    keep, last = np.asarray(keeps.all(axis=0)), np.asarray(lasts.any(axis=0))
    keep[:, 0] &= (keeps == keeps[0]).all(axis=(0, 2)) & (lasts == lasts[0]).all(axis=0)

    def of_row(of: Beats) -> Beats:
        return replace(of, keep=np.repeat(keep, of.keep.shape[1] // lanes, axis=1), last=last)

    return of_row(own), {name: of_row(of) for name, of in sides.items()} | alone


def followed(beats: Beats, kept: NDArray[np.bool_], of: Beats) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """What a stream that follows has for the beats of rows.

    Parameters
    ----------
    beats : of the rows, as :func:`joined` has them
    kept : bool (beats, lanes), which lanes of them hold an element
    of : the beats of the stream, of as many rows at least

    Returns
    -------
    int64 (beats,), the one of ``of`` that each beat takes: those of its row in their order, and the last one of these
    again and again; and bool (beats,), whether it has another last or keep
    """
    starts, ends = row_bounds(beats.last)
    others, other_ends = (bounds[: len(starts)] for bounds in row_bounds(of.last))
    counts = ends - starts
    places = np.arange(len(beats)) - np.repeat(starts, counts) + np.repeat(others, counts)
    again = places >= np.repeat(other_ends, counts)
    places = np.minimum(places, np.repeat(other_ends - 1, counts))
    lanes = kept.shape[1]
    differs = (of.keep[places].reshape(len(beats), lanes, -1)[..., 0] != kept).any(axis=1)
    return places, differs | again | (of.last[places] != beats.last)


def _chosen(beats: Beats, starts: NDArray[np.int64], counts: NDArray[np.int64]) -> Beats:
    """The first so many beats of each row."""
    places = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    return Beats(beats.data[places], beats.keep[places], beats.last[places], beats.user[places])
