"""Requests over a line that may lose or spoil anything; each is sent until it is answered."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamnorm.errors import ToolMissing
from streamnorm_fpga.link.codec import FrameDecoder, encode_frame
from streamnorm_fpga.link.protocol import RECORD_BYTES, RESPONSE, Record, Status

from .counters import Counters
from .messages import Request, Response, Statistics
from .port import write_timed_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .port import Port

__all__ = ["BoardLink"]

_WRITE_OCTETS = 512  # then it is time to read: what comes meanwhile must find room in the system's buffers
_BACKOFF, _BACKOFF_MAX = 1.5, 4.0
_QUIET_SECONDS = 0.03  # of silence after a spoilt frame: it was the answer


@dataclass
class BoardLink:
    """The host's end of the link to one board.

    Responses to requests are told apart by their sequence numbers; what is no answer to a request under way is
    counted and dropped. A request is sent again if its response does not come in time, or comes spoilt. The next
    request is sent as soon as a response begins: by then the board has room for it.

    Parameters
    ----------
    port : Port
    name : str
        Of the port, for messages.
    baud : int
        Bits a second of the line, from which times to wait are worked out. Where the line turns out slower
        (a simulated board's), they grow.
    patience : float
        Seconds to wait for a response, beside the time that its octets take.
    attempts : int
        A request that was sent so often without an answer is an error.
    """

    port: Port
    name: str
    baud: int
    patience: float = 0.25
    attempts: int = 24
    statistics: Statistics = field(default_factory=Statistics)
    counters: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        self._decoder = FrameDecoder()
        self._arrived = bytearray()
        self._octet_seconds = 10 / self.baud
        # Not always the same: responses to the program that used the port before may still come.
        self._sequence = random.SystemRandom().randrange(256)

    def ask(self, request: Request, *, attempts: int | None = None) -> Response:
        """Send one request and return its response; see :meth:`exchange`."""
        return next(self.exchange([request], attempts=attempts))

    def exchange(
        self, requests: Iterable[Request], *, attempts: int | None = None, retried: Callable[[], None] = lambda: None
    ) -> Iterator[Response]:
        """Send requests and yield their responses, in the order of the requests.

        Parameters
        ----------
        attempts : int, optional
            In place of the link's own.
        retried : function, optional
            Called whenever a request is sent again.

        Raises
        ------
        ToolMissing
            If a request stays without answer, or the port goes away.
        """
        return _Exchange(self, requests, attempts or self.attempts, retried).responses()

    def next_sequence(self) -> int:
        self._sequence = (self._sequence + 1) & 0xFF
        return self._sequence

    def wait_seconds(self, octets: int, attempt: int) -> float:
        """Return how long to wait for an answer when so many octets go there and back."""
        longer = min(_BACKOFF_MAX, _BACKOFF ** (attempt - 1))
        return (self.patience + 2 * octets * self._octet_seconds) * longer

    def observe_speed(self, octets: int, seconds: float) -> None:
        """Learn from an exchange how long an octet takes: at once if longer than thought, slowly otherwise."""
        sample = max(10 / self.baud, seconds / octets)
        self._octet_seconds = max(sample, 0.75 * self._octet_seconds + 0.25 * sample)

    def write(self, octets: bytes) -> None:
        """Send octets, and keep what comes meanwhile."""
        try:
            for start in range(0, len(octets), _WRITE_OCTETS):
                self.port.write(octets[start : start + _WRITE_OCTETS])
                if waiting := self.port.in_waiting:
                    self._arrived += self.port.read(waiting)
        except OSError as error:
            raise self._gone(error) from error
        self.statistics.octets_out += len(octets)

    def read(self) -> tuple[list[bytes], bytes, int, int]:
        """Wait a moment for octets; return frames, the start of an unfinished one, octets and spoilt frames."""
        try:
            if not self._arrived:
                self._arrived += self.port.read(max(1, self.port.in_waiting))
        except OSError as error:
            raise self._gone(error) from error
        octets = bytes(self._arrived)
        self._arrived.clear()
        self.statistics.octets_in += len(octets)
        before = self._decoder.dropped
        frames = list(self._decoder.feed(octets))
        spoilt = self._decoder.dropped - before
        self.statistics.spoilt += spoilt
        return frames, self._decoder.started or b"", len(octets), spoilt

    def no_answer(self, attempts: int) -> ToolMissing:
        """Return the error of a request that was sent so often and not answered."""
        statistics = self.statistics
        if statistics.requests:
            return ToolMissing(
                f"{self.name}: the board has stopped answering: {attempts} attempts, after "
                f"{statistics.requests} answered requests; is it still powered and configured?"
            )
        if statistics.octets_in:
            return ToolMissing(
                f"{self.name}: something answers at {self.baud} baud, but no frame of it is good "
                f"({statistics.octets_in} octets came): does the rate match the bitstream's, "
                "and is the port the board's serial line?"
            )
        return ToolMissing(
            f"{self.name}: no answer at {self.baud} baud: is the bitstream loaded (`streamnorm boards` tells what "
            "lights show it), is this the port of its serial line, does the rate match the bitstream's?"
        )

    def _gone(self, error: OSError) -> ToolMissing:
        answered = self.statistics.requests
        if write_timed_out(error):
            return ToolMissing(
                f"{self.name}: the port takes no octets: is it the board's serial line, and is the adapter working?"
            )
        return ToolMissing(
            f"{self.name}: the port has gone away after {answered} answered requests "
            f"({error.strerror or error}): was the board unplugged?"
        )


@dataclass
class _Sent:
    """A request on its way. It has begun when the first octets of its response have come."""

    index: int
    request: Request
    sequence: int
    attempts: int = 0
    begun: bool = False
    refused: bool = False
    octets: int = 0
    sent_at: float = 0.0
    deadline: float = 0.0
    limit: float = 0.0

    @property
    def head(self) -> bytes:
        """The octets that its response begins with."""
        return bytes((self.request.operation | RESPONSE, self.sequence))


class _Exchange:
    """The requests of one call of :meth:`BoardLink.exchange`."""

    def __init__(
        self, link: BoardLink, requests: Iterable[Request], attempts: int, retried: Callable[[], None]
    ) -> None:
        self.link = link
        self.source = enumerate(requests)
        self.attempts = attempts
        self.retried = retried
        self.flight: list[_Sent] = []  # at most two, in the order they were sent
        self.again: deque[_Sent] = deque()
        self.done: dict[int, Response] = {}

    def responses(self) -> Iterator[Response]:
        position = 0
        while True:
            start = time.monotonic()
            self._send()
            if not self.flight and not self.done:
                return
            if self.flight:
                self._receive()
            self.link.statistics.seconds += time.monotonic() - start
            while position in self.done:
                yield self.done.pop(position)
                position += 1

    def _send(self) -> None:
        """Send the next request if the board has room for it."""
        if len(self.flight) >= 2 or not all(sent.begun for sent in self.flight):
            return
        link = self.link
        if self.again:
            sent = self.again.popleft()
            if sent.attempts >= self.attempts:
                raise link.no_answer(sent.attempts)
            link.statistics.retries += 1
            self.retried()
        else:
            index, request = next(self.source, (0, None))
            if request is None:
                return
            sent = _Sent(index, request, link.next_sequence())
        request = sent.request
        frame = encode_frame(bytes((request.operation, sent.sequence)) + request.body)
        sent.octets = len(frame) + RECORD_BYTES + request.answer_octets
        sent.attempts += 1
        sent.begun = False
        sent.sent_at = time.monotonic()
        link.counters.sent(request.beats)
        link.write(frame)
        seconds = link.wait_seconds(sent.octets, sent.attempts)
        sent.deadline, sent.limit = sent.sent_at + seconds, sent.sent_at + 4 * seconds
        self.flight.append(sent)

    def _receive(self) -> None:
        frames, head, octets, spoilt = self.link.read()
        now = time.monotonic()
        for content in frames:
            self._take(content, now)
        for sent in [sent for sent in self.flight if sent.head == head]:
            self._lost(self.flight[: self.flight.index(sent)])
            sent.begun = True
        if spoilt:
            self._lost([sent for sent in self.flight if sent.begun and sent.head != head])
        for sent in list(self.flight):
            if octets:
                later = now + self.link.wait_seconds(sent.octets, sent.attempts)
                sent.deadline = min(max(sent.deadline, later), sent.limit)
            if spoilt:
                sent.deadline = min(sent.deadline, now + _QUIET_SECONDS)
            if (not octets and now > sent.deadline) or now > sent.limit:
                self._lost([sent])

    def _take(self, content: bytes, now: float) -> None:
        """Take a good frame: what it answers is done, what was sent before that is lost."""
        statistics = self.link.statistics
        if len(content) < 2 + RECORD_BYTES:
            statistics.spoilt += 1  # a spoilt frame whose check sequence is right by chance
            return
        sent = next((sent for sent in [*self.flight, *self.again] if sent.head == content[:2]), None)
        if sent is None:
            statistics.late += 1
            return
        record = Record.unpack(content[2:])
        if sent in self.flight:
            self._lost(self.flight[: self.flight.index(sent)])
            if record.status != Status.OK and not sent.refused:
                sent.refused = True  # it may have been spoilt, its check sequence right by chance
                self._lost([sent])
                return
            self.flight.remove(sent)
        else:
            self.again.remove(sent)
        reset, dropped = self.link.counters.take(record, sent.request.beats)
        statistics.resets += reset
        statistics.dropped_by_board += dropped
        statistics.requests += 1
        if sent.attempts == 1:
            self.link.observe_speed(sent.octets, now - sent.sent_at)
        self.done[sent.index] = Response(record, content[2 + RECORD_BYTES :], sent.attempts)

    def _lost(self, those: list[_Sent]) -> None:
        """Ask again, those first that were asked first."""
        for sent in reversed(those):
            self.flight.remove(sent)
            self.again.appendleft(sent)
