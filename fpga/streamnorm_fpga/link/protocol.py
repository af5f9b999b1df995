"""The words of the link; the board's hardware and the host program are both made from these tables.

A request is ``operation, sequence, body``, a response ``operation | RESPONSE, sequence, RECORD, payload``. Each is
the content of one frame. ``docs/link.md`` tells what the operations do.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

__all__ = [
    "BANK_OCTET",
    "CONTROL_BANK",
    "CONTROL_STALLS",
    "FLAG_SELF_TEST_FINISHED",
    "FLAG_SELF_TEST_PASSED",
    "RECORD",
    "RECORD_BYTES",
    "RESPONSE",
    "ROWS_HEADER",
    "VERSION",
    "Operation",
    "Record",
    "Status",
    "rows_header",
]

VERSION: Final = 1
"""Of the protocol; part of what a board says of itself."""

RESPONSE: Final = 0x80
"""Set in the operation of a response."""

ROWS_HEADER: Final = struct.Struct("<BBHB")
"""Begins the body of ``ROWS``: bank, control, beats of each row - 1, elements in each row's last beat."""

BANK_OCTET: Final = 8
"""Bits of a bank that have an octet of their own."""

CONTROL_STALLS: Final = 1
"""Bit of ``control``: source and sink stall at random while the rows are played."""

CONTROL_BANK: Final = 4
"""From this bit of ``control`` on: the bits of a bank above its octet; looked at where there are so many banks."""

FLAG_SELF_TEST_FINISHED: Final = 1
FLAG_SELF_TEST_PASSED: Final = 2


class Operation(IntEnum):
    """What a request asks for."""

    INFO = 1
    ROWS = 2
    SELF_TEST = 3


class Status(IntEnum):
    """How a request ended."""

    OK = 0
    MALFORMED = 1
    """The body is none that :class:`~streamnorm_fpga.top.request.RequestReceiver` takes for rows."""
    UNKNOWN = 2
    """The board does not know this operation."""
    HUNG = 3
    """The unit gave no beat for a quarter of a second, and has been reset; the beats that came before are sent."""


RECORD: Final = (
    ("status", 1),
    ("flags", 1),
    ("beats_in", 4),
    ("beats_out", 4),
    ("l1", 2),
    ("l2", 2),
    ("l3", 2),
    ("ss", 2),
    ("line_errors", 2),
    ("row_errors", 2),
    ("rows_out", 2),
    ("signature", 4),
)
"""Fields of the record that every response begins with, and their bytes, each low byte first."""

_LAYOUT: Final = struct.Struct("<" + "".join({1: "B", 2: "H", 4: "I"}[size] for _, size in RECORD))

RECORD_BYTES: Final = _LAYOUT.size


def rows_header(bank: int, *, stalls: bool, beats: int, kept: int) -> bytes:
    """Return what the body of ``ROWS`` begins with: for rows of ``beats`` beats, the last one of ``kept`` elements."""
    octet, above = bank & ((1 << BANK_OCTET) - 1), bank >> BANK_OCTET
    return ROWS_HEADER.pack(octet, CONTROL_STALLS * stalls | above << CONTROL_BANK, beats - 1, kept)


@dataclass(frozen=True)
class Record:
    """What a board reports with each response; attributes in the order of :data:`RECORD`.

    Attributes
    ----------
    status : int
        A :class:`Status`.
    flags : int
        Of ``FLAG_…``.
    beats_in, beats_out : int
        Beats that went into the unit and came out of it since reset, modulo 2**32.
    l1, l2, l3, ss : int
        Cycles of the last row, as in the plan, modulo 2**16; ss is 0 if no row came before it in its request.
    line_errors, row_errors : int
        Frames dropped, and rows that came out with the error flag, since reset; 65535 for that many or more.
    rows_out : int
        Rows that came out for this request.
    signature : int
        Of the beats that came out for this request.
    """

    status: int
    flags: int
    beats_in: int
    beats_out: int
    l1: int
    l2: int
    l3: int
    ss: int
    line_errors: int
    row_errors: int
    rows_out: int
    signature: int

    @classmethod
    def unpack(cls, octets: bytes) -> Record:
        """Read the first :data:`RECORD_BYTES` octets; ``ValueError`` if there are fewer."""
        if len(octets) < RECORD_BYTES:
            raise ValueError(f"a record has {RECORD_BYTES} octets, not {len(octets)}")
        return cls(*_LAYOUT.unpack(octets[:RECORD_BYTES]))

    def pack(self) -> bytes:
        """The octets of the record."""
        return _LAYOUT.pack(*(getattr(self, name) for name, _ in RECORD))
