"""What one run sends through a unit: rows or raw beats, stalls, parameter loads and a reset."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats.element_bytes import bytes_element

from .beats import Beats, Rows, encode_rows
from .stalls import NO_STALL, Stall


@dataclass(frozen=True, eq=False)
class ParameterLoad:
    """γ and β loaded over the parameter stream between two rows (``storage = "ram"``).

    The load is offered once row ``after_row`` has been accepted (-1: before any row), and the next row once
    the load's first beat has been accepted, so that the unit itself has to keep the next row waiting until
    the load is done.

    Attributes
    ----------
    after_row : int
        Index of the row before it.
    gamma, beta : int64 (n,)
        Stored integers of the first n elements; n is ``max_length`` or a multiple of ``lanes``, because the stream has
        no ``tkeep``.
    bank : int
    """

    after_row: int
    gamma: NDArray[np.integer]
    beta: NDArray[np.integer]
    bank: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Traffic:
    """What one run sends; whatever engine runs it, the unit sees the same cycles.

    Parameters
    ----------
    rows : sequence of integer arrays (n,), or integers (rows, n), optional
        Elements in the input format. Rows longer than ``max_length`` are allowed: the unit has to cut them.
    lengths : integers (rows,), optional
        How many elements of each row count, where ``rows`` is one array; all n where absent.
    banks : integers (rows,), optional
        Bank of each row; 0 where absent.
    beats : Beats, optional
        In place of ``rows``: raw input beats, which may break every rule.
    source, sink : Stall
        When a new beat may be offered, on the input and on the parameter stream, and when an output beat is
        taken.
    seed : int
        Seed of the random stall patterns.
    loads : sequence of ParameterLoad
        In the order of their ``after_row``; several after the same row follow each other.
    reset_at : int, optional
        Cycle in which ``aresetn`` goes low. A row or load of which a beat had been accepted is then
        abandoned; the source goes on with the next one.
    reset_cycles : int
        Cycles for which it stays low, at least 2: it is registered once.

    Raises
    ------
    ValueError
        If not exactly one of ``rows`` and ``beats`` is given, or a shape or type is wrong, or a reset too short.
    """

    rows: Sequence[ArrayLike] | NDArray[np.integer] | None = None
    lengths: ArrayLike | None = None
    banks: ArrayLike | None = None
    beats: Beats | None = None
    source: Stall = NO_STALL
    sink: Stall = NO_STALL
    seed: int = 0
    loads: Sequence[ParameterLoad] = ()
    reset_at: int | None = None
    reset_cycles: int = 4

    def __post_init__(self) -> None:
        if (self.rows is None) == (self.beats is None):
            raise ValueError("either rows or beats must be given")
        if self.beats is not None and not (self.lengths is None and self.banks is None):
            raise ValueError("lengths and banks go with rows, not with beats")
        if self.reset_cycles < 2:
            raise ValueError(f"reset_cycles = {self.reset_cycles}: must be at least 2")
        if self.rows is None:
            return
        values, lengths = _matrix(self.rows, self.lengths)
        banks = np.zeros(len(values), np.int64) if self.banks is None else np.asarray(self.banks)
        if banks.shape != lengths.shape or (banks.dtype.kind not in "iu" and len(banks)):
            raise ValueError(f"banks must be integers of shape ({len(values)},), one for each row")
        for name, value in (("rows", values), ("lengths", lengths), ("banks", banks.astype(np.int64))):
            object.__setattr__(self, name, value)

    def encode(self, config: NormConfig) -> Beats:
        """Return the input beats.

        Raises
        ------
        ValueError
            If an element or bank is outside what the configuration allows, or raw beats have another width.
        """
        width = config.lanes * config.input.bytes
        if self.beats is not None:
            if self.beats.data.shape[1] != width:
                raise ValueError(f"raw beats have {self.beats.data.shape[1]} bytes; the unit's have {width}")
            return self.beats
        values, lengths, banks = self._rows()
        outside = (values < config.input.min) | (values > config.input.max)
        outside &= np.arange(values.shape[1]) < lengths[:, None]
        if outside.any():
            row, lane = (int(index) for index in np.argwhere(outside)[0])
            raise ValueError(
                f"row {row} element {lane} is {values[row, lane]}: must be from {config.input.min} to "
                f"{config.input.max} ({config.input.name})"
            )
        bad_bank = (banks < 0) | (banks >= config.banks)
        if bad_bank.any():
            row = int(np.argmax(bad_bank))
            raise ValueError(f"row {row} names bank {banks[row]}: must be from 0 to {config.banks - 1}")
        return encode_rows(config, values, lengths, banks)

    def received(self, config: NormConfig) -> Rows:
        """Return the rows as the unit must see them: cut at ``max_length``, ``tkeep`` made regular.

        ``errors`` says which rows must come out with their error flag set. A raw row without ``tlast`` that
        is not longer than ``max_length`` is never finished and not among them.
        """
        if self.beats is not None:
            return received_rows(config, self.beats)
        values, lengths, banks = self._rows()
        valid = np.arange(values.shape[1]) < lengths[:, None]
        return Rows(
            np.where(valid, values, 0)[:, : config.max_length].astype(np.int64),
            np.minimum(lengths, config.max_length),
            banks,
            lengths > config.max_length,
        )

    def _rows(self) -> tuple[NDArray[np.integer], NDArray[np.int64], NDArray[np.int64]]:
        """The three arrays that __post_init__ has made of rows, lengths and banks."""
        return np.asarray(self.rows), np.asarray(self.lengths), np.asarray(self.banks)


def received_rows(config: NormConfig, beats: Beats) -> Rows:
    """Return what the contract says a unit sees of raw beats; see `Traffic.received`."""
    lanes, byte_count = config.lanes, config.input.bytes
    starts, ends = row_bounds(beats.last)
    kept = beats.keep[:, ::byte_count]  # the lowest byte's bit stands for the element
    first_lane = np.arange(lanes) == 0  # counts as kept whatever its bit
    leading = np.logical_and.accumulate(kept | first_lane, axis=1).sum(axis=1)
    counts = np.where(beats.last, leading, lanes)
    regular = (kept == (np.arange(lanes) < counts[:, None])).all(axis=1)
    values = bytes_element(beats.data.reshape(len(beats), lanes, byte_count), signed=False)
    modulus = 1 << config.input.bits  # bits of the last byte beyond the format are not looked at
    values %= modulus
    if config.input.signed:
        values = np.where(values > config.input.max, values - modulus, values)
    rows: list[NDArray[np.int64]] = []
    banks: list[int] = []
    errors: list[bool] = []
    for start, end in zip(starts, ends, strict=True):
        elements = values[start:end].ravel()[: (end - start - 1) * lanes + counts[end - 1]]
        if not beats.last[end - 1] and end - start < config.max_beats:
            continue  # the stream stops within this row
        rows.append(elements[: config.max_length])
        banks.append(int(beats.user[start]))
        unended = not beats.last[end - 1]
        errors.append(unended or len(elements) > config.max_length or not regular[start:end].all())
    matrix, lengths = _matrix(rows, None)
    return Rows(matrix.astype(np.int64), lengths, np.array(banks, np.int64), np.array(errors, np.bool_))


def row_bounds(last: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first beat of each row and the one after its last; the final row may lack its last beat."""
    ends = np.flatnonzero(last) + 1
    if len(last) and not last[-1]:
        ends = np.append(ends, len(last))
    return np.concatenate([[0], ends[:-1]])[: len(ends)].astype(np.int64), ends.astype(np.int64)


