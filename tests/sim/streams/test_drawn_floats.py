"""Rows of floating-point numbers: of which numbers each kind is, and that a seed gives the same ones."""

import numpy as np
import pytest

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat, IntFormat
from streamnorm_sim.reference.rows import DISTRIBUTIONS, corner_rows, random_rows, uniform_elements
from streamnorm_sim.streams.drawn_floats import KINDS, MIXED, SPECIAL_SHARE, draw_row, finite_codes

FORMATS = [FloatFormat(name) for name in ("bf16", "fp16", "fp32", "fp8_e5m2", "fp8_e4m3fn", "float(2, 1)")]


@pytest.fixture(params=FORMATS, ids=lambda number_format: number_format.name)
def floats(request):
    return request.param


def config(number_format, **more):
    return NormConfig(
        norm="layernorm", lanes=4, max_length=21, input=number_format, output=IntFormat(8), epsilon=0.0, **more
    )


def rows_of(number_format, kind, count=200, n=40, seed=3):
    rng = np.random.default_rng(seed)
    return np.array([draw_row(number_format, n, rng, kind) for _ in range(count)])


@pytest.mark.parametrize("kind", [*KINDS, MIXED])
def test_codes_of_the_format_and_the_same_from_a_seed(floats, kind):
    codes = rows_of(floats, kind)
    assert codes.dtype == np.int64
    assert codes.min() >= floats.min
    assert codes.max() <= floats.max
    assert np.array_equal(codes, rows_of(floats, kind))
    assert not np.array_equal(codes, rows_of(floats, kind, seed=4))
    for n in (1, 2):
        assert rows_of(floats, kind, count=20, n=n).shape == (20, n)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "special"])
def test_ordinary_rows_are_finite(floats, kind):
    assert np.isfinite(floats.dequantize(rows_of(floats, kind))).all()


def test_special_rows_have_each_kind_of_special_number(floats):
    values = floats.dequantize(rows_of(floats, "special"))
    assert (~np.isfinite(values)).any(axis=1).all()
    assert np.isnan(values).any()
    assert np.isinf(values).any() == (not floats.finite)
    assert np.isfinite(values).mean() > 0.9
    if not floats.finite:  # rows of infinities alone are something else than those with a NaN
        assert (np.isinf(values).any(axis=1) & ~np.isnan(values).any(axis=1)).any()
        assert {-np.inf, np.inf} <= set(values[np.isinf(values)])


def test_few_of_mixed_rows_are_special():
    values = FORMATS[0].dequantize(rows_of(FORMATS[0], MIXED, count=4000, n=8))
    share = (~np.isfinite(values)).any(axis=1).mean()
    assert SPECIAL_SHARE / 2 < share < SPECIAL_SHARE * 2


def test_what_kinds_are_of():
    fp16 = FloatFormat("fp16")
    parts = {kind: fp16.parts(rows_of(fp16, kind)) for kind in KINDS}
    values = {kind: fp16.dequantize(rows_of(fp16, kind)) for kind in KINDS if kind != "special"}
    assert (parts["subnormal"].mantissa <= 1 << 10).all()
    assert not parts["subnormal"].binade.any()
    for negative in (False, True):  # both zeros
        assert ((parts["subnormal"].mantissa == 0) & (parts["subnormal"].negative == negative)).any()
    assert (np.abs(values["full_scale"]) == fp16.largest).all()
    assert (np.ptp(values["constant"], axis=1) == 0).all()
    assert np.ptp(parts["wide"].binade, axis=1).max() > 20
    assert np.ptp(parts["uniform"].binade, axis=1).min() > 10
    deviation, mean = values["large_mean"].std(axis=1), np.abs(values["large_mean"].mean(axis=1))
    assert (deviation < mean).mean() > 0.9
    assert (np.ptp(rows_of(fp16, "low_variance"), axis=1) <= 4).all()
    largest = np.abs(values["outliers"]).max(axis=1)
    assert np.median(largest / np.median(np.abs(values["outliers"]), axis=1)) > 10
    assert np.median(np.abs(values["normal"])) < 100


def test_random_rows_draw_them():
    unit = config(FORMATS[0])
    batch = random_rows(unit, 300, np.random.default_rng(1))
    again = random_rows(unit, 300, np.random.default_rng(1))
    assert np.array_equal(batch.x, again.x)
    assert set(batch.lengths) == set(range(1, 22))
    assert FORMATS[0].parts(batch.x).is_nan.any()
    for distribution in (*DISTRIBUTIONS, "wide"):
        assert len(random_rows(unit, 3, np.random.default_rng(2), distribution=distribution)) == 3
    with pytest.raises(ValueError, match="distribution"):
        random_rows(unit, 3, np.random.default_rng(2), distribution="wider")
    with pytest.raises(ValueError, match="distribution"):
        random_rows(config(IntFormat(8)), 3, np.random.default_rng(2), distribution="wide")


def test_uniform_elements_are_finite_and_of_all_binades(floats):
    codes = uniform_elements(config(floats), np.random.default_rng(5), (40, 50))
    assert codes.shape == (40, 50)
    assert np.isfinite(floats.dequantize(codes)).all()
    assert np.ptp(floats.parts(codes).binade) > 0.9 * floats.binade_max
    assert np.array_equal(codes, finite_codes(floats, np.random.default_rng(5), (40, 50)))


def test_corner_rows_fit_and_have_what_is_special(floats):
    unit = config(floats)
    rows = corner_rows(unit, np.random.default_rng(1))
    for name, (length, row) in rows.items():
        assert row.shape == (length,), name
        assert row.dtype == np.int64, name
        assert 1 <= length <= 21, name
        assert floats.min <= row.min() <= row.max() <= floats.max, name
    values = {name: floats.dequantize(row) for name, (_, row) in rows.items()}
    assert np.isnan(values["nan_of_all_ones"]).sum() == 1
    assert np.isnan(values["nan_last"]).nonzero()[0].tolist() == [20]
    assert np.signbit(values["constant_minus_zero"]).all()
    assert not values["constant_minus_zero"].any()
    assert set(values["alternating_largest"]) == {-floats.largest, floats.largest}
    assert values["largest_that_cancel"].sum() == pytest.approx(floats.scale)
    assert np.isfinite(values["every_binade"]).all()
    assert ("infinity_first" in rows) == (not floats.finite)
    if not floats.finite:
        assert values["infinity_first"][0] == np.inf
        assert values["minus_infinity_last"][20] == -np.inf
    assert set(corner_rows(unit.replace(max_length=1), np.random.default_rng(1))) >= {"one_element_nan", "nan_first"}
