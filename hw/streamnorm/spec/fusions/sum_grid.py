"""From the steps of a sum to the steps of the format in which it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from streamnorm.errors import ConfigError
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.simplest_fraction import simplest_fraction

__all__ = ["SumGrid"]

_STEP_PART = 8
"""A power of two: the ratio of the steps is stored so that no sum is off by more than such a part of a step that leaves
because of it."""


@dataclass(frozen=True)
class SumGrid:
    """``ratio * (r - zero_point) + target.zero_point``, rounded half to even and saturated, in integers:

        a = factor * r + offset        code = a >> (drop + frac_bits)

    and a tie where the ``frac_bits`` bits below are 0, as they hold half a step more. Every rounding is that of the
    exact value for ``ratio``, ties included. In units of ``2**-frac_bits``: a product is off by at most 1/4, the offset
    has 1/2 besides, so that ties are from 1/4 to 3/4 above what they seem, and values that are no ties are at least 2
    away from one.

    Attributes
    ----------
    ratio : worth of a step of r in steps of the format that leaves, a fraction of small integers
    factor, offset, drop, frac_bits : the constants
    """

    ratio: Fraction
    factor: int
    offset: int
    drop: int
    frac_bits: int

    @staticmethod
    def of(source: IntFormat, step: Fraction, target: IntFormat) -> SumGrid:
        """The grid for r of the format ``source``, of which 1 is worth ``step``, exactly.

        Raises
        ------
        ConfigError
            If every sum would be rounded to 0.
        """
        reach = max(source.max - source.zero_point, source.zero_point - source.min)
        wanted = step / Fraction(target.scale)
        if wanted * reach * 2 <= 1:
            raise ConfigError(
                f"in [residual.sum]: scale = {target.scale:g}: every sum would be 0, since sums are at most "
                f"{float(step * reach):.3g}; must be less than {2 * float(step * reach):.3g}"
            )
        ratio = simplest_fraction(wanted, Fraction(1, reach << _STEP_PART))
        p, q = ratio.numerator, ratio.denominator
        if q & (q - 1) == 0:  # exact: ties are where they seem to be
            drop, frac = 0, max(q.bit_length() - 1, 1)
            factor, bias = p << frac >> (q.bit_length() - 1), 0
        else:
            frac = (4 * q - 1).bit_length()
            shift = (reach - 1).bit_length() + frac + 1
            factor = round(ratio * 2**shift)
            drop = shift - frac
            bias = 1 << (drop - 1)
        unit = 1 << (drop + frac)
        offset = -factor * source.zero_point + target.zero_point * unit + unit // 2 + bias
        return SumGrid(ratio, factor, offset, drop, frac)
