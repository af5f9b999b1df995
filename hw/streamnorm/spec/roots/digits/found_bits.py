"""Bits that are found one after the other: 1 where a rest is not negative."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amaranth.hdl import Cat, unsigned

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["found_bits", "with_sign", "without_signs"]


def without_signs(p: Pipeline, bits: int, found: int = 0) -> Timed:
    """``found`` as signs, of ``bits``: a bit that is 1 as 0, so that a sign joins them as it leaves its adder."""
    return p.constant(((1 << bits) - 1) ^ found, unsigned(bits))


def with_sign(q: Pipeline, signs: Timed, rest: Timed) -> Timed:
    """The signs so far, of which the first leaves, and that of ``rest``."""

    def shifted(sign: Any, lower: Any) -> Any:
        return Cat(sign, lower)

    width = signs.width
    sign = rest.bits(rest.width - 1, rest.width)
    return q.operate("signs", 0.0, [sign, signs.bits(0, width - 1)], unsigned(width), shifted)


def found_bits(p: Pipeline, signs: Timed) -> Timed:
    """The bits themselves."""
    return p.operate("found", p.target.family.lut, [signs], unsigned(signs.width), lambda x: ~x)
