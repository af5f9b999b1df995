"""The grid of the output format, where the normalized value is rounded to it before gamma."""

from dataclasses import dataclass
from fractions import Fraction
from math import floor, frexp

from streamnorm.spec.binary_logarithm import ceil_log2

from .formats import NumberFormat

__all__ = ["GAMMA_ROUNDINGS", "OutputGrid"]

GAMMA_ROUNDINGS = ("once", "output")
"""What ``gamma_rounding`` may be: one rounding in the end; or one before gamma too, to the output format."""


@dataclass(frozen=True)
class OutputGrid:
    """Where a normalized value z is rounded before gamma: ``q = z / scale``, half to even, saturated to low … high.

    ``q + zero_point`` is a code of the output format, and ``1 / scale`` is ``mantissa * 2**-exponent``, exactly.

    Attributes
    ----------
    exponent : int
    mantissa : Fraction
        Above 1/2, at most 1; 1 where the scale is a power of two.
    low, high : int
        Smallest and largest q.
    """

    exponent: int
    mantissa: Fraction
    low: int
    high: int

    @staticmethod
    def of(output: NumberFormat) -> "OutputGrid":
        """The grid of an output format."""
        exponent = frexp(output.scale)[1] - 1
        return OutputGrid(
            exponent=exponent,
            mantissa=Fraction(2) ** exponent / Fraction(output.scale),
            low=output.min - output.zero_point,
            high=output.max - output.zero_point,
        )

    @staticmethod
    def times(factor: Fraction) -> "OutputGrid":
        """One of a single point, in whose steps a value is ``factor`` times as large."""
        exponent = -ceil_log2(factor)
        return OutputGrid(exponent, factor * Fraction(2) ** exponent, 0, 0)

    @property
    def reach(self) -> int:
        """Largest magnitude of q."""
        return max(-self.low, self.high)

    @property
    def bits(self) -> int:
        """Two's complement bits of q."""
        return max(self.high.bit_length(), (-self.low - 1).bit_length() if self.low < 0 else 0) + 1

    def largest(self, z: float) -> int:
        """Largest ``|q|`` of values of z up to the given magnitude."""
        steps = Fraction(z) * self.mantissa / Fraction(2) ** self.exponent
        # A tie goes to even; what is that near to one counts as rounded up, but 1/2 itself goes to 0.
        nearest = 0 if steps <= Fraction(1, 2) else floor(steps + Fraction(1, 2) + steps / 2**40)
        return min(nearest, self.reach)
