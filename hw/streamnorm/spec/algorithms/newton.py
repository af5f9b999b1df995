"""The two LayerNorms that take a root by Newton's iteration and a reciprocal by a division."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from math import sqrt

from .integer_layernorm import IntegerBounds, IntegerLayerNorm, IntegerValue

__all__ = ["NewtonLayerNorm", "descents"]


class NewtonLayerNorm(IntegerLayerNorm):
    """LayerNorm with ``k = (k + V // k) // 2`` again and again, and ``z = (y * (numerator // (k << shift))) >> 1``.

    Attributes
    ----------
    numerator : of the division by the deviation
    deviation_start : k at first; None for the power of two at or above the root, as far as V's bits tell
    deviation_min : the smallest k that is divided by; a smaller one is replaced by it
    """

    numerator: int
    deviation_start: int | None
    deviation_min: int

    def step(self, longest: int) -> float:
        return sqrt(longest) / 2.0**30

    def limits(self, bounds: IntegerBounds) -> tuple[int, int]:
        # No iterate is below the root of V, once there has been one, and no y >> shift above it. So |y| <= k without a
        # shift; and with one, y < (k + 1) << shift, at most twice k << shift, as k is at least 1.
        half = (self.numerator + 1) // 2
        return (-half, 2 * half) if bounds.shift else (-half, self.numerator // 2)

    def way(self, bounds: IntegerBounds) -> Sequence[IntegerValue]:
        bits, shifted = bounds.variance_max.bit_length(), f" 2^{bounds.shift}" if bounds.shift else ""
        count = f"{self.iterations(bits)} iterations of k = (k + V / k) / 2"
        return (
            IntegerValue("k", self.deviation_bits(bits), f"root of V: {count}"),
            IntegerValue("factor", self.factor_bits(bounds.shift), f"{self.numerator} / k{shifted}, floor"),
        )

    @abstractmethod
    def iterations(self, bits: int) -> int:
        """How many there are for a V of so many bits."""

    def deviation_bits(self, bits: int) -> int:
        """Bits of k for a V of so many bits."""
        start = 0 if self.deviation_start is None else self.deviation_start.bit_length()
        return max((bits + 1) // 2 + 1, start)

    @staticmethod
    def quotient_bits(bits: int) -> int:
        """Bits of ``V // k`` for a V of so many: k is at least the root of V, rounded down, so it is that and 2."""
        return (bits + 1) // 2 + 1

    def factor_bits(self, shift: int) -> int:
        """Bits of ``numerator // (k << shift)``."""
        return (self.numerator // (self.deviation_min << shift)).bit_length()


def descents(bits: int) -> int:
    """Iterations after which k is the root of V, rounded down, for every V of up to ``bits`` bits.

    k begins at ``2**ceil(bits(V)/2)``, at most twice the root s. Without floors, r = k/s becomes ``(r + 1/r) / 2``,
    which rises with r, so that r from 2 on is an upper bound, and floors only lower k, which never falls below s
    rounded down. Where ``s * (r - 1) < 1``, k is that or one more; in the latter case V < k**2, and the next step goes
    down.
    """
    ratio, count = Fraction(2), 0
    while (1 << bits) * (ratio - 1) ** 2 >= 1:
        ratio, count = (ratio + 1 / ratio) / 2, count + 1
    return count + 1
