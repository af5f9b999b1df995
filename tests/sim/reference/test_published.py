"""Models of the algorithms of the literature against rows worked out by hand, and their pieces against definitions."""

from fractions import Fraction
from math import floor, isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.spec.test_algorithms import PUBLISHED, unit
from streamnorm.errors import ConfigError
from streamnorm.precision.precision import Precision
from streamnorm.precision.requantization import Requantization
from streamnorm.spec.algorithms import OWN_ALGORITHM
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.reference.published import i_bert, i_vit, int8_search
from streamnorm_sim.reference.published.q_layernorm_dyadic import dyadic_numbers, integer_bias, requantized
from streamnorm_sim.reference.published.rows import half_even_quotient

ROW = [3, -1, 4, 2]  # sum 8, mean 2, y = 1 -3 2 0, V = 14


def of_four(algorithm: str, scale: float, **changes):
    """A unit of rows of four elements, whose sqrt(n) is 2."""
    output = IntFormat(8, scale=scale, zero_point=changes.pop("zero_point", 0))
    return unit(algorithm, lanes=4, max_length=4, output=output, **changes)


def result(config, row=ROW):
    zero = config.input.zero_point
    return GoldenModel(config).normalize(np.array([row]) + zero)[0].tolist()


def test_i_bert_by_hand():
    # V = 14 has 4 bits: k = 4; (4 + 14//4) // 2 = 3; (3 + 14//3) // 2 = 3 no longer falls: 3. 2**31 // 3 = 715827882.
    # y factor / 2, floor: 357913941, -1073741823, 715827882, 0.
    x, lengths = np.array([ROW]), np.array([4])
    assert i_bert.normalized(x, lengths).tolist() == [[357913941, -1073741823, 715827882, 0]]
    # gamma 1, scale 1/4: M = 2 / 2**30 * 4 = 2**-27: 2.67, -8, 5.33, 0.
    assert result(of_four("i-bert", 0.25)) == [3, -8, 5, 0]
    # beta 1/2: floor(0.5 / (2 / 2**30)) = 2**28, which is 2 steps: 4.67, -6, 7.33, 2.
    assert result(of_four("i-bert", 0.25, beta=0.5)) == [5, -6, 7, 2]
    # Negated by gamma -1, beta stays; and a zero point of 10 stands behind the rounding.
    assert result(of_four("i-bert", 0.25, gamma=-1.0, beta=0.5, zero_point=10)) == [9, 20, 7, 12]


def test_i_bert_with_a_shift_by_hand():
    # Sum 8, mean 1, y = 4 -5 7 -1 -1 -1 -1 -2; shifted right by 1, floor: 2 -3 3 -1 -1 -1 -1 -1, V = 27, of 5 bits.
    # k = 8; (8 + 3) // 2 = 5; (5 + 5) // 2 = 5: 5, shifted left 10. 2**31 // 10 = 214748364; y times its half.
    row = [5, -4, 8, 0, 0, 0, 0, -1]
    want = [429496728, -536870910, 751619274, *[-107374182] * 4, -214748364]
    assert i_bert.normalized(np.array([row]), np.array([8]), shift=1).tolist() == [want]
    # A unit for 8 elements of 16 bits has that shift. sqrt(8) / 2**30, scale 2**-8: M = 2.828427 * 2**-22:
    # z / 4194304 * 2.828427 = 289.63, -362.04, 506.85, -72.41, -144.81; in 16 bits.
    config = unit(
        "i-bert", architecture="two-pass", max_length=8, input=IntFormat(16), output=IntFormat(16, scale=2.0**-8)
    )
    assert result(config, row) == [290, -362, 507, -72, -72, -72, -72, -145]


def test_i_vit_by_hand():
    # From 65536 each iteration halves k, as 14 // k = 0: after ten of them 64. (2**31 - 1) // 64 = 33554431.
    # y factor / 2, floor: 16777215 (.5), -50331647 (.5 more below), 33554431, 0.
    x, lengths = np.array([ROW]), np.array([4])
    assert i_vit.normalized(x, lengths).tolist() == [[16777215, -50331647, 33554431, 0]]
    # Scale 1/64: M = 2 / 2**30 * 64 = 2**-23: 2.0, -6.0, 4.0, 0 (each less than 1e-6 off).
    assert result(of_four("i-vit", 1 / 64)) == [2, -6, 4, 0]
    # As the exact result would be 8 / 3 of a step of 1/4, the small deviation is lost: 0.125, -0.375, 0.25.
    assert result(of_four("i-vit", 0.25)) == [0, 0, 0, 0]


