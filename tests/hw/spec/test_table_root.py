"""The table's proven error, its widths and its contents."""

import numpy as np
import pytest

from streamnorm.spec.roots.polynomial.table import DEGREE_BITS, INDEX_BITS, RsqrtTable

SHAPES = [
    *((1, bits) for bits in range(10, 20, 3)),
    *((2, bits) for bits in range(12, 31, 6)),
    *((3, bits) for bits in range(16, 43, 6)),
    (3, 42),
]
EXTRA_BITS = 6
"""Mantissa bits below ``t`` in these tests: the table does not see them."""


def positions(table: RsqrtTable, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Address, ``t`` and mantissa fraction (EXTRA_BITS below t): the ends of all segments, and random ones."""
    rng = np.random.default_rng(seed)
    low_bits = table.t_bits + EXTRA_BITS
    edges = np.array([0, 1, (1 << EXTRA_BITS) - 1, 1 << EXTRA_BITS, 1 << low_bits - 1, (1 << low_bits) - 1])
    address = np.repeat(np.arange(2 << INDEX_BITS), len(edges))
    low = np.tile(edges, 2 << INDEX_BITS)
    address = np.concatenate([address, rng.integers(2 << INDEX_BITS, size=count)])
    low = np.concatenate([low, rng.integers(1 << low_bits, size=count)])
    fraction = ((address & ((1 << INDEX_BITS) - 1)) << low_bits) | low
    return address, low >> EXTRA_BITS, fraction


def evaluated(table: RsqrtTable, address: np.ndarray, t: np.ndarray) -> np.ndarray:
    """rho as Python integers: the products pass 63 bits in the largest tables."""
    mantissa = ((address % (1 << INDEX_BITS)).astype(object) << table.t_bits) | t
    return table.evaluate(mantissa, address >> INDEX_BITS).astype(object)


def relative_errors(table: RsqrtTable, address: np.ndarray, rho: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """``rho * sqrt(u) - 1``, from the exact ``rho**2 * u - 1``."""
    bits = INDEX_BITS + table.t_bits + EXTRA_BITS
    u = (fraction.astype(object) + (1 << bits)) << (address >> INDEX_BITS).astype(object)
    unit = 1 << (2 * table.rho_bits + bits)
    excess = (rho * rho * u - unit).astype(np.float64) / float(unit)
    return np.sqrt(1 + excess) - 1 if table.rho_bits < 20 else excess / 2


@pytest.mark.parametrize(("degree", "rho_bits"), SHAPES)
def test_the_error_stays_below_the_proven_bound(degree, rho_bits):
    table = RsqrtTable.of(degree, rho_bits, INDEX_BITS)
    address, t, fraction = positions(table, 20000, seed=rho_bits)
    rho = evaluated(table, address, t)
    errors = np.abs(relative_errors(table, address, rho, fraction))
    assert errors.max() <= table.relative_error
    assert errors.max() > 0.5 * table.relative_error  # the proof gives little away
    assert rho.max() < 1 << rho_bits
    assert rho.min() >= 1 << (rho_bits - 1)


@pytest.mark.parametrize(("degree", "rho_bits"), SHAPES)
def test_every_value_fits_its_width(degree, rho_bits):
    table = RsqrtTable.of(degree, rho_bits, INDEX_BITS)
    address, t, _ = positions(table, 5000, seed=1)
    wide = t.astype(object)
    acc = table.table.coefficients[degree][address].astype(object)
    for j in range(degree, -1, -1):
        if j < degree:
            acc = table.table.coefficients[j][address] + ((acc * wide) >> table.table.shifts[j])
        width = table.table.widths[j]
        low, high = (-(1 << width - 1), 1 << width - 1) if j else (0, 1 << width)
        for values in (acc, table.table.coefficients[j]):
            assert low <= values.min() <= values.max() < high, j
    assert ((acc >> table.table.guard_bits) == evaluated(table, address, t)).all()
    assert t.max() == (1 << table.t_bits) - 1


@pytest.mark.parametrize(("degree", "rho_bits"), SHAPES)
def test_rho_falls_from_segment_to_segment(degree, rho_bits):
    """At the start of each segment, where the polynomials of two segments meet, up to a step of rounding."""
    table = RsqrtTable.of(degree, rho_bits, INDEX_BITS)
    start = evaluated(table, np.arange(2 << INDEX_BITS), np.zeros(2 << INDEX_BITS, np.int64))
    assert (np.diff(start[: 1 << INDEX_BITS]) <= 1).all()
    assert start[0] == pytest.approx(2.0**rho_bits, rel=table.relative_error)
    assert start[1 << INDEX_BITS] == pytest.approx(2.0**rho_bits / 2**0.5, rel=table.relative_error)


def test_a_word_holds_all_coefficients():
    table = RsqrtTable.of(2, 24, INDEX_BITS)
    words = table.table.words()
    assert len(words) == 2 << INDEX_BITS
    assert max(words) < 1 << table.word_width
    offset = 0
    for values, width in zip(table.table.coefficients, table.table.widths, strict=True):
        fields = np.array([word >> offset & ((1 << width) - 1) for word in words])
        if offset:  # constant terms are unsigned
            fields -= (fields >> width - 1) << width
        assert (fields == values).all()
        offset += width
    assert offset == table.word_width


def test_a_higher_degree_is_never_worse():
    for rho_bits in range(12, 43, 6):
        errors = [RsqrtTable.of(degree, rho_bits, INDEX_BITS).relative_error for degree in (1, 2, 3)]
        assert errors[1] <= 1.3 * errors[0]
        assert errors[2] <= 1.3 * errors[1]


@pytest.mark.parametrize("rho_bits", range(12, 41, 4))
def test_some_degree_serves_every_precision(rho_bits):
    errors = [RsqrtTable.of(degree, rho_bits, INDEX_BITS).relative_error for degree in (1, 2, 3)]
    assert 2.0 ** -(rho_bits + 0.5) < min(errors) < 2.0 ** -(rho_bits - 1.5)


def test_the_lowest_degree_that_is_good_enough_serves_a_precision():
    for rho_bits in range(12, 43, 2):
        good = (RsqrtTable.of(degree, rho_bits, INDEX_BITS) for degree in (1, 2, 3))
        lowest = next((table for table in good if table.relative_error < 2.0 ** -(rho_bits - 1.5)), None)
        if rho_bits > DEGREE_BITS[3]:
            assert lowest is None
        else:
            assert RsqrtTable.smallest(rho_bits) is lowest


def test_a_table_is_built_once():
    assert RsqrtTable.of(1, 14, INDEX_BITS) is RsqrtTable.of(1, 14, INDEX_BITS)
