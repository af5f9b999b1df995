"""Arithmetic without an error, and its one rounding."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnorm_sim.fold.exact import as_integers, plus_root, power_of_two, rounded_quotients, rounded_root
from streamnorm_sim.streams.seeds import seeded

SMALLEST, LARGEST = math.ulp(0.0), float(np.finfo(np.float64).max)
reals = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(reals, min_size=1, max_size=8))
def test_integers_and_an_exponent_are_the_numbers(values):
    integers, exponent = as_integers(np.array(values))
    assert [Fraction(each) * Fraction(2) ** exponent for each in integers] == [Fraction(value) for value in values]


def test_numbers_from_one_end_of_float64_to_the_other():
    values = np.array([0.0, SMALLEST, -LARGEST, 1.0])
    integers, exponent = as_integers(values)
    assert [float(Fraction(each) * Fraction(2) ** exponent) for each in integers] == values.tolist()
    assert as_integers(np.zeros(2))[0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("numerator", "exponent", "divisor", "want"),
    [
        ((1 << 53) + 1, 0, 1, float(1 << 53)),  # a tie, to even
        ((1 << 53) + 3, 0, 1, float((1 << 53) + 4)),
        (((1 << 53) + 1 << 200) + 1, -200, 1, float((1 << 53) + 2)),  # hardly beyond a tie
        (1, -1075, 1, 0.0),  # half of the smallest, to even
        (3, -1075, 1, 2 * SMALLEST),
        (1, -1074, 3, 0.0),
        (-2, -1074, 3, -SMALLEST),
        (1, 0, 3, 1 / 3),
        (1, 1024, 1, math.inf),
        (-7, 1022, 1, -math.inf),
        ((1 << 54) - 1, 970, 1, math.inf),  # rounds up to 2**1024
        ((1 << 53) - 1, 971, 1, LARGEST),
    ],
)
def test_a_quotient_is_rounded_once(numerator, exponent, divisor, want):
    got = rounded_quotients(np.array([[numerator, 0]], object), exponent, divisor)
    assert (got.dtype, got.tolist()) == (np.float64, [[want, 0.0]])


@pytest.mark.parametrize(
    ("offset", "sign", "square", "want"),
    [
        (Fraction(0), 1, Fraction(9, 4), 1.5),
        (Fraction(3, 2), -1, Fraction(9, 4), 0.0),
        (Fraction(1), 1, Fraction(1, 1 << 106), 1.0),  # a tie, to even
        (Fraction(1), 1, Fraction((1 << 60) + 1, 1 << 166), 1.0 + math.ulp(1.0)),  # hardly beyond a tie
        (Fraction(1), 1, Fraction((1 << 60) - 1, 1 << 166), 1.0),
        (Fraction(0), -1, Fraction(2), -math.sqrt(2)),
        (Fraction(0), 1, Fraction(1 << 2048), math.inf),
        (Fraction(0), -1, Fraction(2, 1 << 2000), -math.ldexp(math.sqrt(2), -1000)),
    ],
)
def test_a_root_is_added_and_rounded_once(offset, sign, square, want):
    assert plus_root(offset, sign, square) == want


def test_what_nearly_cancels_takes_more_bits():
    """sqrt(2) to 300 bits, subtracted from sqrt(2): what is left lies some 300 bits below."""
    near = Fraction(math.isqrt(2 << 600), 1 << 300)
    rest = (Fraction(math.isqrt(2 << 1400), 1 << 700) - near) if near * near < 2 else Fraction(0)
    assert 0 < rest < Fraction(1, 1 << 299)
    assert plus_root(-near, 1, Fraction(2)) == float(rest)


@pytest.mark.parametrize("halvings", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_roots_are_rounded_once(halvings, seed):
    """Against the two neighbours half-way: the power of each is on its side of the value."""
    rng = seeded(seed)
    degree = 1 << halvings
    for _ in range(40):
        numerator, denominator = (int(each) for each in rng.integers(1, 2**62, 2))
        value = Fraction(numerator, denominator) * power_of_two(int(rng.integers(-300, 300)))
        root = rounded_root(value, halvings)
        low, high = ((Fraction(root) + Fraction(math.nextafter(root, end))) / 2 for end in (0, math.inf))
        assert low**degree < value < high**degree
    assert rounded_root(Fraction(3, 7) ** degree, halvings) == 3 / 7
    assert rounded_root(Fraction(5**degree), halvings) == 5.0


@pytest.mark.parametrize("halvings", [1, 2, 4])
def test_roots_hardly_beside_a_tie_take_more_bits(halvings):
    tie, hardly = 1 + Fraction(1, 1 << 53), Fraction(1, 1 << 400)
    assert rounded_root(tie ** (1 << halvings), halvings) == 1.0  # to even
    assert rounded_root(tie ** (1 << halvings) + hardly, halvings) == 1.0 + math.ulp(1.0)
    assert rounded_root(tie ** (1 << halvings) - hardly, halvings) == 1.0
