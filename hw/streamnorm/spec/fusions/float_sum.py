"""The sum of rows of floating-point numbers, in front of the norm: exact, then rounded once."""

from __future__ import annotations

from dataclasses import dataclass
from math import frexp

from streamnorm.errors import ConfigError
from streamnorm.spec.formats import FloatFormat

__all__ = ["FloatSum"]

FACTOR_BITS = 8
"""Significant bits of alpha, those of a bf16 number: a mantissa is multiplied by them exactly, in adders."""

ALPHA_MIN = 1e-9
"""The least magnitude of alpha: as far from 1 as the largest."""


@dataclass(frozen=True)
class FloatSum:
    """How a sum ``r = alpha * x + f`` of floating-point numbers is formed: the exact one, rounded half to even to
    ``number``.

    Zeros, infinities and NaN are those of IEEE 754: a sum of 0 is +0 unless both terms are -0, infinities of opposite
    signs are NaN. A sum beyond the largest number becomes what the ``overflow`` of ``number`` says, and a NaN the one
    without sign and payload.

    Attributes
    ----------
    x, f : formats of the terms
    negative, factor, shift : alpha is ``(-1)**negative * factor * 2**shift``, the factor odd
    number : format of r
    """

    x: FloatFormat
    f: FloatFormat
    negative: bool
    factor: int
    shift: int
    number: FloatFormat

    @staticmethod
    def of(x: FloatFormat, f: FloatFormat, alpha: float, number: FloatFormat) -> FloatSum:
        """The sum with that alpha.

        Raises
        ------
        ConfigError
            If alpha has more than :data:`FACTOR_BITS` significant bits, or is too small.
        """
        if abs(alpha) < ALPHA_MIN:
            raise ConfigError(f"in [residual]: alpha = {alpha:g}: its magnitude must be at least {ALPHA_MIN:g}")
        fraction, exponent = frexp(abs(alpha))
        bits = fraction * 2**FACTOR_BITS
        if bits != int(bits):
            low, high = (float(whole) * 2.0 ** (exponent - FACTOR_BITS) for whole in (int(bits), int(bits) + 1))
            sign = -1.0 if alpha < 0 else 1.0
            raise ConfigError(
                f"in [residual]: alpha = {alpha!r}: must have at most {FACTOR_BITS} significant bits, as numbers of "
                f"bf16 have, beside floating-point rows, of which alpha x is exact; the nearest are {sign * low:.10g} "
                f"and {sign * high:.10g}"
            )
        factor, shift = int(bits), exponent - FACTOR_BITS
        places = (factor & -factor).bit_length() - 1
        return FloatSum(x, f, alpha < 0, factor >> places, shift + places, number)

    @property
    def x_bits(self) -> int:
        """Bits of a mantissa of alpha x."""
        return self.x.precision + (self.factor.bit_length() if self.factor > 1 else 0)

    @property
    def exponents(self) -> tuple[int, int]:
        """Of what the lowest bit of a mantissa of alpha x, and of f, is worth in binade 0, in the smallest number of
        the sum."""
        least = self.number.scale_exponent
        return self.x.scale_exponent + self.shift - least, self.f.scale_exponent - least

    @property
    def field_bits(self) -> int:
        """Bits of the field in which the two terms are added, the one with the higher top at the top of it, the other
        shifted right, its lowest bit 1 as well where a 1 was shifted out: enough that the sum in the field is rounded
        as the exact one is.

        Proof. Let H be the term at the top of the field, h, of w bits, and L the other one, of v bits, shifted right by
        s. Where bits of L are lost, its lowest bit is 1, and that of H is 0 if the field is wider than w: the sum found
        is the odd one of the two numbers of the field's grid between which the exact sum lies. It is rounded like that
        one if no number where the rounding changes is odd on that grid, nor between the two: if the grid is at least
        twice as fine as the bit below the last place of the result.

        With at most z zeros above the leading one of H, ``H >= 2**(h - 1 - z)`` and ``L < 2**(h - s)``. Where
        ``s <= z + 1``, no bit of L is lost if the field has ``v + z + 1`` bits. Elsewhere the sum is at least
        ``2**(h - 2 - z)``, the bit below its last place at least ``2**(h - 2 - z - precision)``, and
        ``precision + z + 3`` bits are enough. A normal number has no zeros there, and its product with the factor has
        one at most.

        A subnormal number has more, all its bits but one. L is below it by no more than the lowest top of H is above
        that of L, if it is at all: so many bits more hold all of L. And no bit of a result is below the smallest
        number, whose half is two bits above the grid if the field has two bits more than the lowest top of H.
        """
        terms = [(self.x_bits, int(self.factor > 1), self.x.fraction_bits), (self.f.precision, 0, self.f.fraction_bits)]
        tops = [bits + exponent for (bits, *_), exponent in zip(terms, self.exponents, strict=True)]
        precision = self.number.precision
        needed = 0
        for (of_h, of_l), (top, below) in ((terms, tops), (terms[::-1], tops[::-1])):
            width, zeros, more = of_h
            needed = max(needed, width + 1, _for_zeros(zeros, of_l[0], precision))
            if top > below:
                subnormal = _for_zeros(zeros + more, of_l[0], precision)
                needed = max(needed, min(of_l[0] + top - below, max(top, 0) + 2, subnormal))
        return needed

    def formed(self, alpha: float) -> tuple[str, str]:
        """The sum with that alpha, and how it is formed, in a few words."""
        times = f"{alpha:g} x + f" if alpha != 1.0 else "x + f"
        return times, f"{self.number.name}, rounded once, half to even"

    @property
    def in_full(self) -> str:
        """The same for whoever reads the Verilog."""
        return f", rounded once, half to even, to {self.number.name}"


def _for_zeros(zeros: int, other_bits: int, precision: int) -> int:
    """Bits of a field whose higher term has so many zeros above its leading one."""
    return max(other_bits, precision + 2) + zeros + 1
