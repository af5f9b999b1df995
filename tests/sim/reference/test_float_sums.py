"""Sums of rows of floating-point numbers against Python's integers, in windows of every width that is tried."""

from fractions import Fraction

import numpy as np
import pytest

from streamnorm.precision.floating.elements import Elements
from streamnorm.precision.floating.row_sums import RowSums
from streamnorm_sim.reference.floating.sums import row_sums

ELEMENTS = Elements(mantissa_bits=24, binade_max=253, unit=Fraction(1))
ROW_BITS = 30


def shifted(value: int, down: int) -> int:
    return value >> down if down >= 0 else value << -down


@pytest.mark.parametrize("window", [4, 8, 16, 32])
@pytest.mark.parametrize("n", [1, 7, 5000])
def test_sums_are_those_of_the_windows_that_are_kept(window, n):
    """The largest mantissas of one sign in the highest binade of a window are the most that there can be."""
    sums = RowSums(elements=ELEMENTS, window=window, count=2, row_bits=ROW_BITS, floor=0)
    rng = np.random.default_rng(n)
    largest = np.full((2, n), (1 << ELEMENTS.mantissa_bits) - 1)
    x = np.concatenate([largest, -largest, rng.integers(-(1 << 23), 1 << 23, (2, n))])
    binade = np.concatenate([np.full((4, n), 2 * window - 1), rng.integers(0, 4 * window, (2, n))])
    found = row_sums(sums, x, binade, counted=None, with_squares=True)
    for row, (mantissas, binades) in enumerate(zip(x.tolist(), binade.tolist(), strict=True)):
        top = max(binades)
        least = max(top // window - 1, 0) * window
        kept = [m << q for m, q in zip(mantissas, binades, strict=True) if q >= least]
        down = top - ROW_BITS + ELEMENTS.mantissa_bits
        assert found.top[row] == top
        assert found.s1[row] == shifted(sum(kept), down)
        assert found.s2[row] == shifted(sum(value * value for value in kept), 2 * down)