def test_int8_search_by_hand():
    # 4 q <= 8 + 2: mean 2. v = 14 // 4 = 3, k = 1: z = 256, -768, 512, 0. Scale 1/4: 4, -12, 8, 0.
    assert int8_search.normalized(np.array([ROW]), np.array([4])).tolist() == [[256, -768, 512, 0]]
    assert result(of_four("int8-search", 0.25)) == [4, -12, 8, 0]
    # Sum 9: 4 q <= 11: mean 2; y = 7 -2 -2 -2; V = 61, v = 15, k = 3: 1792 / 3 = 597.3, -512 / 3 = -170.7, down.
    assert int8_search.normalized(np.array([[9, 0, 0, 0]]), np.array([4])).tolist() == [[597, -171, -171, -171]]
    # Sum -9: 4 q <= -7: mean -2, the mirror image; but floors go down: -1792 / 3 = -597.3, 170.7.
    assert int8_search.normalized(np.array([[-9, 0, 0, 0]]), np.array([4])).tolist() == [[-598, 170, 170, 170]]
    # A tie of the mean goes up: 2 q <= 1 + 1: 1; y = 0 -1; V = 1, v = 0, and k = 1 in its place.
    assert int8_search.normalized(np.array([[1, 0]]), np.array([2])).tolist() == [[0, -256]]


def test_q_layernorm_dyadic_by_hand():
    # z of our own datapath of f fraction bits; gamma 1 and scale 1/4 make M = 2**(2 - f): 4 z, half to even.
    config = of_four("q-layernorm-dyadic", 0.25)
    # y / sqrt(14 / 4) = 0.5345 -1.6036 1.0690 0, times 4: 2.14 -6.41 4.28 0.
    assert result(config) == [2, -6, 4, 0]
    # beta 1/8 is half a step; floor(0.125 * 2**f) is exact: 2.64 -5.91 4.78 and the tie 0.5, to even.
    assert result(of_four("q-layernorm-dyadic", 0.25, beta=0.125)) == [3, -6, 5, 0]
    # With zero point 3 the tie is rounded to even before that is added: 0 + 3.
    assert result(of_four("q-layernorm-dyadic", 0.25, beta=0.125, zero_point=3))[3] == 3


@pytest.mark.parametrize("name", PUBLISHED)
def test_equal_elements_give_beta_alone(name):
    config = of_four(name, 0.25, gamma=[1.0, -2.0, 0.5, 3.0], beta=[0.5, -0.75, 1.0, 0.25])
    for value in (-128, 0, 7, 127):
        assert result(config, [value] * 4) == [2, -3, 4, 1]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_gamma_of_0_gives_the_zero_point_and_needs_a_beta_of_0(name):
    config = of_four(name, 0.25, gamma=[0.0, 1.0, 1.0, 1.0], zero_point=-7)
    assert result(config)[0] == -7
    config = of_four(name, 0.25, gamma=[0.0, 1.0, 1.0, 1.0], beta=0.5)
    with pytest.raises(ConfigError, match=r"beta: value 0 of bank 0 is 0\.5 where gamma is 0"):
        Requantization.of(config)


def test_a_bias_that_is_too_wide_is_refused():
    config = of_four("i-bert", 0.25, gamma=1e-9, beta=1.0)
    with pytest.raises(ConfigError, match="at most 48 bits"):
        Requantization.of(config)


@given(st.lists(st.integers(0, (1 << 32) - 1), min_size=1, max_size=50))
@settings(max_examples=200, deadline=None)
def test_i_berts_root_is_the_root(values):
    roots = i_bert.isqrt_by_newton(np.array(values, np.int64))
    assert roots.tolist() == [isqrt(value) for value in values]


def test_i_berts_root_at_the_edges():
    edges = [0, 1, 2, 3, 4, *(k * k + i for k in (2, 255, 256, 46340, 65535) for i in (-1, 0, 1)), (1 << 32) - 1]
    assert i_bert.isqrt_by_newton(np.array(edges)).tolist() == [isqrt(value) for value in edges]


