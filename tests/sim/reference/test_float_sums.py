"""Sums of rows of floating-point numbers against Python's integers, in windows of every width that is tried."""

from fractions import Fraction

import numpy as np
import pytest

from streamnorm.precision.floating.elements import Elements
from streamnorm.precision.floating.row_errors import sums_error
from streamnorm.precision.floating.row_sums import RowSums
from streamnorm.spec.norms import NORMS
from streamnorm_sim.reference.floating.sums import deviation_sums, row_sums

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


def rows_with_few_large_elements(sums, n, count, rng):
    """Signed mantissas and binades: of a row, some elements are in its highest binade, all others at one distance."""
    bits, window = sums.elements.mantissa_bits, sums.window
    top = rng.integers(20, 61, (count, 1))
    cut, dropped = sums.row_bits - bits, window * (sums.count - 1)
    far = rng.choice([0, 1, cut, cut + 1, sums.row_bits, dropped, dropped + 1, dropped + window], (count, 1))
    is_large = np.arange(n) < rng.choice([1, 1, 1, 2, max(1, n // 2), max(1, n - 1)], (count, 1))
    binade = np.where(is_large, top, np.maximum(top - far, 0))
    least, most = 1 << (bits - 1), (1 << bits) - 1
    mantissa = rng.choice([least, most], (count, n))
    mantissa = np.where(rng.random((count, 1)) < 0.7, np.where(is_large, least, most), mantissa)
    sides = np.where(is_large, *rng.choice([-1, 1], (2, count, 1)))
    signs = np.where(rng.random((count, 1)) < 0.7, sides, rng.choice([-1, 1], (count, n)))
    return mantissa * signs, binade


@pytest.mark.parametrize("n", [1, 2, 3, 40])
@pytest.mark.parametrize("floor", [0, 30])
@pytest.mark.parametrize("count", [3, 4, 16])
def test_mean_and_absolute_deviations_are_off_by_no_more_than_is_said(n, floor, count):
    """Relative to the mean absolute deviation and epsilon, which is in the binade of the floor."""
    bits = 4
    elements = Elements(mantissa_bits=bits, binade_max=60, unit=Fraction(1))
    sums = RowSums(elements=elements, window=4, count=count, row_bits=bits + 7, floor=floor)
    x, binade = rows_with_few_large_elements(sums, n, 300, np.random.default_rng([n, floor, count]))
    found = row_sums(sums, x, binade, counted=None, with_squares=False)
    deviations = deviation_sums(sums, x, binade, found, np.full(len(x), n))
    allowed = sums_error(NORMS["l1norm"], sums, n, 1)
    epsilon = Fraction(2) ** (floor + bits - 1) if floor else Fraction(0)
    worst = [0.0, 0.0]
    for row, (mantissas, binades) in enumerate(zip(x.tolist(), binade.tolist(), strict=True)):
        values = [m << q for m, q in zip(mantissas, binades, strict=True)]
        unit = Fraction(2) ** (int(found.top[row]) - sums.row_bits + bits)
        exact = sum(abs(n * value - sum(values)) for value in values)
        if not exact:
            assert deviations[row] == 0 or floor
            continue
        whole = exact + n**2 * epsilon
        off = abs(exact - int(deviations[row]) * unit) / whole, abs(sum(values) - int(found.s1[row]) * unit) * n / whole
        worst = [max(one, float(other)) for one, other in zip(worst, off, strict=True)]
    assert worst[0] <= allowed.relative
    assert worst[1] <= allowed.absolute
    if n > 1 and not floor:  # nor by much less
        assert worst[0] >= allowed.relative / 8
        assert worst[1] >= allowed.absolute / 3
