"""Between which powers of two a rational number lies."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from streamnorm.spec.binary_logarithm import ceil_log2, floor_log2

TWO = Fraction(2)


@given(st.integers(1, 10**40), st.integers(1, 10**40))
def test_a_number_lies_between_its_two_powers(numerator: int, denominator: int) -> None:
    value = Fraction(numerator, denominator)
    low, high = floor_log2(value), ceil_log2(value)
    assert TWO**low <= value < TWO ** (low + 1)
    assert TWO ** (high - 1) < value <= TWO**high


@given(st.integers(-2000, 2000))
def test_a_power_of_two_is_its_own(power: int) -> None:
    assert floor_log2(TWO**power) == ceil_log2(TWO**power) == power