def test_i_vits_ten_iterations_at_the_edges():
    def iterated(v):
        k = Fraction(1 << 16)
        for _ in range(10):
            k = Fraction(floor((k + floor(v / k)) / 2))
        return int(k)

    edges = [0, 1, 63, 64, 4095, 4096, 4097, 1 << 16, 1 << 20, 1 << 31, (1 << 32) - 1]
    found = i_vit.ten_iterations(np.array(edges)).tolist()
    assert found == [iterated(v) for v in edges]
    assert found[0] == 64  # nothing is divided by 0
    assert found[-3:-1] == [isqrt(v) for v in edges[-3:-1]]  # there it has arrived
    assert found[-1] == isqrt(edges[-1]) + 1  # next below a square, it goes up and down between two numbers
    assert found[4] > isqrt(4095)  # and there it has not arrived


@given(st.integers(-(1 << 30), 1 << 30), st.integers(1, 1 << 14))
def test_the_mean_is_rounded_half_to_even(dividend, divisor):
    assert half_even_quotient(np.array([dividend]), np.array([divisor]))[0] == round(Fraction(dividend, divisor))


@given(st.integers(0, 1 << 20), st.integers(1, 1 << 12))
def test_the_search_finds_the_quotient_rounded_down(dividend, divisor):
    for signed_dividend in (dividend, -dividend):
        found = int8_search.largest(lambda q, x=signed_dividend: q * divisor <= x, ())
        assert int(found) == signed_dividend // divisor


def test_requantization_rounds_ties_to_even():
    # m / 2**e is 1/2: 0.5, 1.5, -0.5, -1.5, 2.5.
    z = np.array([1, 3, -1, -3, 5])
    m, e = (np.full(5, int(part)) for part in dyadic_numbers(np.array(0.5)))
    assert requantized(z, m, e, np.zeros(5, np.int64)).tolist() == [0, 2, 0, -2, 2]
    assert requantized(z, m, e, np.full(5, 2)).tolist() == [2, 2, 0, 0, 4]


@given(st.integers(-(1 << 40), 1 << 40), st.floats(1e-12, 1e9), st.integers(-(1 << 40), 1 << 40))
@settings(max_examples=300, deadline=None)
def test_requantization_is_the_rounded_product(z, factor, bias):
    m, e = dyadic_numbers(np.array([factor, -factor]))
    exact = [round((z + bias) * Fraction(int(a)) / Fraction(2) ** int(b)) for a, b in zip(m, e, strict=True)]
    assert requantized(np.array([z, z]), m, e, np.array([bias, bias])).tolist() == exact


def test_the_bias_is_rounded_down():
    gamma, beta = np.array([2.0, -2.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0, -0.3])
    assert integer_bias(gamma, beta, 0.3).tolist() == [1, -2, 0, -1]


def test_the_dyadic_unit_has_the_widths_and_the_z_of_our_own():
    gamma, beta = np.linspace(0.4, 1.6, 16), np.linspace(-1, 1, 16)
    own, dyadic = (unit(name, gamma=gamma, beta=beta) for name in (OWN_ALGORITHM, "q-layernorm-dyadic"))
    assert Precision.of(own) == Precision.of(dyadic)
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, (2000, 16))
    ours, theirs = (golden_model(config).normalize(x) for config in (own, dyadic))
    assert abs(ours - theirs).max() <= 1
    assert (ours == theirs).mean() > 0.99
    assert Accuracy.of(dyadic, theirs, x, as_given=True).max_ulp < 0.52


@pytest.mark.parametrize("name", PUBLISHED)
def test_shorter_rows_are_scaled_as_the_longest(name):
    """The model of rows of 4 in a unit for 16 is that of such rows with the output scale times sqrt(16 / 4), or not."""
    x = np.random.default_rng(2).integers(-128, 128, (500, 4))
    long = unit(name, max_length=16, output=IntFormat(8, scale=0.05))
    factor = 2 if name in ("i-bert", "i-vit") else 1
    short = unit(name, max_length=4, output=IntFormat(8, scale=0.05 / factor))
    ours, theirs = (GoldenModel(config).normalize(x) for config in (long, short))
    assert abs(ours - theirs).max() <= (0 if name != "q-layernorm-dyadic" else 1)
