"""A straight line of z, times z: what damps large values before gamma."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from amaranth.hdl import signed, unsigned

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed
    from streamnorm.spec.output_grid import OutputGrid

__all__ = ["Curve", "curvature_on"]

_SLOPE_GUARD, _CODE_GUARD = 1, 3


def curvature_on(grid: OutputGrid | None, curvature: float) -> Fraction:
    """k of values that are multiplied by the grid's mantissa."""
    return Fraction(curvature) / (1 if grid is None else grid.mantissa)


@dataclass(frozen=True)
class Curve:
    """``u = z - k*z**2`` as ``z * t`` with ``t = 1 - k*z``, of values with ``frac_bits`` fraction bits.

    1. ``t = (1 << slope_frac_bits) - ((code * z) >> drop)``, floor; ``code = k * 2**code_frac_bits``, rounded
    2. ``u = ((z * t + half) >> slope_frac_bits) + added``, ``frac_bits`` fraction bits, rounded half up

    Where u is rounded to the output format before gamma, z and u are those numbers times the grid's mantissa m, and so
    counts k as k / m; ``added`` is half an output step then.

    Attributes
    ----------
    code, code_frac_bits : k as a constant
    frac_bits, slope_frac_bits : fraction bits of z and u, and of t
    bits, slope_bits : two's complement bits of u and of t
    added : what is added to u
    """

    code: int
    code_frac_bits: int
    frac_bits: int
    slope_frac_bits: int
    bits: int
    slope_bits: int
    added: int

    @staticmethod
    @lru_cache(maxsize=1024)  # the search asks for the same ones thousands of times
    def of(curvature: float, largest: int, frac_bits: int, grid: OutputGrid | None) -> Curve:
        """The curve of a curvature, which is not 0, for ``|z| <= largest``.

        With a grid, one of its steps has two fraction bits at least.
        """
        slope_frac_bits, code_frac_bits = frac_bits + _SLOPE_GUARD, frac_bits + _CODE_GUARD
        k, half_step = curvature_on(grid, curvature), 0 if grid is None else 1 << (frac_bits + grid.exponent - 1)
        farthest = int(largest + k * largest**2 + 1) + (half_step >> frac_bits)
        return Curve(
            code=max(1, round(k * (1 << code_frac_bits))),
            code_frac_bits=code_frac_bits,
            frac_bits=frac_bits,
            slope_frac_bits=slope_frac_bits,
            bits=farthest.bit_length() + frac_bits + 1,
            slope_bits=int(2 + k * largest).bit_length() + slope_frac_bits + 1,
            added=half_step,
        )

    @property
    def drop(self) -> int:
        """Fraction bits of ``code * z`` that t has not."""
        return self.frac_bits + self.code_frac_bits - self.slope_frac_bits

    def slope_error(self) -> float:
        """What t is off by at most because it is cut."""
        return 2.0**-self.slope_frac_bits

    def code_error(self) -> float:
        """What k is off by at most; if it is not below the smallest code."""
        return 2.0**-self.code_frac_bits

    def evaluate(self, z: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """``u``; ``bits + slope_frac_bits`` and ``slope_bits`` with those of z must fit the type."""
        t = (1 << self.slope_frac_bits) - ((z * self.code) >> self.drop)
        return ((z * t + (1 << (self.slope_frac_bits - 1))) >> self.slope_frac_bits) + self.added

    def build(self, p: Pipeline, z: Timed, distance: float) -> Timed:
        """The same as hardware; ``distance`` as of `Pipeline.multiply`."""
        code = p.constant(self.code, signed(self.code.bit_length() + 1))
        product = p.multiply(z, code, distance=distance)
        cut = product.bits(self.drop, product.width).as_signed()
        one = p.constant(1 << self.slope_frac_bits, signed(self.slope_frac_bits + 2))
        t = p.add(one, cut, signed(self.slope_bits), subtract=True, name="slope")
        curved = p.multiply(z, t, distance=distance)
        upper = curved.bits(self.slope_frac_bits, curved.width).as_signed()
        half = curved.bits(self.slope_frac_bits - 1, self.slope_frac_bits)
        if self.added:  # above the bit that rounds: one adder takes both
            half = p.concat(half, p.constant(self.added >> 1, unsigned(self.added.bit_length() - 1)))
        return p.add(upper, half, signed(self.bits), name="curved")
