"""What goes over the link, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamnorm_fpga.link.protocol import Operation, Record

__all__ = ["Request", "Response", "Statistics"]


@dataclass(frozen=True)
class Request:
    """A request, without its sequence number.

    Attributes
    ----------
    answer_octets : int
        Octets of payload that its response should have.
    beats : int or None
        Beats that the board plays for it; None if that is not known.
    """

    operation: Operation
    body: bytes = b""
    answer_octets: int = 0
    beats: int | None = 0


@dataclass(frozen=True)
class Response:
    """What a board answered.

    Attributes
    ----------
    attempts : int
        How often the request was sent.
    """

    record: Record
    payload: bytes
    attempts: int


@dataclass
class Statistics:
    """What went over the line so far.

    Attributes
    ----------
    octets_out, octets_in : int
    seconds : float
        While requests were under way.
    requests, retries : int
        Requests answered; requests sent again.
    spoilt : int
        Frames from the board that were dropped.
    late : int
        Good responses that nobody waited for any more: to requests sent twice.
    resets : int
        Times the board's counters went back.
    dropped_by_board : int
        Frames to the board that it dropped, as far as it could still tell.
    """

    octets_out: int = 0
    octets_in: int = 0
    seconds: float = 0.0
    requests: int = 0
    retries: int = 0
    spoilt: int = 0
    late: int = 0
    resets: int = 0
    dropped_by_board: int = 0

    def since(self, earlier: Statistics) -> Statistics:
        """Return what has come since an earlier copy."""
        return Statistics(**{name: value - getattr(earlier, name) for name, value in vars(self).items()})

    def copy(self) -> Statistics:
        return Statistics(**vars(self))
