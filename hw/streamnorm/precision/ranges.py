"""Exact ranges of every intermediate integer of one configuration, over all row lengths and all inputs."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, isqrt

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat

__all__ = ["Ranges"]


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """What the moments and the statistic can become.

    ``d`` is what the unit works on: ``x - pivot`` with the row's first element as the pivot for LayerNorm (the
    normalized value does not change, and ``n*d - sum(d)`` equals ``n*x - sum(x)``), ``x - zero_point`` for RMSNorm.
    ``V = n*(sum(d**2) + n*e) - sum(d)**2`` with ``e = epsilon / scale**2`` (RMSNorm: without the last term).

    Attributes
    ----------
    difference_bits : two's complement bits of d
    difference_max : largest ``|d|``
    sum_bits : two's complement bits of ``S1 = sum(d)`` (RMSNorm: 1, it is not used)
    square_sum_max : largest ``S2 = sum(d**2)``
    length_bits : bits of n
    epsilon : e, exact
    variance_max : largest integer part of V
    exponent_max, exponent_min : over all rows with V >= 1, the largest and smallest ``h = bits(n) - k``,
        with ``4**k <= V < 4**(k+1)``; ``n/sqrt(V)`` lies between ``2**(h-2)`` and ``2**h``
    normalized_max : an integer bound of ``|z|``
    """

    difference_bits: int
    difference_max: int
    sum_bits: int
    square_sum_max: int
    length_bits: int
    epsilon: Fraction
    variance_max: int
    exponent_max: int
    exponent_min: int
    normalized_max: int

    @staticmethod
    def of(config: NormConfig) -> "Ranges":
        """The ranges of a configuration (cached)."""
        return _ranges(config.norm == "layernorm", config.input, config.max_length, config.epsilon)


@lru_cache(maxsize=256)
def _ranges(centred: bool, source: IntFormat, longest: int, real_epsilon: float) -> Ranges:
    epsilon = Fraction(real_epsilon) / Fraction(source.scale) ** 2
    if centred:
        low, high = source.min - source.max, source.max - source.min
        squares = longest - 1
    else:
        low, high = source.min - source.zero_point, source.max - source.zero_point
        squares = longest
    largest = max(-low, high, 1)
    exponents, variance_max = [], 1
    for n in _turning_lengths(longest):
        offset = n * n * epsilon
        if centred:
            most = (n // 2) * ((n + 1) // 2) * largest**2
            least = n - 1
        else:
            most, least = n * n * largest**2, n
        # The unit keeps n*e to a few fraction bits: less than 1/2 too much, less than 3/2 too little.
        highest = int(most + offset) + (n if epsilon else 0)
        variance_max = max(variance_max, highest)
        if least == 0:
            continue  # one element: D = 0, z = 0 whatever the statistic
        for variance in (highest, max(least, int(least + offset) - 2 * n)):
            exponents.append(n.bit_length() - (variance.bit_length() - 1) // 2)
    if not exponents:
        exponents = [1]
    return Ranges(
        difference_bits=max((-low - 1).bit_length() if low < 0 else 0, max(high, 1).bit_length()) + 1,
        difference_max=largest,
        sum_bits=((longest - 1) * largest).bit_length() + 1 if centred and longest > 1 else 1,
        square_sum_max=max(1, squares) * largest**2,
        length_bits=longest.bit_length(),
        epsilon=epsilon,
        variance_max=variance_max,
        exponent_max=max(exponents),
        exponent_min=min(exponents),
        normalized_max=_root_ceiling(longest - 1 if centred else longest),
    )


def _turning_lengths(longest: int) -> list[int]:
    """The shortest and the longest length of each bit length: no other has a larger V or an exponent farther out.

    The largest and the smallest V never fall as n grows; so among lengths of the same bit length, the shortest has the
    largest exponent and the longest the smallest.
    """
    bits = range(1, longest.bit_length() + 1)
    return sorted({1 << b - 1 for b in bits} | {min((1 << b) - 1, longest) for b in bits})


def _root_ceiling(value: int) -> int:
    root = isqrt(value)
    return max(1, root if root * root == value else ceil(root + 1))
