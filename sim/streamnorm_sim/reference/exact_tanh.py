"""Bounds of tanh of a rational number, as narrow as it takes.

``tanh(t) = (E - 1) / (E + 1)`` with ``E = exp(2 t)``. Python's decimal arithmetic rounds exp correctly, so that with P
digits ``E`` is off by less than ``10^(1 - P)`` of itself; the rounding of its argument, less than ``10^(1 - P)`` of
that, adds ``2 t`` times as much.
"""

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from fractions import Fraction

__all__ = ["tanh_bounds", "tanh_floor"]

_FLAT = 2048
"""From there on tanh is less than ``2^-4095`` below 1."""


def tanh_bounds(t: Fraction, digits: int) -> tuple[Fraction, Fraction]:
    """Numbers between which tanh of ``t > 0`` lies; it is neither. They get closer with more ``digits``."""
    if t >= _FLAT:
        # 1 - tanh(t) < 2 exp(-2 t) < 2^(1 - 2 t)
        return 1 - Fraction(1, 1 << (2 * _FLAT - 1)), Fraction(1)
    context = Context(prec=digits, Emax=MAX_EMAX, Emin=MIN_EMIN)
    argument = context.divide(Decimal(2 * t.numerator), Decimal(t.denominator))
    power = Fraction(context.exp(argument))
    # Twice the sum of both errors, which covers their product.
    doubt = power * (1 + 2 * t) * 2 / Fraction(10) ** (digits - 1)
    low, high = max(power - doubt, Fraction(1)), power + doubt
    return (low - 1) / (low + 1), (high - 1) / (high + 1)


def tanh_floor(t: Fraction, bits: int, divisor: int = 1) -> int:
    """The floor of ``2^bits * tanh(t) / divisor`` for ``t >= 0``."""
    if not t:
        return 0
    digits = bits // 3 + 20
    while True:
        low, high = (bound * (1 << bits) / divisor for bound in tanh_bounds(t, digits))
        below = low.numerator // low.denominator
        if high <= below + 1:
            return below
        digits *= 2
