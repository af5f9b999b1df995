"""What a board says of itself."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamnorm.errors import CheckFailed, ConfigError, ToolMissing
from streamnorm_fpga.link.protocol import FLAG_SELF_TEST_FINISHED, FLAG_SELF_TEST_PASSED, VERSION, Operation

from .messages import Request

if TYPE_CHECKING:
    from streamnorm_fpga.link.protocol import Record

    from .link import BoardLink

__all__ = ["Info", "SelfTest", "ask_info", "run_self_test", "self_test_of"]

_ATTEMPTS = 5
_ATTEMPTS_IF_HEARD = 15  # of something that speaks, if badly
_SELF_TEST_SECONDS = 30.0
_INFO_OCTETS = 256


@dataclass(frozen=True)
class Info:
    """A board's own description, out of its bitstream.

    Attributes
    ----------
    name : str
        Of the unit.
    identity : str
        Of the unit's configuration, target and clock left aside; two units with the same identity give the same bits.
    target : str
        Part that the unit was planned for.
    clock_mhz : float
        Clock of the board's logic.
    planned_mhz : float
        Clock that the unit was planned for.
    memory_beats : int
        Beats of rows that fit into one request.
    """

    name: str
    identity: str
    target: str
    clock_mhz: float
    planned_mhz: float
    memory_beats: int

    @classmethod
    def parse(cls, port: str, payload: bytes) -> Info:
        """Read the payload of a response.

        Raises
        ------
        ConfigError
            If the board speaks another version of the protocol, or something else.
        """
        try:
            said: dict[str, Any] = json.loads(payload)
            version = said["protocol"]
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{port}: what answers is no board of streamnorm: it says {payload[:60]!r}") from error
        if version != VERSION:
            raise ConfigError(
                f"{port}: the board speaks version {version} of the link, this program version {VERSION}: "
                "build its bitstream again with this version of streamnorm"
            )
        try:
            return cls(**{name: kind(said[name]) for name, kind in _FIELDS.items()})
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{port}: the board's description is incomplete: {error}") from error

    def check_identity(self, port: str, name: str, identity: str) -> None:
        """Refuse a board with another unit than the one called ``name``.

        Raises
        ------
        ConfigError
            Naming both.
        """
        if self.identity != identity:
            raise ConfigError(
                f"{port}: the board holds {self.name} ({self.identity}), the configuration is "
                f"{name} ({identity}): flash the bitstream built from it, or give the other's file"
            )


_FIELDS = {"name": str, "identity": str, "target": str, "clock_mhz": float, "planned_mhz": float, "memory_beats": int}


@dataclass(frozen=True)
class SelfTest:
    """State of a board's self-test."""

    finished: bool
    passed: bool

    @property
    def words(self) -> str:
        return ("passed" if self.passed else "failed") if self.finished else "not finished"


def ask_info(link: BoardLink) -> tuple[Info, Record]:
    """Ask a board what it is, and wait for the end of its self-test.

    Raises
    ------
    ToolMissing
        If nothing answers.
    ConfigError
        See `Info.parse`.
    """
    info, record = _asked(link)
    deadline = time.monotonic() + _SELF_TEST_SECONDS
    while not self_test_of(record).finished and time.monotonic() < deadline:
        _, record = _asked(link)
    return info, record


def run_self_test(link: BoardLink) -> Record:
    """Let a board test itself once more; return its record after that.

    Raises
    ------
    ToolMissing
        If it does not answer.
    CheckFailed
        If it never comes to an end.
    """
    link.ask(Request(Operation.SELF_TEST, beats=None))
    _, record = ask_info(link)
    if not self_test_of(record).finished:
        raise CheckFailed(f"{link.name}: the board's self-test has not finished in {_SELF_TEST_SECONDS:g} s")
    return record


def self_test_of(record: Record) -> SelfTest:
    """Return the state of the self-test that a record tells."""
    return SelfTest(
        finished=bool(record.flags & FLAG_SELF_TEST_FINISHED), passed=bool(record.flags & FLAG_SELF_TEST_PASSED)
    )


def _asked(link: BoardLink) -> tuple[Info, Record]:
    request = Request(Operation.INFO, answer_octets=_INFO_OCTETS, beats=None)
    try:
        response = link.ask(request, attempts=_ATTEMPTS)
    except ToolMissing:
        if not link.statistics.octets_in:
            raise
        response = link.ask(request, attempts=_ATTEMPTS_IF_HEARD)
    return Info.parse(link.name, response.payload), response.record
