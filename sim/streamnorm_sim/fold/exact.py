"""Arithmetic on float64 numbers without an error, and one rounding at the end."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Integers", "as_integers", "plus_root", "power_of_two", "rounded", "rounded_quotients", "rounded_root"]

Integers = NDArray[Any]
"""An array of Python's integers, which have as many digits as it takes; of type object."""

_MANTISSA_BITS = 53
_FIRST_BITS = 128
"""Bits of a root at first: more than two float64 have. Few sums take more, those that nearly cancel."""


def as_integers(values: NDArray[np.float64]) -> tuple[Integers, int]:
    """Return integers and one exponent: ``values`` are ``integers * 2**exponent``, exactly."""
    mantissa, exponents = np.frexp(values)
    integers = np.ldexp(mantissa, _MANTISSA_BITS).astype(np.int64).astype(object)
    there = mantissa != 0
    if not there.any():
        return integers, 0
    exponent = int(exponents[there].min())
    return integers << np.where(there, exponents - exponent, 0).astype(object), exponent - _MANTISSA_BITS


def power_of_two(exponent: int) -> Fraction:
    """Return ``2**exponent``."""
    return Fraction(1 << exponent) if exponent >= 0 else Fraction(1, 1 << -exponent)


def rounded(value: Fraction) -> float:
    """Return the nearest float64, half to even; infinite beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def rounded_quotients(numerators: Integers, exponent: int, divisor: int = 1) -> NDArray[np.float64]:
    """Return ``numerators * 2**exponent / divisor``, rounded to nearest, half to even; infinite beyond float64."""
    scaled = numerators << max(exponent, 0)
    divisor <<= max(-exponent, 0)
    try:
        return (scaled / divisor).astype(np.float64)  # Python divides integers so
    except OverflowError:
        quotients = [rounded(Fraction(int(each), divisor)) for each in scaled.flat]
        return np.array(quotients, np.float64).reshape(scaled.shape)


def plus_root(offset: Fraction, sign: int, square: Fraction) -> float:
    """Return ``offset + sign * sqrt(square)``, rounded to nearest, half to even; infinite beyond float64."""
    numerator, denominator = square.as_integer_ratio()
    root = Fraction(math.isqrt(numerator), math.isqrt(denominator))
    if root * root == square:
        return rounded(offset + sign * root)
    # An irrational sum is no float64 and not half-way between two: enough bits of the root tell where it lies.
    bits = _FIRST_BITS
    while True:
        places = bits + (denominator.bit_length() - numerator.bit_length()) // 2
        step = power_of_two(-places)
        below = math.isqrt(math.floor(square / (step * step)))
        ends = {rounded(offset + sign * step * each) for each in (below, below + 1)}
        if len(ends) == 1:
            return ends.pop()
        bits *= 2


def rounded_root(value: Fraction, halvings: int) -> float:
    """Return the ``2**halvings``-th root of a positive ``value``, rounded to nearest, half to even."""
    root = Fraction(_floor_root(value.numerator, halvings), _floor_root(value.denominator, halvings))
    degree = 1 << halvings
    if root**degree == value:
        return rounded(root)
    bits = _FIRST_BITS  # as above
    while True:
        places = bits + (value.denominator.bit_length() - value.numerator.bit_length()) // degree
        step = power_of_two(-places)
        below = _floor_root(math.floor(value / step**degree), halvings)
        ends = {rounded(step * each) for each in (below, below + 1)}
        if len(ends) == 1:
            return ends.pop()
        bits *= 2


def _floor_root(value: int, halvings: int) -> int:
    for _ in range(halvings):  # the floor of a root of a floor is that of the root of the root
        value = math.isqrt(value)
    return value
