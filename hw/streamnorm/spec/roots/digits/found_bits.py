"""The bits found so far, and one more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amaranth.hdl import Cat, unsigned

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["with_next_bit"]


def with_next_bit(q: Pipeline, found: Timed, negative: Timed) -> Timed:
    """``2 * found``, and 1 more unless ``negative``, of as many bits as found has."""

    def shifted(n: Any, lower: Any) -> Any:
        return Cat(~n, lower)

    width = found.width
    return q.operate("found", 0.0, [negative, found.bits(0, width - 1)], unsigned(width), shifted)
