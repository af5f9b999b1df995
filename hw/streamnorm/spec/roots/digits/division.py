"""Non-restoring division: a bit of the quotient in each step, by one addition or subtraction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import signed, unsigned

from .found_bits import found_bits, with_sign, without_signs

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["quotient", "quotient_hardware"]

Integers = npt.NDArray[Any]


def quotient(numerator: int, divisor: Integers, bits: int) -> Integers:
    """``(((numerator + 1) << bits) - 1) // divisor``, with ``0 <= numerator < divisor``: below ``2**bits``."""
    return (np.full(divisor.shape, ((numerator + 1) << bits) - 1, divisor.dtype)) // divisor


def quotient_hardware(p: Pipeline, numerator: int, divisor: Timed, bits: int) -> Timed:
    """The same as hardware.

    The rest R of twice as much, and a one that comes in, loses the divisor where R was not negative, and gains it where
    it was; a bit of the quotient is 1 where it then is not negative.
    """
    width = divisor.width + 2

    def step(q: Pipeline, _number: Timed, state: Sequence[Timed], held: Sequence[Timed]) -> list[Timed]:
        rest, signs = state

        twice = q.concat(q.constant(1, unsigned(1)), rest.bits(0, width - 1))
        positive = q.operate("positive", 0.0, [rest], unsigned(1), lambda r: ~r[-1])
        less = q.add_or_subtract(twice, held[0], positive, signed(width), name="rest")
        return [less, with_sign(q, signs, less)]

    rest = p.constant(numerator, signed(width))
    _, signs = p.iterate("divide", bits, step, [rest, without_signs(p, bits)], [divisor])
    return found_bits(p, signs)
