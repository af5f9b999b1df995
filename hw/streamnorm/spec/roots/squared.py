"""The mantissa of a square, from that of its root: for a reciprocal by way of the reciprocal square root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from amaranth.hdl import Mux, unsigned

from .root_method import RootMethod

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["SQUARED_GUARD", "squared", "squared_hardware", "squaring_error"]

Integers = npt.NDArray[Any]

SQUARED_GUARD = 2
"""Bits of a mantissa that is squared beyond those that are looked at of its square."""


def squaring_error(root: RootMethod) -> float:
    """How far the reciprocal is off at most, relative to itself, since the mantissa is cut before it is squared."""
    return 1.01 * 2.0 ** -(root.mantissa_bits + SQUARED_GUARD)


def squared(mantissa: Integers, bits: int) -> tuple[Integers, Integers]:
    """``bits`` bits below the leading one of ``(1 + mantissa)**2`` (floor), and 1 where that square is at least 2.

    ``mantissa`` is what follows the leading one, of ``bits + SQUARED_GUARD`` bits.
    """
    given = bits + SQUARED_GUARD
    whole = mantissa + (1 << given)
    square = whole * whole
    odd = square >> (2 * given + 1)
    below = square - (1 << (2 * given)) * (odd + 1)
    return below >> (2 * given - bits + odd), odd


def squared_hardware(p: Pipeline, mantissa: Timed, bits: int) -> tuple[Timed, Timed]:
    """The same as hardware."""
    given = bits + SQUARED_GUARD
    square = p.square(p.concat(mantissa, p.constant(1, unsigned(1))))
    odd = square.bits(2 * given + 1, 2 * given + 2)
    low = 2 * given - bits

    def below(x: Any, upper: Any) -> Any:
        return Mux(upper, x[1:], x[:-1])

    field = square.bits(low, low + bits + 1)
    return p.operate("below", p.target.family.mux, [field, odd], unsigned(bits), below), odd
