"""Following a board's counters: a board that was reset gives itself away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamnorm_fpga.link.protocol import Record

__all__ = ["Counters"]

_MODULUS = 1 << 32


@dataclass
class Counters:
    """What is known of a board's counters.

    Attributes
    ----------
    last : Record or None
        The latest record.
    expected : int
        Beats that went to the board and are not in ``last`` yet: it may play them, or may have lost them.
    unknown : bool
        Whether it may also have played others (its self-test).
    """

    last: Record | None = None
    expected: int = 0
    unknown: bool = False

    def sent(self, beats: int | None) -> None:
        """Note that a request with so many beats was sent; None if their number is not known."""
        if beats is None:
            self.unknown = True
        else:
            self.expected += beats

    def take(self, record: Record, beats: int | None) -> tuple[bool, int]:
        """Take the record of a response to a request with so many beats.

        Returns
        -------
        bool
            Whether the board was reset since the record before.
        int
            Frames that it has dropped since, as far as it knows.
        """
        before, self.last = self.last, record
        least = beats or 0
        if before is None:
            self.expected = max(0, self.expected - least)
            return False, 0
        added = (record.beats_in - before.beats_in) % _MODULUS
        most = _MODULUS // 2 if self.unknown or beats is None else self.expected
        reset = not least <= added <= most
        self.unknown = self.unknown and beats is None
        self.expected = max(0, self.expected - (least if reset else added))
        dropped = record.line_errors - (0 if reset else before.line_errors)
        return reset, max(0, dropped)
