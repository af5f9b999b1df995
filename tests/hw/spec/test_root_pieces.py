"""What root methods are made of, against their sources and against arithmetic of another kind."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnorm.spec.roots import ROOTS
from streamnorm.spec.roots.digits.cordic import shifts_of
from streamnorm.spec.roots.digits.division import quotient
from streamnorm.spec.roots.refined.magic_estimate import MAGIC, MagicEstimate
from streamnorm.spec.roots.refined.newton import after_newton
from streamnorm.spec.roots.refined.parity_estimate import ParityEstimate
from streamnorm.spec.roots.refined.table_estimate import TableEstimate
from streamnorm.spec.roots.refined.vfrsqrt7_estimate import Vfrsqrt7Estimate, specified_table
from streamnorm.spec.roots.rounding import Rounding

# RISC-V "V" vector extension 1.0, table of vfrsqrt7.v: sig_out[MSB -: 7] for exp[0] = 0, then for exp[0] = 1.
SPECIFIED = """
 52  51  50  48  47  46  44  43  42  41  40  39  38  36  35  34  33  32  31  30  30  29  28  27  26  25  24  23  23  22
 21  20  19  19  18  17  16  16  15  14  14  13  12  12  11  10  10   9   9   8   7   7   6   6   5   4   4   3   3   2
  2   1   1   0
127 125 123 121 119 118 116 114 113 111 109 108 106 105 103 102 100  99  97  96  95  93  92  91  90  88  87  86  85  84
 83  82  80  79  78  77  76  75  74  73  72  71  70  70  69  68  67  66  65  64  63  63  62  61  60  59  59  58  57  56
 56  55  54  53
