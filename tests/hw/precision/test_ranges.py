"""Ranges against every single row of tiny formats."""

from fractions import Fraction
from itertools import product
from math import isqrt

import numpy as np
import pytest

from drawn import drawn_config
from family import PART, WITH_STATISTIC, can_be, keys_of
from streamnorm.precision.precision import Precision
from streamnorm.precision.ranges import Ranges
from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import MomentValues
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.reference.rows import corner_rows


def config(member: str, source: IntFormat, length: int, epsilon: float = 0.0) -> NormConfig:
    reach = (source.max - source.min) * source.scale / 2
    keys = keys_of(member, longest=length, epsilon=epsilon, reach=reach)
    return NormConfig(**keys, lanes=1, max_length=length, input=source, output=IntFormat(8, scale=0.05))


class Moments:
    """``d``, ``S1``, ``S2`` (or M) and the unit's integer V (or its root, with its fraction bits) of equal rows."""

    def __init__(self, config: NormConfig, rows: np.ndarray) -> None:
        norm, precision = config.formula, Precision.of(config)
        self.n = n = rows.shape[1]
        x = rows.astype(object)
        self.d = x - (x[:, :1] if norm.centred else config.input.zero_point)
        counted = self.d[:, : norm.statistic_length]
        self.s1 = counted.sum(axis=1) if norm.has_sum else 0 * self.d[:, 0]
        self.s2 = (counted**2).sum(axis=1) if norm.has_squares else 0 * self.d[:, 0]
        self.weight = norm.weight(n)
        total = self.s2 + norm.has_squared_sum * self.s1**2
        square = norm.has_variance * self.s1**2
        count = norm.count(n)
        self.spread = count * total - square
        self.factor = 1
        if norm.has_sample_variance:
            self.spread, self.factor = self.weight * self.spread, n - 1
        absolute = None
        if norm.has_absolute_sum:
            absolute = self.s2 = np.abs(n * self.d - self.s1[:, None]).sum(axis=1)
            self.spread, self.factor = absolute**2, n
        self.fraction_bits = precision.variance_frac_bits
        counts = np.full(len(rows), count, object)
        weights = np.full(len(rows), self.weight, object) if norm.has_factor else counts
        self.numerator_bits = (isqrt(self.weight) if norm.has_weight_root else self.weight).bit_length()
        self.v = config.placement.evaluate(precision, MomentValues(weights, counts, total, square, absolute))


def check(config: NormConfig, rows: np.ndarray) -> Moments:
    """Every row of ``rows`` (all of one length) lies within the ranges."""
    ranges, precision, moments = Ranges.of(config), Precision.of(config), Moments(config, rows)
    n, weight, size = moments.n, moments.weight, 1 << ranges.difference_bits - 1
    assert -size <= moments.d.min() <= moments.d.max() < size
    assert np.abs(moments.d).max() <= ranges.difference_max
    size = 1 << ranges.sum_bits - 1
    assert -size <= moments.s1.min() <= moments.s1.max() < size
    assert moments.s2.max() <= ranges.square_sum_max
    assert n.bit_length() <= ranges.length_bits
    assert weight.bit_length() <= ranges.weight_bits
    bits = precision.root_bits[0] - 2 * ranges.root_guard
    assert moments.v.max() >> moments.fraction_bits < 1 << bits
    power = 2 if precision.gives_deviation else 1
    if precision.epsilon_code == 0:
        assert moments.v.max() ** power <= ranges.variance_max
    unlimited = config.formula.square_limit(n) is None
    varied = (moments.spread > 0) | unlimited
    whole = moments.v[varied] >> precision.root_bits[1]
    assert (whole >= 1).all()
    if varied.any():
        for extreme in (int(whole.min()), int(whole.max())):
            k = (extreme.bit_length() - 1) * power // 2 - ranges.root_guard
            assert ranges.exponent_min <= moments.numerator_bits - k <= ranges.exponent_max, (n, extreme)
    # z**2 = c**2 / V <= normalized_max**2
    numerators = weight * moments.d - (moments.factor * moments.s1[:, None] if config.formula.centred else 0)
    added = weight**2 * ranges.epsilon
    if config.placement.name == "root":
        radicand = moments.spread  # and more, which is irrational
    elif config.placement.name == "floor":
        radicand = np.array([max(spread, added) for spread in moments.spread])
    else:
        radicand = moments.spread + added if added else moments.spread
    assert ((numerators**2).max(axis=1) <= ranges.normalized_max**2 * radicand).all()
    return moments


def every_row(source: IntFormat, n: int) -> np.ndarray:
    return np.array(list(product(range(source.min, source.max + 1), repeat=n)))


