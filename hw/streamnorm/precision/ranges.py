"""Exact ranges of every intermediate integer of one configuration, over all row lengths and all inputs."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, isqrt

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import NumberFormat
from streamnorm.spec.norms import Norm

__all__ = ["Ranges"]


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """What the moments and the statistic can become.

    ``d``, ``S1``, ``S2``, ``e`` and ``V`` are those of :class:`~streamnorm.spec.norms.Norm`.

    Attributes
    ----------
    difference_bits : two's complement bits of d
    difference_max : largest ``|d|``
    sum_bits : two's complement bits of ``S1 = sum(d)`` (1 where it is not used)
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
        return _ranges(config.formula, config.input, config.max_length, config.epsilon)


@lru_cache(maxsize=256)
def _ranges(norm: Norm, source: NumberFormat, longest: int, real_epsilon: float) -> Ranges:
    epsilon = Fraction(real_epsilon) / Fraction(source.scale) ** 2
    low, high = norm.differences(source.min, source.max, source.zero_point)
    largest = max(-low, high, 1)
    exponents, variance_max = [], 1
    for n in _turning_lengths(longest):
        least, most = norm.variance_limits(n, largest)
        offset = n * n * epsilon
        # The unit keeps n*e to a few fraction bits: less than 1/2 too much, less than 3/2 too little.
        highest = int(most + offset) + (n if epsilon else 0)
        variance_max = max(variance_max, highest)
        if least == 0:
            continue  # z = 0 whatever the statistic
        for variance in (highest, max(least, int(least + offset) - 2 * n)):
            exponents.append(n.bit_length() - (variance.bit_length() - 1) // 2)
    if not exponents:
        exponents = [1]
    terms = norm.nonzero_differences(longest)
    return Ranges(
        difference_bits=max((-low - 1).bit_length() if low < 0 else 0, max(high, 1).bit_length()) + 1,
        difference_max=largest,
        sum_bits=(terms * largest).bit_length() + 1 if norm.centred and terms else 1,
        square_sum_max=max(1, terms) * largest**2,
        length_bits=longest.bit_length(),
        epsilon=epsilon,
        variance_max=variance_max,
        exponent_max=max(exponents),
        exponent_min=min(exponents),
        normalized_max=_root_ceiling(norm.square_limit(longest)),
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
