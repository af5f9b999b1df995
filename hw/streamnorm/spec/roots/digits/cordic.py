"""CORDIC: hyperbolic vectoring for the square root, then a division."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import prod, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Const, signed, unsigned

from streamnorm.spec.roots.radicand import INTEGER_BITS, radicand, radicand_hardware
from streamnorm.spec.roots.rounding import relative_error_of

from .digit_root import DigitRoot
from .division import quotient, quotient_hardware

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["Cordic"]

_REPEATED = (4, 13)
"""Shifts that must be done twice, or the angles that are left are too small for what may remain."""

_LEAST_ROOT = 0.5


def shifts_of(last: int) -> list[int]:
    """The shift of each step, 1 to ``last``."""
    return [shift for i in range(1, last + 1) for shift in ((i, i) if i in _REPEATED else (i,))]


@dataclass(frozen=True, eq=False)
class Cordic(DigitRoot):
    """``rho = K / (2 X)`` with X = K sqrt(x/4), the length to which ``(x/4 + 1/4, x/4 - 1/4)`` is turned.

    With F fraction bits, floors all: ``a = x/4 + 1/4``, ``b = x/4 - 1/4``; for each shift s of 1, 2, 3, 4, 4, 5 …:
    ``a, b = a - d * (b >> s), b - d * (a >> s)``, d being 1 where b is not negative, else -1. That keeps
    ``a**2 - b**2 = x/4`` but for ``K**2``, the product of all ``1 - 4**-s``, and brings b to 0. Then the
    :mod:`division <.division>` of a constant by a, which linear vectoring is.

    **Error.** A step's floors turn ``a + b`` by less than 2 units and ``a - b`` by less than one, and what follows
    multiplies both by less than ``prod(1 + 2**-s)``; b, once below ``2**-last`` of a, adds the square of that, halved.
    The constant is so much smaller that the quotient stays below 1.
    """

    title: ClassVar[str] = "CORDIC"
    source: ClassVar[str] = (
        "J. S. Walther, A unified algorithm for elementary functions, Spring Joint Computer Conference 1971"
    )

    rho_bits: int
    relative_error: float
    frac_bits: int
    last: int
    numerator: int

    @classmethod
    def smallest(cls, rho_bits: int, steps: int | None = None) -> Cordic:
        return _smallest(rho_bits)

    @property
    def about(self) -> str:
        return f"CORDIC of {len(shifts_of(self.last))} steps, division of {self.rho_bits} bits"

    @property
    def mantissa_bits(self) -> int:
        return self.rho_bits

    @property
    def widest(self) -> int:
        return self.frac_bits + self.rho_bits + 2

    def evaluate(self, mantissa: npt.NDArray[Any], odd: npt.NDArray[Any]) -> npt.NDArray[Any]:
        quarter = 1 << (self.frac_bits - 2)
        x = radicand(mantissa, odd, self.mantissa_bits, mantissa.dtype)
        x = x << (self.frac_bits - self.mantissa_bits - 2)
        a, b = x + quarter, x - quarter
        for shift in shifts_of(self.last):
            d = np.where(b >= 0, 1, -1)
            a, b = a - d * (b >> shift), b - d * (a >> shift)
        return quotient(self.numerator, a, self.rho_bits)

    def build(self, p: Pipeline, mantissa: Timed, odd: Timed) -> Timed:
        frac, width = self.frac_bits, self.frac_bits + 2
        shifts = shifts_of(self.last)

        def step(q: Pipeline, number: Timed, state: Sequence[Timed], held: Sequence[Timed]) -> list[Timed]:
            a, b = state
            shift = q.choose("shift", number, shifts, unsigned(self.last.bit_length()))
            family = q.target.family

            def shifted(x: Timed) -> Timed:
                if isinstance(shift.value, Const):
                    return x.bits(min(shift.value.value, x.width - 1), x.width).as_signed()
                delay = family.mux * shift.width
                return q.operate("shifted", delay, [x, shift], signed(width), lambda v, s: v >> s)

            positive = q.operate("positive", 0.0, [b], unsigned(1), lambda v: ~v[-1])
            return [
                q.add_or_subtract(a, shifted(b), positive, signed(width), name="along"),
                q.add_or_subtract(b, shifted(a), positive, signed(width), name="across"),
            ]

        x = radicand_hardware(p, mantissa, odd)
        x = p.concat(p.constant(0, unsigned(frac - self.mantissa_bits - INTEGER_BITS)), x)
        quarter = p.constant(1 << (frac - 2), unsigned(frac))
        a = p.add(x, quarter, signed(width), name="along")
        b = p.add(x, quarter, signed(width), subtract=True, name="across")
        along, _ = p.iterate("cordic", len(shifts), step, [a, b])
        return quotient_hardware(p, self.numerator, p.reshape(along, unsigned(frac + 1)), self.rho_bits)


def _turning_error(frac_bits: int, last: int) -> float:
    """How far a is off at the end, relative to itself, at most."""
    shifts, unit = shifts_of(last), 2.0**-frac_bits
    least = _LEAST_ROOT * _gain(last) * (1 - 2.0 ** -(last - 1))
    left = [prod(1 + 2.0**-shift for shift in shifts[place + 1 :]) for place in range(len(shifts))]
    added = sum(left) * unit / least
    across = 2.0 ** -(last - 1) + 3 * added
    return 1.01 * ((2 * added + added) / 2 + across**2 / 2)


def _gain(last: int) -> float:
    return sqrt(prod(1 - 4.0**-shift for shift in shifts_of(last)))


@cache
def _smallest(rho_bits: int) -> Cordic:
    unit = 2.0**-rho_bits
    for guard_bits in range(3, 16):
        frac_bits, last = rho_bits + guard_bits, rho_bits // 2 + 3
        turning = _turning_error(frac_bits, last)
        exact = _gain(last) / 2 * (1 << frac_bits)
        numerator = int(exact * (1 - turning)) - 1
        # Cut down, by the constant twice as much as a is off at most, and by a unit of rho.
        low, high = -(2 * turning + 3 / exact) - 2 * unit, turning
        error = relative_error_of(low, high, rho_bits)
        if error < Cordic.wanted_error(rho_bits):
            return Cordic(rho_bits, error, frac_bits, last, numerator)
    raise AssertionError
