"""Products of more than 64 bits, against Python's integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnorm_sim.reference.floating.wide_product import fits, shifted_product


@given(
    st.lists(
        st.tuples(st.integers(-(1 << 24), (1 << 24) - 1), st.integers(0, (1 << 60) - 1), st.integers(-8, 200)),
        min_size=1,
    )
)
def test_the_low_bits_are_right(cases):
    a, b, down = (np.array(column, np.int64) for column in zip(*cases, strict=True))
    for (x, y, by), got in zip(cases, shifted_product(a, b, down), strict=True):
        exact = x * y >> by if by >= 0 else x * y << -by
        assert (exact - int(got)) % (1 << 64) == 0


@pytest.mark.parametrize(
    ("a_bits", "b_bits", "up_max", "does"),
    [(25, 61, 36, True), (36, 52, 0, True), (37, 40, 0, False), (30, 60, 0, False), (25, 61, 37, False)],
)
def test_what_fits(a_bits, b_bits, up_max, does):
    assert fits(a_bits, b_bits, up_max) is does


@pytest.mark.parametrize(("a_bits", "b_bits"), [(25, 61), (36, 52)])
def test_the_largest_that_fit(a_bits, b_bits):
    a, b = -(1 << a_bits - 1), (1 << b_bits - 1) - 1
    for down in (-36, 0, 13, 26, 27, 70, 88, 120):
        got = shifted_product(np.array([a]), np.array([b]), np.array([down]))[0]
        exact = a * b >> down if down >= 0 else a * b << -down
        assert (exact - int(got)) % (1 << 64) == 0
