"""tanh from a table of octaves, and of each element of a narrow format: as near to the truth as they say."""

from fractions import Fraction
from itertools import islice

import numpy as np
import pytest

from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.tanh_codes import tanh_codes
from streamnorm.spec.tanh_octaves import OctaveTanh, octave_tanhs
from streamnorm_sim.reference.exact_tanh import tanh_bounds

TABLES = list(octave_tanhs())


def arguments(table: OctaveTanh, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Exponents and fractions in every octave and on both sides, ends of segments among them."""
    exponents = rng.integers(table.first - 3, table.last + 3, 20_000)
    fractions = rng.integers(0, 1 << table.argument_bits, 20_000)
    ends = rng.integers(0, 1 << table.index_bits, 4000) << table.table.t_bits
    fractions[:4000] = (ends - rng.integers(0, 2, 4000)) & ((1 << table.argument_bits) - 1)
    return exponents, fractions


@pytest.mark.parametrize("table", TABLES[::3], ids=lambda table: f"{table.frac_bits}")
def test_results_are_no_farther_off_than_the_table_says(table: OctaveTanh) -> None:
    exponents, fractions = arguments(table, np.random.default_rng(table.frac_bits))
    values, places = table.evaluate(exponents, fractions)
    truth = np.tanh((1 + fractions / 2.0**table.argument_bits) * 2.0**exponents)
    off = np.abs(values.astype(float) * 2.0**places / truth - 1)
    assert off.max() <= table.error + 2.0**-50
    assert off.max() >= table.error / 4
    assert off.mean() <= table.mean_error
    assert values.max() < 1 << table.bits
    assert values.min() >= 1 << (table.bits - 2)


@pytest.mark.parametrize("table", TABLES[1::9], ids=lambda table: f"{table.frac_bits}")
def test_against_exact_bounds(table: OctaveTanh) -> None:
    exponents, fractions = (values[:200] for values in arguments(table, np.random.default_rng(7)))
    values, places = table.evaluate(exponents, fractions)
    for e, fraction, value, place in zip(*(x.tolist() for x in (exponents, fractions, values, places)), strict=True):
        t = (1 + Fraction(fraction, 1 << table.argument_bits)) * Fraction(2) ** e
        truth = tanh_bounds(t, 40)[0]
        assert abs(value * Fraction(2) ** place / truth - 1) <= table.error


@pytest.mark.parametrize("table", TABLES[::7], ids=lambda table: f"{table.frac_bits}")
def test_results_are_less_than_1_and_small_ones_less_than_their_argument(table: OctaveTanh) -> None:
    fractions = np.arange(0, 1 << table.argument_bits, max(1, (1 << table.argument_bits) // 999))
    for e in (table.first - 1, table.first - 30):
        values, places = table.evaluate(np.full_like(fractions, e), fractions)
        assert (values * 2.0**places < (1 + fractions / 2.0**table.argument_bits) * 2.0**e).all()
    for e in (0, table.last, table.last + 1, table.last + 50):
        values, places = table.evaluate(np.full_like(fractions, e), fractions)
        assert (values < 1 << table.frac_bits).all()
        assert (places == -table.frac_bits).all()


def test_each_table_is_more_exact_than_the_one_before_and_none_is_missing() -> None:
    assert [table.frac_bits for table in TABLES] == list(range(TABLES[0].frac_bits, TABLES[-1].frac_bits + 1))
    assert TABLES[0].frac_bits <= 8
    assert TABLES[-1].frac_bits >= 30
    errors = [table.error for table in TABLES]
    assert errors == sorted(errors, reverse=True)
    assert all(len(table.table.coefficients[0]) <= 1024 for table in TABLES if table.frac_bits <= 28)


@pytest.mark.parametrize("bits", [6, 13, 30])
@pytest.mark.parametrize("slope", [Fraction(1, 2), Fraction(1, 1 << 60), Fraction(10**9)])
def test_values_of_codes_are_the_odd_neighbours_of_tanh(bits: int, slope: Fraction) -> None:
    real = FloatFormat("fp8_e4m3fn").dequantize(np.arange(127)).tolist()
    table = tanh_codes((*(slope * Fraction(x) for x in real), None), bits)
    assert table.value[0] == 0
    assert Fraction(int(table.value[-1])) * Fraction(2) ** int(table.start - table.down[-1]) == 1
    for x, value, down in islice(zip(real, table.value, table.down, strict=False), 1, None, 5):
        unit = Fraction(2) ** int(table.start - down)
        low, high = tanh_bounds(slope * Fraction(x), 60)
        assert value & 1
        assert 1 << (bits - 1) <= value < 1 << bits
        assert (value - 1) * unit < high
        assert low < (value + 1) * unit
        assert value * unit < 1
