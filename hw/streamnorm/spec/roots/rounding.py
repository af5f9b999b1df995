"""From a root with guard bits to rho: rounded, with its error centred, below 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import unsigned

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["Rounding", "relative_error_of"]

_SHIFTS = range(-8, 24)


@dataclass(frozen=True)
class Rounding:
    """``rho = min((r + added) >> guard_bits, 2**rho_bits - 1)``.

    Attributes
    ----------
    rho_bits, guard_bits : r has as many fraction bits as both together
    added : half a unit of rho and what puts the error of r into the middle
    low, high : bounds of ``rho * 2**-rho_bits * sqrt(x) - 1`` for the x that r was worked out of
    """

    rho_bits: int
    guard_bits: int
    added: int
    low: float
    high: float

    @classmethod
    def of(cls, rho_bits: int, guard_bits: int, low: float, high: float) -> Rounding:
        """The rounding with the least error, for an r off by ``low`` to ``high`` relative to 1/sqrt(x).

        A constant in r counts from once to twice as much relative to it, since that is between 1/2 and 1; rounding is
        off by half a unit of rho at most, and so is 1, which has no code, by one.
        """
        unit = 2.0 ** -(rho_bits + guard_bits)
        half = (1 << guard_bits) >> 1
        found = []
        for shift in _SHIFTS if guard_bits else (0,):
            least, most = sorted((shift * unit, 2 * shift * unit))
            # Up by half a unit, down by half a unit less the smallest step of r; both relative to 1/2.
            up, down = half * unit, ((1 << guard_bits) - 1 - half) * unit
            found.append(cls(rho_bits, guard_bits, half + shift, low + least - 2 * down, high + most + 2 * up))
        best = min(found, key=lambda rounding: max(-rounding.low, rounding.high))
        return cls(rho_bits, guard_bits, best.added, min(best.low, -(2.0**-rho_bits)), best.high)

    def evaluate(self, r: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.minimum((r + self.added) >> self.guard_bits, (1 << self.rho_bits) - 1)

    def build(self, p: Pipeline, r: Timed) -> Timed:
        """The same as hardware."""
        if not self.added:
            return p.limited(r.bits(self.guard_bits, r.width), self.rho_bits)
        constant = p.constant(self.added, unsigned(self.added.bit_length()))
        total = p.add(r, constant, unsigned(r.width + 1), name="rounded")
        return p.limited(total.bits(self.guard_bits, total.width), self.rho_bits)


def relative_error_of(low: float, high: float, mantissa_bits: int) -> float:
    """Bound of ``|rho / exact - 1|`` where rho is off by ``low`` to ``high`` for a mantissa that is cut to its bits.

    The mantissa is larger than what is left of it, by less than ``2**-mantissa_bits``; its reciprocal root is smaller,
    by less than half of that. Float's own rounding is in the factor.
    """
    return max(-low, high + (1 + high) * 2.0 ** -(mantissa_bits + 1)) * (1 + 2.0**-40)