@pytest.mark.parametrize("member", WITH_STATISTIC)
@pytest.mark.parametrize("source", [IntFormat(4), IntFormat(4, signed=False, zero_point=11)], ids=["s", "u"])
@pytest.mark.parametrize("epsilon", [0.0, 0.01, 7.3, 3000.0])
def test_every_row_of_up_to_3_elements_is_within_and_every_range_is_reached(member, source, epsilon):
    if not can_be(member, epsilon):
        return
    longest = 3
    unit = config(member, source, longest, epsilon)
    norm, ranges = unit.formula, Ranges.of(unit)
    moments = [check(unit, every_row(source, n)) for n in range(1, longest + 1)]
    d = np.concatenate([m.d.ravel() for m in moments])
    s1 = np.concatenate([m.s1 for m in moments])
    assert np.abs(d).max() == ranges.difference_max
    half = 1 << ranges.difference_bits - 2
    assert d.min() < -half or d.max() >= half  # one bit less would not do
    measured = norm.has_squares or norm.has_absolute_sum
    if measured:
        assert max(int(m.s2.max()) for m in moments) == ranges.square_sum_max
    if norm.has_sum:
        half = 1 << ranges.sum_bits - 2
        assert s1.min() < -half or s1.max() >= half
    else:
        assert ranges.sum_bits == 1
    if not epsilon and measured:
        assert max(int(m.spread.max()) for m in moments) == ranges.variance_max
        exponents = {m.numerator_bits - (int(v).bit_length() - 1) // 2 for m in moments for v in m.spread if v}
        assert (min(exponents), max(exponents)) == (ranges.exponent_min, ranges.exponent_max)
    elif measured:
        assert ranges.epsilon == Fraction(epsilon) ** (1 if unit.placement.name == "variance" else 2)


@pytest.mark.parametrize("member", WITH_STATISTIC)
def test_every_row_of_4_elements_is_within(member):
    source = IntFormat(4, zero_point=-3)
    check(config(member, source, 4, 1e-3 if member == PART else 0.0), every_row(source, 4))


@pytest.mark.parametrize("seed", range(15, 30))
def test_corner_rows_of_any_format_are_within(seed):
    unit = drawn_config(seed, members=WITH_STATISTIC, accuracy="faithful")
    for _, row in corner_rows(unit, np.random.default_rng(seed)).values():
        check(unit, row[None, :])


def test_epsilon_rounded_up_across_a_power_of_four_is_within():
    """The exact V is just below ``4**exponent``; with the unit's rounded epsilon it is not below."""
    crossed = 0
    for bits, length, exponent in ((5, 3, 19), (5, 7, 9), (5, 7, 17), (8, 31, 14)):
        source = IntFormat(bits)
        spread = (length // 2) * ((length + 1) // 2) * (source.max - source.min) ** 2
        epsilon = (4**exponent - spread) / length**2
        while spread + length**2 * Fraction(epsilon) >= 4**exponent:
            epsilon = float(np.nextafter(epsilon, 0))
        row = np.where(np.arange(length) < length // 2, source.min, source.max)
        moments = check(config("layernorm", source, length, epsilon), row[None, :])
        crossed += int(moments.v[0]) >> moments.fraction_bits >= 4**exponent
    assert crossed > 0  # or the test tests nothing


@pytest.mark.parametrize("epsilon", [0.0, 1.0, 1e30])
def test_rows_of_one_element_at_most(epsilon):
    unit = config("layernorm", IntFormat(8), 1, epsilon)
    check(unit, np.array([[-128], [0], [127]]))


def test_the_normalized_value_has_the_smallest_integer_bound():
    for length, expected in ((1, 1), (2, 1), (5, 2), (6, 3), (10, 3), (768, 28)):
        assert Ranges.of(config("layernorm", IntFormat(8), length)).normalized_max == expected
    for length, expected in ((1, 1), (2, 2), (4, 2), (5, 3), (4096, 64), (4097, 65)):
        assert Ranges.of(config("rmsnorm", IntFormat(8), length)).normalized_max == expected


@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm"])
@pytest.mark.parametrize("epsilon", [0.0, 0.002, 0.01, 0.7, 7.3, 3000.0])
def test_every_length_is_within(norm, epsilon):
    """V at its largest and at its smallest, for each length up to the longest; some length reaches each limit."""
    source, largest, exact = IntFormat(4, signed=False), 15, Fraction(epsilon)
    exponents, variance_max = set[int](), 0
    for n in range(1, 300):
        centred = norm == "layernorm"
        most = (n // 2) * ((n + 1) // 2) * largest**2 if centred else (n * largest) ** 2
        least = n - 1 if centred else n
        # The unit's epsilon is less than 1/2 too large and less than 3/2 too small, times n.
        highest = int(most + n * n * exact) + (n if epsilon else 0)
        lowest = max(least, int(least + n * n * exact) - 2 * n)
        variance_max = max(variance_max, highest)
        if least:
            exponents |= {n.bit_length() - (v.bit_length() - 1) // 2 for v in (highest, lowest)}
        ranges = Ranges.of(config(norm, source, n, epsilon))
        assert ranges.variance_max == max(variance_max, 1)
        assert {ranges.exponent_min, ranges.exponent_max} == ({min(exponents), max(exponents)} if exponents else {1})


def test_ranges_are_made_once():
    first, second = (config("layernorm", IntFormat(8), 96, 1e-5) for _ in range(2))
    assert Ranges.of(first) is Ranges.of(second)
