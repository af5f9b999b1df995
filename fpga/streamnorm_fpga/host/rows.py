"""Rows as requests, and responses as rows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from streamnorm.spec.formats.element_bytes import bytes_element, element_bytes
from streamnorm_fpga.link.protocol import Operation, rows_header
from streamnorm_fpga.top.banks import in_turn
from streamnorm_fpga.top.unit_streams import UnitStream, inputs_of, outputs_of, row_octets

from .messages import Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from streamnorm.spec.config import NormConfig

__all__ = ["REQUEST_OCTETS", "RowGroup", "group_rows"]

REQUEST_OCTETS = 1024
"""Short rows travel together up to here. A spoilt octet costs a whole request: longer ones would not come through a bad
line, and save little on a good one."""


@dataclass(frozen=True, eq=False)
class RowGroup:
    """Rows that go to a board in one request.

    Attributes
    ----------
    indices : int64 (rows,)
        Which of the rows they are.
    length : int
        Elements of each.
    bank : int
        Of the first; of the others, too, unless rows take the banks in turn.
    stalls : bool
        Whether sources and sinks of the unit stall at random.
    """

    indices: NDArray[np.int64]
    length: int
    bank: int
    stalls: bool

    def beats(self, config: NormConfig) -> int:
        """Beats of all its rows."""
        return len(self.indices) * -(-self.length // config.lanes)

    def request(
        self, config: NormConfig, x: NDArray[np.integer], beside: Mapping[str, NDArray[np.integer]] | None = None
    ) -> Request:
        """Return the request that plays these of the rows ``x``, (rows, n), and of those ``beside``, by their names."""
        row_beats = -(-self.length // config.lanes)
        kept = self.length - (row_beats - 1) * config.lanes
        rows = {"": x, **(beside or {})}
        octets = [
            self._octets(stream, row_beats, [rows[name] for name in stream.names]) for stream in inputs_of(config)
        ]
        header = rows_header(self.bank, stalls=self.stalls, beats=row_beats, kept=kept)
        body = header + np.concatenate(octets, axis=1).tobytes()
        return Request(Operation.ROWS, body, self.answer_octets(config), self.beats(config))

    def _octets(self, stream: UnitStream, row_beats: int, rows: Sequence[NDArray[np.integer]]) -> NDArray[np.uint8]:
        """The octets of each row's beats of one stream, (rows, octets)."""
        length, lanes = stream.length(self.length), stream.beats(row_beats) * stream.lanes
        parts = []
        for number, of in zip(stream.numbers, rows, strict=True):
            padded = np.zeros((len(self.indices), lanes), np.int64)
            padded[:, :length] = of[self.indices, :length]
            parts.append(element_bytes(padded, number.bytes).reshape(len(self.indices), lanes, number.bytes))
        return np.concatenate(parts, axis=2).reshape(len(self.indices), -1)

    def answer_octets(self, config: NormConfig) -> int:
        """Octets of the payload of a response that has the beats of all rows."""
        return len(self.indices) * row_octets(outputs_of(config), -(-self.length // config.lanes))

    def elements(self, config: NormConfig, payload: bytes) -> dict[str, NDArray[np.int64]]:
        """Return the elements of every beat of a response, (rows, beats * lanes), beyond the row's end too: of the
        results, by the name "", and of the rows beside, by theirs.

        Raises
        ------
        ValueError
            If the payload does not have the beats of these rows.
        """
        if len(payload) != self.answer_octets(config):
            raise ValueError(f"{len(payload)} octets are not {self.beats(config)} beats")
        rows, row_beats = len(self.indices), -(-self.length // config.lanes)
        found, start = {}, 0
        for stream in outputs_of(config):
            octets = rows * row_octets([stream], row_beats)
            raw = np.frombuffer(payload, np.uint8, octets, start).reshape(rows, -1, stream.lane_octets)
            [name], [number] = stream.names, stream.numbers
            found[name] = bytes_element(raw, signed=number.signed)
            start += octets
        return found


def group_rows(
    config: NormConfig,
    lengths: NDArray[np.integer],
    banks: NDArray[np.integer],
    *,
    memory_beats: int,
    stalls: bool,
    request_octets: int = REQUEST_OCTETS,
) -> list[RowGroup]:
    """Part rows into requests: of one length each, and of one bank or, where rows take the banks in turn, each of the
    bank behind that of the row before; and no more than the board's memory holds.

    They keep their order within a length and bank. A request has no more than ``request_octets`` octets of elements,
    unless one row has.
    """
    groups = []
    kinds, kind_of_row = np.unique(np.stack([lengths, banks]), axis=1, return_inverse=True)
    alike = [np.flatnonzero(kind_of_row.reshape(-1) == kind) for kind in range(kinds.shape[1])]
    if in_turn(config):
        alike = [
            chain
            for length in np.unique(lengths)
            for chain in _chains([rows for rows in alike if lengths[rows[0]] == length], banks, config.banks)
        ]
    for indices in alike:
        length = int(lengths[indices[0]])
        row_beats = -(-length // config.lanes)
        few = request_octets // row_octets(inputs_of(config), row_beats)
        most = max(1, min(few, memory_beats // row_beats))
        groups += [
            RowGroup(indices[start : start + most], length, int(banks[indices[start]]), stalls)
            for start in range(0, len(indices), most)
        ]
    return groups


def _chains(alike: Sequence[NDArray[np.int64]], banks: NDArray[np.integer], count: int) -> Iterator[NDArray[np.int64]]:
    """Rows of each bank, as sequences in which each row's bank is the one behind that of the row before."""
    left = {int(banks[rows[0]]): deque(rows.tolist()) for rows in alike}
    while left:
        bank, chain = min(left, key=lambda bank: left[bank][0]), []
        while bank in left:
            chain.append(left[bank].popleft())
            if not left[bank]:
                del left[bank]
            bank = (bank + 1) % count
        yield np.array(chain, np.int64)