def _matrix(
    rows: Sequence[ArrayLike] | NDArray[np.integer], lengths: ArrayLike | None
) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
    """Lay rows side by side and check shapes and types."""
    if isinstance(rows, np.ndarray):
        if rows.ndim != 2 or rows.dtype.kind not in "iu" or rows.shape[1] < 1:
            raise ValueError(
                f"rows are {rows.dtype} of shape {rows.shape}: must be integers (rows, n), n at least 1"
            )
        counts = np.full(len(rows), rows.shape[1]) if lengths is None else np.asarray(lengths)
        if counts.shape != (len(rows),) or (counts.dtype.kind not in "iu" and len(rows)):
            raise ValueError(f"lengths must be integers of shape ({len(rows)},), one for each row")
        if ((counts < 1) | (counts > rows.shape[1])).any():
            raise ValueError(f"lengths must be from 1 to {rows.shape[1]}")
        return rows, counts.astype(np.int64)
    if lengths is not None:
        raise ValueError("lengths only go with rows given as one array")
    arrays = [np.asarray(row) for row in rows]
    for index, array in enumerate(arrays):
        if array.ndim != 1 or not len(array) or array.dtype.kind not in "iu":
            raise ValueError(
                f"row {index} is {array.dtype} of shape {array.shape}: must be integers (n,), n at least 1"
            )
    counts = np.array([len(array) for array in arrays], np.int64)
    matrix = np.zeros((len(arrays), int(counts.max(initial=1))), np.int64)
    for target, array in zip(matrix, arrays, strict=True):
        target[: len(array)] = array
    return matrix, counts
