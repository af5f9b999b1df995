"""The fraction with the smallest denominator in an interval."""

from fractions import Fraction
from math import floor

__all__ = ["simplest_fraction"]


def simplest_fraction(value: Fraction, error: Fraction) -> Fraction:
    """The fraction of the smallest denominator, and then numerator, that is at most ``error`` from ``value``.

    ``value`` must be above ``error``, which may be 0. It is the first node of the Stern–Brocot tree within the
    interval, found by the continued fraction that both ends have in common.
    """
    low, high = value - error, value + error
    assert low > 0
    whole: list[int] = []
    while floor(low) != low and floor(low) == floor(high):
        whole.append(floor(low))
        low, high = 1 / (high - floor(high)), 1 / (low - floor(low))
    found = Fraction(-floor(-low))
    for digit in reversed(whole):
        found = digit + 1 / found
    return found
