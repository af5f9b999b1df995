"""Beats as they travel on an AXI4-Stream, as arrays of bytes, and their way to and from rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import CheckFailed
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import NumberFormat
from streamnorm.spec.formats.element_bytes import bytes_element, element_bytes
from streamnorm.spec.fusions import SideStream
from streamnorm.spec.parameter_lane import LanePart, parameter_lane
from streamnorm.spec.row_flags import of_user

from .rows import RowBatch, fitted

_Byte = TypeVar("_Byte", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Beats:
    """Consecutive beats of one stream.

    Attributes
    ----------
    data : uint8 (beats, bytes)
        ``tdata``, low byte first.
    keep : bool (beats, bytes)
        ``tkeep``, one bit a byte.
    last : bool (beats,)
        ``tlast``.
    user : integers (beats,)
        ``tuser``: the bank on input and on the parameter stream; on output the error flag, bit 0, and the flags of a
        row of floating-point numbers above it, see `streamnorm.spec.row_flags`.
    """

    data: NDArray[np.uint8]
    keep: NDArray[np.bool_]
    last: NDArray[np.bool_]
    user: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.last)

    def __repr__(self) -> str:
        return f"<Beats: {len(self)} of {self.data.shape[1]} bytes>"

    def __getitem__(self, which: slice) -> "Beats":
        return Beats(self.data[which], self.keep[which], self.last[which], self.user[which])

    @classmethod
    def empty(cls, byte_count: int) -> "Beats":
        """Return no beats of ``byte_count`` bytes each."""
        return cls(
            np.zeros((0, byte_count), np.uint8),
            np.zeros((0, byte_count), np.bool_),
            np.zeros(0, np.bool_),
            np.zeros(0, np.uint16),
        )

    @classmethod
    def join(cls, parts: Sequence["Beats"]) -> "Beats":
        """Return the beats of at least one part, one after the other."""
        return cls(
            np.concatenate([part.data for part in parts]),
            np.concatenate([part.keep for part in parts]),
            np.concatenate([part.last for part in parts]),
            np.concatenate([part.user for part in parts]),
        )


def encode_rows(config: NormConfig, batch: RowBatch) -> Beats:
    """Return well-formed beats of rows: ``lanes`` elements each, lane 0 low, unused bytes 0.

    Elements must be within the input format; rows may be longer than ``max_length``.
    """
    beats = _encoded(batch.x, batch, config.lanes, config.input)
    return replace(beats, user=np.repeat(batch.banks, _row_beats(batch, config.lanes)).astype(np.uint16))


def encode_side(config: NormConfig, sides: Sequence[SideStream], batch: RowBatch) -> Beats:
    """Return the beats of a stream beside, which carries one or more of what ``batch`` has beside; as `encode_rows`,
    ``user`` is 0."""
    parts = [_encoded_side(config, side, batch) for side in sides]
    lanes = sides[0].lanes(config.lanes)
    return replace(
        parts[0],
        data=_side_by_side([part.data for part in parts], lanes),
        keep=_side_by_side([part.keep for part in parts], lanes),
    )


def _encoded_side(config: NormConfig, side: SideStream, batch: RowBatch) -> Beats:
    x = batch.beside[side.name]
    rows = RowBatch.arrange(x) if side.per_row else batch
    return _encoded(x, rows, side.lanes(config.lanes), side.number)


def _side_by_side(parts: Sequence[NDArray[_Byte]], lanes: int) -> NDArray[_Byte]:
    """Bytes of beats, or their bits of keep, lane by lane one part behind the other."""
    return np.concatenate([part.reshape(len(part), lanes, -1) for part in parts], axis=2).reshape(len(parts[0]), -1)


def _row_beats(batch: RowBatch, lanes: int) -> NDArray[np.int64]:
    return -(-batch.lengths // lanes)


def _encoded(x: NDArray[np.integer], batch: RowBatch, lanes: int, number: NumberFormat) -> Beats:
    rows, columns = x.shape
    row_beats, byte_count = _row_beats(batch, lanes), number.bytes
    most = -(-columns // lanes)
    valid = fitted(batch.valid, most * lanes)
    padded = fitted(np.where(batch.valid, x, 0), most * lanes)
    sent = np.arange(most) < row_beats[:, None]
    data = element_bytes(padded, byte_count).reshape(rows, most, lanes * byte_count)[sent]
    keep = np.repeat(valid.reshape(rows, most, lanes)[sent], byte_count, axis=1)
    last = (np.arange(most) == row_beats[:, None] - 1)[sent]
    return Beats(data, keep, last, np.zeros(len(last), np.uint16))


def encode_load(config: NormConfig, values: Mapping[str, NDArray[np.integer]], bank: int) -> Beats:
    """Return the parameter stream's beats that load stored ``values``, (n,) of each part of a lane by its name, into a
    bank."""
    lanes = config.load_lanes
    beats = -(-len(values["gamma"]) // lanes)

    def lane_bytes(part: LanePart) -> NDArray[np.uint8]:
        padded = np.zeros(beats * lanes, np.int64)
        padded[: len(values[part.name])] = values[part.name]
        return element_bytes(padded, part.bytes).reshape(beats, lanes, -1)

    data = np.concatenate([lane_bytes(part) for part in parameter_lane(config)], axis=2).reshape(beats, -1)
    last = np.arange(beats) == beats - 1
    return Beats(data, np.ones(data.shape, np.bool_), last, np.full(beats, bank, np.uint16))


def decode_rows(config: NormConfig, beats: Beats, *, cut_short: bool = False) -> RowBatch:
    """Return the rows that came out, after checking that the stream is well formed.

    Parameters
    ----------
    cut_short : bool
        Whether the stream may end within a row (a reset came); that row is then dropped.

    Raises
    ------
    CheckFailed
        If ``tkeep`` has holes, differs within an element or is not full before the last beat, if a byte that
        is not kept is not 0, if a value lies outside the output format, or if the stream ends within a row.
    """
    return _decoded(beats, config.lanes, config.output, "output", cut_short=cut_short)


def decode_side(config: NormConfig, side: SideStream, beats: Beats, *, cut_short: bool = False) -> RowBatch:
    """Return the rows that came out on a stream beside the results; as `decode_rows`. With one element of each row, a
    beat each, these are rows of one."""
    if side.per_row:
        _require(beats.last, side.name, "tlast is 0 in a beat of a row")
    return _decoded(beats, side.lanes(config.lanes), side.number, side.name, cut_short=cut_short)


def _decoded(beats: Beats, lanes: int, number: NumberFormat, about: str, *, cut_short: bool) -> RowBatch:
    complete = int(np.flatnonzero(beats.last)[-1]) + 1 if beats.last.any() else 0
    if complete < len(beats):
        if not cut_short:
            raise CheckFailed(f"{about} ends within a row: {len(beats) - complete} beats after the last tlast")
        beats = beats[slice(0, complete)]
    byte_count = number.bytes
    raw = beats.data.reshape(len(beats), lanes, byte_count)
    keep = beats.keep.reshape(len(beats), lanes, byte_count)
    lane_keep = keep[..., 0]
    counts = lane_keep.sum(axis=1)
    well_formed = (keep == (np.arange(lanes) < counts[:, None])[..., None]).all(axis=(1, 2))
    _require(well_formed & (counts > 0), about, "tkeep has holes or is empty")
    _require(beats.last | (counts == lanes), about, "tkeep is not full before the row's last beat")
    _require(~(raw.any(axis=2) & ~lane_keep).any(axis=1), about, "tdata is not 0 where tkeep is 0")
    values = bytes_element(raw, signed=number.signed)
    _require(
        ((values >= number.min) & (values <= number.max) | ~lane_keep).all(axis=1),
        about,
        f"element is not extended from {number.name}",
    )
    ends = np.flatnonzero(beats.last)
    row_beats = np.diff(ends, prepend=-1)
    lengths = (row_beats - 1) * lanes + counts[ends]
    padded = np.zeros((len(ends), int(row_beats.max(initial=0)), lanes), np.int64)
    padded[np.arange(padded.shape[1]) < row_beats[:, None]] = values
    columns = int(lengths.max(initial=0))
    error, flags = of_user(beats.user[ends])
    return RowBatch(
        padded.reshape(len(ends), padded.shape[1] * lanes)[:, :columns],
        lengths.astype(np.int64),
        np.zeros(len(ends), np.int64),
        error != 0,
        flags.astype(np.uint8),
    )


def _require(good: NDArray[np.bool_] | np.bool_, about: str, problem: str) -> None:
    if not good.all():
        raise CheckFailed(f"{about} {problem} ({about} beat {int(np.argmin(good))})")
