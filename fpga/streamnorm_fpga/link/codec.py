"""Frames on the serial line, at the host's end; see :mod:`streamnorm_fpga.link.frames` for what they are."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from amaranth.lib.crc import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FrameDecoder", "encode_frame"]

_FLAG, _ESCAPE = b"\x7e", b"\x7d"
_SPECIAL: Final = re.compile(rb"[\x7d\x7e]")
_ESCAPED: Final = re.compile(rb"\x7d+([^\x7d])")  # escapes in a row, which only noise makes, are as good as one
_SHORTEST = 4  # two octets and the check sequence


@cache
def _check_table() -> tuple[int, ...]:
    """The check sequence's register after one octet, from a register of 0 (RFC 1662, C.2)."""
    reflected = int(f"{catalog.CRC16_IBM_SDLC.polynomial:016b}"[::-1], 2)
    table = []
    for octet in range(256):
        register = octet
        for _ in range(8):
            register = register >> 1 ^ (reflected if register & 1 else 0)
        table.append(register)
    return tuple(table)


def _check(content: bytes) -> bytes:
    table, register = _check_table(), catalog.CRC16_IBM_SDLC.initial_crc
    for octet in content:
        register = register >> 8 ^ table[(register ^ octet) & 0xFF]
    return (register ^ catalog.CRC16_IBM_SDLC.xor_output).to_bytes(2, "little")


def encode_frame(content: bytes) -> bytes:
    """Return a frame with that content (two octets at least), its flags included."""
    stuffed = _SPECIAL.sub(lambda found: _ESCAPE + bytes([found[0][0] ^ 0x20]), content + _check(content))
    return _FLAG + stuffed + _FLAG


class FrameDecoder:
    """The frames in a stream of octets that comes in pieces.

    Attributes
    ----------
    dropped : int
        Frames that were damaged, and stretches of octets before the first flag.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._pending = bytearray()
        self._hunting = True

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """Take more octets; yield the content of every frame that they complete."""
        self._pending += octets
        while (end := self._pending.find(_FLAG)) >= 0:
            raw = bytes(self._pending[:end])
            del self._pending[: end + 1]
            hunting, self._hunting = self._hunting, False
            if not raw:
                continue
            content = None if hunting else _content(raw)
            if content is None:
                self.dropped += 1
            else:
                yield content

    @property
    def started(self) -> bytes | None:
        """The first two octets of the frame that is coming in, as soon as they are there; they may be damaged."""
        if self._hunting:
            return None
        head = _ESCAPED.sub(_unescape, bytes(self._pending[:6]).rstrip(_ESCAPE))[:2]
        return head if len(head) == 2 else None


def _unescape(found: re.Match[bytes]) -> bytes:
    return bytes([found[1][0] ^ 0x20])


def _content(raw: bytes) -> bytes | None:
    """The content of what was between two flags; None if it is damaged."""
    if raw.endswith(_ESCAPE):
        return None
    plain = _ESCAPED.sub(_unescape, raw)
    if len(plain) < _SHORTEST or _check(plain[:-2]) != plain[-2:]:
        return None
    return plain[:-2]
