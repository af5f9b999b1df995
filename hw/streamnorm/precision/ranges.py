"""Exact ranges of every intermediate integer of one configuration, over all row lengths and all inputs."""

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, isqrt

from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import EpsilonPlacement
from streamnorm.spec.norms import Norm

__all__ = ["Ranges", "difference_limits"]

_SMALLEST = 4
"""Least V with its guard, so that what epsilon is rounded to never takes it below 1."""


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """What the moments and the statistic can become.

    ``d``, ``S1``, ``S2``, ``e`` and ``V`` are those of :class:`~streamnorm.spec.norms.Norm`.

    Attributes
    ----------
    difference_bits : two's complement bits of d
    difference_max : largest ``|d|``
    sum_bits : two's complement bits of ``S1 = sum(d)`` (1 where it is not used)
    square_sum_max : largest ``S2 = sum(d**2)``, or M where a norm has it in that place
    length_bits : bits of n
    weight_max : largest w, which is n itself or what the norm says
    weight_bits, count_bits : bits of w, and of what it is made of
    epsilon : e, exact
    variance_max : largest integer part of V
    root_guard : g, where V may be less than 1 and z is not 0: 2g of its fraction bits count as integer ones from there
        on where its leading one is sought
    exponent_max, exponent_min : over all rows with ``V >= 4**-g``, the largest and smallest ``h = bits(w) - k``,
        with ``4**k <= V < 4**(k+1)``; ``w/sqrt(V)`` lies between ``2**(h-2)`` and ``2**h``. Bits of the root of w where
        that stands for w.
    normalized_max : an integer bound of ``|z|``
    """

    difference_bits: int
    difference_max: int
    sum_bits: int
    square_sum_max: int
    length_bits: int
    weight_max: int
    weight_bits: int
    count_bits: int
    epsilon: Fraction
    variance_max: int
    root_guard: int
    exponent_max: int
    exponent_min: int
    normalized_max: int
    tail: int = 0

    @staticmethod
    def of(config: NormConfig) -> "Ranges":
        """The ranges of a configuration (cached)."""
        differences = difference_limits(config)
        terms = config.formula.nonzero_differences(config.max_length)
        if config.is_floating and config.formula.pivot_in_row:
            terms += 1  # no element is the pivot
        spread = config.input.max - config.input.min
        return _ranges(
            config.formula, config.placement, differences, terms, config.max_length, config.epsilon_in_steps, spread
        )


def difference_limits(config: NormConfig) -> tuple[int, int]:
    """Two's complement bits of d, and its largest magnitude."""
    source = config.input
    low, high = config.formula.differences(source.min, source.max, source.zero_point)
    if config.is_floating:  # no element is a pivot there
        low, high = source.min - source.zero_point, source.max - source.zero_point
    bits = max((-low - 1).bit_length() if low < 0 else 0, max(high, 1).bit_length()) + 1
    return bits, max(-low, high, 1)


@lru_cache(maxsize=256)
def _ranges(
    norm: Norm,
    placement: EpsilonPlacement,
    differences: tuple[int, int],
    terms: int,
    longest: int,
    epsilon: Fraction,
    spread: int,
) -> Ranges:
    bits, largest = differences
    square_limit = norm.square_limit(longest)
    guard = 0
    if square_limit is None:
        assert epsilon > 0
        while epsilon * 4**guard < _SMALLEST:
            guard += 1
    exponents, of_sums, variance_max = [], [], 1
    for n in _turning_lengths(norm, longest):
        weight = norm.weight_in_variance(n)
        least, most = norm.variance_limits(n, largest)
        added = weight * norm.weight(n) * epsilon
        lowest, highest = placement.limits(least, most, added, weight)
        variance_max = max(variance_max, highest)
        if square_limit is None:
            lowest, highest = int(added * 4**guard * Fraction(63, 64)), (highest + 1) << 2 * guard
        elif least == 0:
            continue  # z = 0 whatever the statistic
        for variance in (highest, lowest):
            exponents.append(norm.exponent(n) + guard - (variance.bit_length() - 1) // 2)
        if placement.cut:
            of_sums.append(norm.exponent(n) - (most.bit_length() - 1) // 2)
    if not exponents:
        exponents = [1]
    return Ranges(
        difference_bits=bits,
        difference_max=largest,
        sum_bits=(terms * largest).bit_length() + 1 if norm.has_sum and terms else 1,
        square_sum_max=_square_sum_max(norm, terms, longest, largest, spread),
        length_bits=longest.bit_length(),
        weight_max=norm.weight(longest),
        weight_bits=max(1, norm.weight(longest).bit_length()),
        count_bits=norm.count(longest).bit_length(),
        epsilon=epsilon,
        variance_max=variance_max,
        root_guard=guard,
        exponent_max=max(exponents),
        exponent_min=min(exponents),
        normalized_max=_root_ceiling(ceil(largest**2 / epsilon) if square_limit is None else square_limit),
        tail=min(of_sums) - min(exponents) if of_sums else 0,
    )


def _square_sum_max(norm: Norm, terms: int, longest: int, largest: int, spread: int) -> int:
    if norm.has_absolute_sum:
        return max(1, isqrt(norm.variance_limits(longest, spread)[1]))
    return max(1, terms) * largest**2 if norm.has_squares else 1


def _turning_lengths(norm: Norm, longest: int) -> list[int]:
    """The shortest and the longest row of each exponent of w: no other has a larger V or an exponent farther out.

    The largest and the smallest V never fall as n grows; so among lengths with w of the same exponent, the shortest
    has the largest exponent and the longest the smallest.
    """
    lengths = range(1, longest + 1)
    starts = {bisect_left(lengths, bits, key=norm.exponent) for bits in range(norm.exponent(longest) + 1)}
    return sorted({lengths[start] for start in starts} | {start for start in starts if start} | {longest})


def _root_ceiling(value: int) -> int:
    root = isqrt(value)
    return max(1, root if root * root == value else ceil(root + 1))