"""


def test_the_table_of_vfrsqrt7_is_the_specified_one():
    assert specified_table().tolist() == [int(number) for number in SPECIFIED.split()]


def test_vfrsqrt7_without_steps_gives_what_the_instruction_gives():
    """For floats of 1 to 4: exponent 0 is odd once biased, so that its lowest bit is 1; the result is below 1."""
    root = ROOTS["vfrsqrt7"].smallest(12, 0)
    table = [int(number) for number in SPECIFIED.split()]
    for odd in (0, 1):
        for place in range(64):
            mantissa = np.array([(place + 1) * (1 << (root.mantissa_bits - 6)) - 1])
            got = int(root.evaluate(mantissa, np.array([odd]))[0])
            assert got == (128 + table[(1 - odd) * 64 + place]) << 4


def test_the_magic_estimate_is_that_of_binary32():
    rng = np.random.default_rng(1)
    mantissa = np.concatenate([[0, 1, (1 << 23) - 1], rng.integers(1 << 23, size=5000)])
    for odd in (0, 1):
        x = ((1 + mantissa / 2**23) * (1 + odd)).astype(np.float32)
        guess = (MAGIC - (x.view(np.int32) >> 1)).astype(np.int32).view(np.float32)
        estimate = MagicEstimate(23)
        got = estimate.evaluate(mantissa, np.full(len(mantissa), odd), 23) / 2.0**estimate.bits
        np.testing.assert_array_equal(got, guess.astype(np.float64))


@pytest.mark.parametrize(
    "estimate", [TableEstimate(2, 5), TableEstimate(8, 11), Vfrsqrt7Estimate(), ParityEstimate(), MagicEstimate(16)],
    ids=lambda estimate: estimate.about,
)  # fmt: skip
def test_an_estimate_is_off_by_no_more_than_its_segments_say(estimate):
    bits = 16
    mantissa, segments = np.arange(1 << bits), estimate.segments
    for odd in (0, 1):
        r = estimate.evaluate(mantissa, np.full(len(mantissa), odd), bits) / 2.0**estimate.bits
        pieces = len(segments.low) // 2
        place = odd * pieces + (mantissa * pieces >> bits)
        for end in (0, 1):
            error = r * np.sqrt((1 + (mantissa + end) / 2.0**bits) * (1 + odd)) - 1
            assert (segments.low[place] <= error).all()
            assert (error <= segments.high[place]).all()


def test_no_other_constant_of_a_table_is_better():
    estimate = TableEstimate(4, 7)
    edges = [Fraction(factor) * (1 + Fraction(place, 16)) for factor in (1, 2) for place in range(17)]
    for segment, value in enumerate(estimate.values.tolist()):
        place = segment + segment // 16
        ends = [float(edges[place]) ** 0.5, float(edges[place + 1]) ** 0.5]

        def worst(r: int, ends: list[float] = ends) -> float:
            return max(abs(r / 128 * end - 1) for end in ends)

        assert value == 127 or worst(value) <= min(worst(r) for r in range(64, 128)) + 1e-12


@given(low=st.floats(-0.5, 0.5), width=st.floats(0, 0.5), share=st.floats(0, 1))
def test_an_exact_newton_step_stays_within_its_bounds(low, width, share):
    least, most = after_newton(np.array([low]), np.array([low + width]))
    e = low + share * width
    after = (1 + e) * (3 - (1 + e) ** 2) / 2 - 1
    assert least[0] - 1e-12 <= after <= most[0] + 1e-12


@given(
    rho_bits=st.integers(8, 20), guard=st.integers(0, 5), low=st.floats(-1e-4, 0), high=st.floats(0, 1e-4),
    x=st.floats(1, 4, exclude_max=True), share=st.floats(0, 1),
)  # fmt: skip
def test_a_rounding_is_off_by_no_more_than_it_says(rho_bits, guard, low, high, x, share):
    rounding = Rounding.of(rho_bits, guard, low, high)
    r = np.array([int((1 + low + share * (high - low)) * x**-0.5 * 2.0 ** (rho_bits + guard))])
    got = rounding.evaluate(r)[0]
    unit = 2.0 ** -(rho_bits + guard)  # r itself is cut here
    assert got < 1 << rho_bits
    assert rounding.low - 2 * unit <= got * 2.0**-rho_bits * x**0.5 - 1 <= rounding.high + 1e-12


@given(divisor=st.integers(1, 1 << 24), bits=st.integers(1, 24), share=st.floats(0, 1, exclude_max=True))
def test_a_quotient_is_cut_and_below_one(divisor, bits, share):
    numerator = int(divisor * share)
    got = int(quotient(numerator, np.array([divisor]), bits)[0])
    assert got < 1 << bits
    assert got * divisor < (numerator + 1) << bits
    assert (got + 1) * divisor >= (numerator + 1) << bits


def test_cordic_can_turn_as_far_as_it_must():
    """What is left is at most twice the last angle, as the error counts; and all of them reach the largest there is."""
    angles = [np.arctanh(2.0**-shift) for shift in shifts_of(23)]
    for place, angle in enumerate(angles[:-1]):
        assert sum(angles[place + 1 :]) + 2 * angles[-1] >= angle
    assert sum(angles) >= np.arctanh((4 / 4 - 1 / 4) / (4 / 4 + 1 / 4))


@pytest.mark.parametrize("name", ["binary-search", "non-restoring"])
def test_digits_are_those_of_the_exact_root(name):
    """Bit by bit in fractions: binary search finds the root cut down, the other one that is next to it."""
    root = ROOTS[name].smallest(12)
    rng = np.random.default_rng(2)
    for value in rng.integers(1 << root.mantissa_bits, size=60).tolist():
        for odd in (0, 1):
            x = (1 + Fraction(value, 1 << root.mantissa_bits)) * (1 + odd)
            found = 0
            for bit in range(11, -1, -1):
                if x * Fraction(found + (1 << bit), 1 << 12) ** 2 <= 1:
                    found += 1 << bit
            got = int(root.evaluate(np.array([value]), np.array([odd]))[0])
            assert got - found in ((0,) if name == "binary-search" else (0, 1)), value
