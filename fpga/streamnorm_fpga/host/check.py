"""Rows through a board, every element and every beat's frame compared with what has to come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from streamnorm.errors import CheckFailed
from streamnorm.spec.formats.element_text import element_text
from streamnorm.verilog.vector_files import Vectors
from streamnorm_fpga.link.protocol import Status
from streamnorm_fpga.top.signature import all_signatures, rows_signature
from streamnorm_fpga.top.unit_streams import outputs_of

from .rows import REQUEST_OCTETS, RowGroup, group_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from streamnorm.spec.config import NormConfig
    from streamnorm_fpga.link.protocol import Record

    from .info import Info
    from .link import BoardLink
    from .messages import Response, Statistics

__all__ = ["Cycles", "RowsReport", "check_rows", "measure_cycles"]


_TOGETHER = 1 << 30  # octets: as many rows in a request as the memory holds

_ROUND = 1 << 16  # cycles that a board's counters hold


@dataclass(frozen=True)
class Cycles:
    """Cycles that a board counted, as in the plan."""

    L1: int
    L2: int
    L3: int
    SS: int


@dataclass(frozen=True, eq=False)
class RowsReport:
    """What came back for rows.

    Attributes
    ----------
    rows, elements, beats : int
        That were sent and answered.
    mismatches : int
        Elements that differ; where only the beats' frame differs (``tkeep``, ``tlast``, ``tuser``), or not as many
        rows came out, all elements of the request.
    first_mismatch : str or None
        The first, in words.
    values : int64 (rows, n)
        What came out; 0 beyond a row's length.
    beside : dict of str to the same
        Of each of the configuration's side outputs, by its name; (rows, 1) where a row has one element.
    link : Statistics
        Of these rows alone.
    record : Record
        The last one.
    """

    rows: int
    elements: int
    beats: int
    mismatches: int
    first_mismatch: str | None
    values: NDArray[np.int64]
    beside: dict[str, NDArray[np.int64]]
    link: Statistics
    record: Record


def check_rows(
    link: BoardLink,
    info: Info,
    config: NormConfig,
    vectors: Vectors,
    *,
    stalls: bool = False,
    request_octets: int = REQUEST_OCTETS,
    progress: Callable[[int, int], None] = lambda done, all_rows: None,
) -> RowsReport:
    """Send rows to a board and compare what comes back.

    A request whose answer is wrong is sent once more, and the message tells whether the answer was the same: a
    spoilt frame whose check sequence is right by chance (1 of 65536) does not come twice. Either way it counts.

    Parameters
    ----------
    stalls : bool
        Let source and sink of the unit stall at random.
    request_octets : int
        See `group_rows`.
    progress : function of two int, optional
        Told after each answer, and whenever a request is sent again, how many of how many rows are done.

    Raises
    ------
    ToolMissing
        If the board stops answering.
    CheckFailed
        If it does not understand a request.
    """
    before = link.statistics.copy()
    groups = group_rows(
        config,
        vectors.lengths,
        vectors.banks,
        memory_beats=info.memory_beats,
        stalls=stalls,
        request_octets=request_octets,
    )
    values = {name: np.zeros(want.shape, np.int64) for name, want in _wanted(config, vectors).items()}
    mismatches, first, done = 0, None, 0
    record = None

    requests = (group.request(config, vectors.input, vectors.beside) for group in groups)
    total = len(vectors.lengths)
    responses = link.exchange(requests, retried=lambda: progress(done, total))
    wrong = []
    for group, response in zip(groups, responses, strict=True):
        _understood(link, response)
        got = _elements(config, group, response)
        count, what = _difference(config, group, vectors, response, got)
        if got is not None:
            for stream in outputs_of(config):
                length = stream.length(group.length)
                for name in stream.names:
                    values[name][group.indices, :length] = got[name][:, :length]
        if count:
            mismatches += count
            first = first or what
            wrong.append((group, response))
        record = response.record
        done += len(group.indices)
        progress(done, total)
    if record is None:
        raise ValueError("there are no rows to send")
    if wrong:
        group, response = wrong[0]
        again = link.ask(group.request(config, vectors.input, vectors.beside))
        same = again.payload == response.payload and again.record.signature == response.record.signature
        first = f"{first}; sent once more, the answer {'is the same' if same else 'is another one'}"
        record = again.record
    return RowsReport(
        rows=total,
        elements=int(vectors.lengths.sum()),
        beats=sum(group.beats(config) for group in groups),
        mismatches=mismatches,
        first_mismatch=first,
        values=values.pop(""),
        beside=values,
        link=link.statistics.since(before),
        record=record,
    )


def measure_cycles(
    link: BoardLink, info: Info, config: NormConfig, vectors: Vectors
) -> tuple[Cycles, tuple[RowsReport, RowsReport]]:
    """Let the board count the cycles of rows: of the first one alone, then of the last of all others back to back.

    Parameters
    ----------
    vectors : Vectors
        At least 3 rows, all of one length, and of one bank or each of the bank whose turn it is; and no more than 1 +
        what the board's memory holds.

    Returns
    -------
    Cycles
        L1, L2 and L3 of the row alone, SS of the others.
    tuple of RowsReport
        The check of both.
    """
    alone, train = (
        check_rows(link, info, config, _part(vectors, rows), request_octets=_TOGETHER)
        for rows in (slice(0, 1), slice(1, None))
    )
    record = alone.record
    # Counted modulo 2**16, and below 0 only where a row's first beat comes out before its last is in.
    l2 = record.l2 - _ROUND if record.l2 > record.l3 else record.l2
    return Cycles(record.l1, l2, record.l3, train.record.ss), (alone, train)


def _wanted(config: NormConfig, vectors: Vectors) -> dict[str, NDArray[np.integer]]:
    """What has to come out on each stream: on that of the results, by the name ""."""
    names = [name for stream in outputs_of(config)[1:] for name in stream.names]
    return {"": vectors.expected, **{name: vectors.beside[name] for name in names}}


def _elements(config: NormConfig, group: RowGroup, response: Response) -> dict[str, NDArray[np.int64]] | None:
    try:
        return group.elements(config, response.payload)
    except ValueError:
        return None


def _difference(
    config: NormConfig, group: RowGroup, vectors: Vectors, response: Response, got: dict[str, NDArray[np.int64]] | None
) -> tuple[int, str | None]:
    """Return how many elements of an answer differ, and the first difference in words."""
    elements = len(group.indices) * group.length
    rows = f"row {group.indices[0]}" if len(group.indices) == 1 else f"rows {group.indices[0]} and following"
    record = response.record
    if got is None or record.rows_out != len(group.indices):
        return elements, (
            f"{rows}: got {record.rows_out} rows and {len(response.payload)} octets, want "
            f"{len(group.indices)} and {group.answer_octets(config)}"
        )
    signatures, wrong, first = [], 0, None
    for stream in outputs_of(config):
        [name], [number] = stream.names, stream.numbers
        length = stream.length(group.length)
        wanted = _wanted(config, vectors)[name][group.indices, :length]
        want = np.zeros_like(got[name])
        want[:, :length] = wanted
        if (differs := got[name] != want).any():
            row, element = (int(index) for index in np.argwhere(differs)[0])
            beat, lane = divmod(element, stream.lanes)
            element, other = (element_text(number, int(side[row, element])) for side in (got[name], want))
            of = f" of {name}" if name else ""
            first = first or f"row {group.indices[row]} lane {lane}{of}: got {element}, want {other} in beat {beat}"
            wrong += int(differs.sum())
        flags = None if vectors.flags is None or stream.index else vectors.flags[group.indices]
        signatures.append(rows_signature(config, wanted, stream, flags=flags))
    if wrong:
        return wrong, first
    wanted = all_signatures(signatures)
    if record.signature != wanted:
        return elements, (
            f"{rows}: every value is right, but tkeep, tlast or tuser of a beat is not "
            f"(signature {record.signature:08x}, want {wanted:08x})"
        )
    return 0, None


def _understood(link: BoardLink, response: Response) -> None:
    if response.record.status == Status.HUNG:
        raise CheckFailed(
            f"{link.name}: the unit has hung: {response.record.rows_out} rows of a request came out, and then no beat "
            "for a quarter of a second; the board has reset it"
        )
    if response.record.status != Status.OK:
        raise CheckFailed(
            f"{link.name}: the board refuses rows (status {response.record.status}) although they fit what it says "
            "of itself"
        )


def _part(vectors: Vectors, rows: slice) -> Vectors:
    flags = None if vectors.flags is None else vectors.flags[rows]
    beside = {name: of[rows] for name, of in vectors.beside.items()}
    return Vectors(
        vectors.input[rows],
        vectors.lengths[rows],
        vectors.banks[rows],
        vectors.expected[rows],
        flags=flags,
        beside=beside,
    )
