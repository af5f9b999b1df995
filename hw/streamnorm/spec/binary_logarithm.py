"""Between which powers of two a rational number lies."""

from fractions import Fraction

__all__ = ["ceil_log2", "floor_log2"]


def floor_log2(value: Fraction) -> int:
    """The largest k with ``2**k <= value``, which must be above 0."""
    power = value.numerator.bit_length() - value.denominator.bit_length()
    return power if Fraction(2) ** power <= value else power - 1


def ceil_log2(value: Fraction) -> int:
    """The smallest k with ``2**k >= value``, which must be above 0."""
    return -floor_log2(1 / value)
