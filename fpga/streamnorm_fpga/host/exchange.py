"""Requests under way: which to send next, which to send again."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamnorm_fpga.link.codec import encode_frame
from streamnorm_fpga.link.protocol import RECORD_BYTES, RESPONSE, Record, Status

from .messages import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .link import BoardLink

__all__ = ["Exchange"]

_QUIET_SECONDS = 0.03  # of silence after a spoilt frame: it was the answer


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


class Exchange:
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
