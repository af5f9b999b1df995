"""One over the output scale, as a factor of rho: what makes a normalized value count output steps."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.spec.output_grid import OutputGrid

__all__ = ["OutputFactor"]

_GUARD_BITS = 2


@dataclass(frozen=True)
class OutputFactor:
    """The grid's mantissa as ``value / 2**bits``; times rho, it is kept to :attr:`rho_bits` fraction bits.

    ``z / scale`` is wanted in every lane, but ``scale`` is one for all: it goes into rho, once a row, and so into RF
    and KF. That is one product beside the statistic's others, of about ``rho_bits`` by ``rho_bits`` bits, and a few
    cycles of latency. A constant product of z in each lane would be as wide as z and take as many multipliers as there
    are lanes; in the root's table it would cost nothing, but only a root that is a table has one. The scale's power of
    two is a matter of where the binary point is, and where the scale is nothing else, there is no factor.

    Attributes
    ----------
    value, bits : int
        ``2**(bits - 1) < value < 2**bits``.
    rho_bits : int
        Fraction bits of the product, which is rounded to nearest.
    drop : int
        Fraction bits that the exact product has besides.
    constant_error, rounding_error : float
        What the constant is off by, and at most the product, relative to them.
    """

    value: int
    bits: int
    rho_bits: int
    drop: int
    constant_error: float
    rounding_error: float

    @staticmethod
    def of(grid: OutputGrid | None, rho_bits: int) -> OutputFactor | None:
        """The factor of a rho of that many bits; None where none is needed."""
        if grid is None or grid.mantissa == 1:
            return None
        bits = rho_bits + _GUARD_BITS
        value = min(max(round(grid.mantissa * (1 << bits)), (1 << (bits - 1)) + 1), (1 << bits) - 1)
        while value % 2 == 0:
            value, bits = value // 2, bits - 1
        kept = rho_bits + min(_GUARD_BITS, bits)
        drop = rho_bits + bits - kept
        # rho times the mantissa is 1/4 at least.
        rounding_error = 0.5 / (1 << (kept - 2)) if drop else 0.0
        constant_error = float(abs(Fraction(value, 1 << bits) / grid.mantissa - 1))
        return OutputFactor(value, bits, kept, drop, constant_error, rounding_error)

    @property
    def relative_error(self) -> float:
        """The largest relative error of the product beside that of rho."""
        return self.constant_error + self.rounding_error

    def evaluate(self, rho: npt.NDArray[np.integer]) -> npt.NDArray[Any]:
        """The rounded product of rho and the factor; ``rho_bits + bits`` bits must fit rho's type."""
        product = rho * self.value
        return (product + (1 << (self.drop - 1))) >> self.drop if self.drop else product
