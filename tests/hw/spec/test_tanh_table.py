"""Tables of tanh: the proven error, over every element that there is, and z that is less than 1."""

from fractions import Fraction
from itertools import islice

import numpy as np
import pytest

from streamnorm.spec.formats import IntFormat
from streamnorm.spec.tanh_table import CODE_BITS, CodeTable, MagnitudeTable, TanhTable, tanh_tables
from streamnorm_sim.reference.exact_tanh import tanh_floor

BITS = 60
"""Fraction bits of the exact tanh that tables are compared with."""

CASES = {
    "int8": (IntFormat(8), Fraction(1, 40)),
    "uint8, falling": (IntFormat(8, signed=False, zero_point=200), Fraction(-1, 30)),
    "int4, steep": (IntFormat(4, zero_point=-3), Fraction(3)),
    "int10": (IntFormat(10), Fraction(1, 300)),
    "int12": (IntFormat(12), Fraction(1, 700)),
    "uint12, far zero point": (IntFormat(12, signed=False, zero_point=4095), Fraction(-1, 1000)),
    "int12, steep": (IntFormat(12), Fraction(2, 5)),
    "int14, flat": (IntFormat(14), Fraction(1, 1_000_000)),
    "int16": (IntFormat(16, zero_point=77), Fraction(1, 9000)),
    "int16, saturating": (IntFormat(16), Fraction(1, 500)),
}


def tables(name: str) -> list[TanhTable]:
    """Of few fraction bits, of many, and of some in between."""
    source, slope = CASES[name]
    largest = max(source.max - source.zero_point, source.zero_point - source.min)
    return list(islice(tanh_tables(slope, source, largest), 4, 24, 5))


def exact(slope: Fraction, d: np.ndarray) -> np.ndarray:
    """Floor of ``2**BITS * tanh(abs(slope * d))`` with its sign, as Python integers."""
    values = {int(m): tanh_floor(abs(slope) * int(m), BITS) for m in np.unique(np.abs(d))}
    signs = np.sign(d) * (1 if slope > 0 else -1)
    return np.array([int(s) * values[abs(int(x))] for s, x in zip(signs, d, strict=True)], object)


@pytest.mark.parametrize("name", CASES)
def test_no_element_is_farther_off_than_the_bound_and_z_is_less_than_1(name: str) -> None:
    source, slope = CASES[name]
    d = np.arange(source.min, source.max + 1) - source.zero_point
    if len(d) > 1 << 12:  # the ends of every segment that there may be, and others
        rng = np.random.default_rng(3)
        d = np.unique(np.concatenate([d[::64], d[::64][1:] - 1, d[:9], d[-9:], rng.choice(d, 1500), [0, 1, -1]]))
    truth = exact(slope, d)
    found = tables(name)
    assert len(found) >= 3
    for table in found:
        z = table.evaluate(d)
        assert np.abs(z).max() < 1 << table.frac_bits
        off = [abs((int(code) << BITS - table.frac_bits) - value) for code, value in zip(z, truth, strict=True)]
        assert max(off) / 2.0**BITS <= table.error + 2.0**-BITS
        assert table.error <= 1.3 * 2.0**-table.frac_bits
        assert max(off) / 2.0**BITS > 0.3 * table.error  # the proof gives little away
        np.testing.assert_array_equal(z[d >= 0][d[d >= 0] == 0], [0])


@pytest.mark.parametrize("name", CASES)
def test_narrow_elements_have_an_entry_each(name: str) -> None:
    kind = CodeTable if CASES[name][0].bits <= CODE_BITS else MagnitudeTable
    assert all(isinstance(table, kind) for table in tables(name))


@pytest.mark.parametrize("name", [name for name, (source, _) in CASES.items() if source.bits > CODE_BITS])
def test_every_sum_of_a_polynomial_fits_its_width(name: str) -> None:
    for table in tables(name):
        assert isinstance(table, MagnitudeTable)
        polynomials = table.table
        t = np.array([0, 1, (1 << polynomials.t_bits) - 1, 1 << max(polynomials.t_bits - 1, 0)])[:, None]
        t = np.minimum(t, (1 << polynomials.t_bits) - 1).astype(object)
        acc = polynomials.coefficients[-1][None, :].astype(object)
        for j in range(polynomials.degree - 1, -1, -1):
            acc = polynomials.coefficients[j][None, :] + ((acc * t) >> polynomials.shifts[j])
            low, bits = (
                (0, polynomials.widths[0]) if j == 0 else (-(1 << polynomials.widths[j] - 1), polynomials.widths[j] - 1)
            )
            assert acc.min() >= low
            assert acc.max() < 1 << bits


def test_there_are_few_tables_of_each_and_they_are_shared() -> None:
    for name in CASES:
        assert all(one is other for one, other in zip(tables(name), tables(name), strict=True))
