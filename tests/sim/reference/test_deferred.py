"""Scales that leave beside their rows: the golden model against the exact ones, within the bound of the plan."""

from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np
import pytest

from drawn import LENGTHS, drawn_format, drawn_rows
from family import keys_of
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.precision.deferred import DeferredPrecision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.fusions import DeferredScale
from streamnorm.spec.roots import ROOTS
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.deferred import DeferredRows
from streamnorm_sim.reference.exact_deferred import exact_scales, relative_errors
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.rows import RowBatch

INT8 = {"format": "int8", "scale": 0.05}
CENTRED = ("layernorm", "layernorm, root", "layernorm, floor")
PLACED = ("rmsnorm", "rmsnorm, a part", "l2norm", "l2norm, root", "l2norm, floor", "crmsnorm", *CENTRED)


def unit(**keys: Any) -> NormConfig:
    base = {"norm": "rmsnorm", "lanes": 4, "max_length": 40, "epsilon": 1e-5, "input": INT8, "output": INT8}
    return NormConfig(**{**base, "defer": True, **keys})


def drawn(member: str, seed: int) -> NormConfig | None:
    """A unit of a member of the family, of any format, length and root; None where there is none."""
    rng = np.random.default_rng([seed, PLACED.index(member)])
    source, length = drawn_format(rng), int(rng.choice(LENGTHS))
    epsilon = float(rng.choice([0.0, 1e-12, 1e-5, 1.0, source.scale**2 * 2.0 ** rng.uniform(-20, 25)]))
    keys = keys_of(member, longest=length, epsilon=epsilon, reach=(source.max - source.min) * source.scale / 2)
    keys |= {"accuracy": str(rng.choice(["faithful", "tight"])), "rsqrt": str(rng.choice([*ROOTS, "table", "table"]))}
    output = source
    if member in CENTRED:
        bits = int(rng.integers(4, 17))
        spread = (source.max - source.min) * source.scale
        scale = float(rng.choice([spread / 2**bits, source.scale / 4, source.scale * 2.0 ** rng.uniform(-3, 3)]))
        output = IntFormat(bits, scale=scale, zero_point=int(rng.integers(-5, 6)))
    try:
        config = unit(**keys, input=source, output=output, max_length=length, lanes=1)
        DeferredPrecision.of(config)
    except ConfigError:  # a root that is not exact enough, a row that would be divided by 0
        return None
    return config


def check(config: NormConfig, batch: RowBatch) -> None:
    precision, model = DeferredPrecision.of(config), GoldenModel(config)
    rows = model.normalize(batch.x, batch.lengths, **batch.beside)
    if precision.rows is not None:
        found = Accuracy.of(config, rows, batch.x, batch.lengths, **batch.beside)
        assert found.max_ulp <= 0.5 + precision.error_bound, f"{config}"
    elif config.residual is None:
        assert (rows == np.where(batch.valid, batch.x, 0)).all()
    words = model.beside(batch)["scale"].x
    mantissa, _ = precision.number.parts(words)
    assert (mantissa >= precision.number.min).all()
    errors = np.abs(relative_errors(config, words, batch))
    assert errors.max() <= precision.relative_error, f"{config}: row {errors.argmax()}"


@pytest.mark.parametrize("member", PLACED)
def test_scales_are_within_the_bound_in_any_unit(member: str) -> None:
    units = [config for seed in range(14) if (config := drawn(member, seed)) is not None]
    assert len(units) >= 5
    for seed, config in enumerate(units):
        check(config, drawn_rows(config, np.random.default_rng(seed), 20))


def test_sums_of_a_residual_leave_less_their_mean() -> None:
    config = unit(norm="layernorm", residual={"format": "int8", "scale": 0.04}, output={"format": "int8", "scale": 0.1})
    batch = random_rows(config, 60, np.random.default_rng(1))
    check(config, batch)
    sums = 0.05 * batch.x + 0.04 * batch.beside["residual"]
    rows = GoldenModel(config).normalize(batch.x, batch.lengths, residual=batch.beside["residual"])
    for row, real, length in zip(rows, sums, batch.lengths, strict=True):
        want = np.clip((real[:length] - real[:length].mean()) / 0.1, -128, 127)
        assert np.abs(row[:length] - want).max() <= Plan.of(config).error_bound


def test_sums_of_a_residual_have_scales_too() -> None:
    config = unit(residual={"format": "int8", "scale": 0.04}, output={"format": "int12", "scale": 0.01})
    batch = random_rows(config, 60, np.random.default_rng(1))
    check(config, batch)
    sums = 5 * batch.x.astype(int) + 4 * batch.beside["residual"].astype(int)
    rows = GoldenModel(config).normalize(batch.x, batch.lengths, residual=batch.beside["residual"])
    np.testing.assert_array_equal(rows, np.where(batch.valid, sums, 0))


def test_a_mantissa_has_its_leading_one_where_rho_has_not() -> None:
    """Of sums of squares just below a power of four, a rough rho is below 1/2."""
    config = unit(norm="l2norm", epsilon=0.0, accuracy="as-is", rsqrt={"method": "fast-inverse", "steps": 1})
    squares = np.array([4**up - off for up in range(1, 10) for off in (0, 1, 2) if 4**up > off])
    words = DeferredRows(config).of_moments(np.zeros_like(squares), squares, np.ones_like(squares))
    precision = DeferredPrecision.of(config)
    mantissa, _ = precision.number.parts(words)
    assert mantissa.min() == precision.number.min
    errors = precision.number.dequantize(words) * np.sqrt(squares) - 1
    assert np.abs(errors).max() <= precision.relative_error


@pytest.mark.parametrize("accuracy", ["faithful", "tight"])
@pytest.mark.parametrize(
    "keys",
    [{}, {"epsilon": 0.0, "norm": "l2norm"}, {"norm": "layernorm", "output": {"format": "int8", "scale": 0.07}}],
    ids=["rmsnorm", "l2norm", "layernorm"],
)
def test_the_bound_holds_where_v_is_at_the_ends_of_a_binade_or_of_a_segment(
    accuracy: str, keys: dict[str, Any]
) -> None:
    """Sums of squares around each power of two and around its quarters, and random ones, of rows of every length."""
    config = unit(accuracy=accuracy, max_length=24, **keys)
    precision, rows = DeferredPrecision.of(config), DeferredRows(config)
    rng = np.random.default_rng(3)
    near = [(4 + part) << up >> 2 for up in range(30) for part in range(4)]
    near = [value + off for value in near for off in (-1, 0, 1)]
    worst = 0.0
    for n in range(1, config.max_length + 1):
        most = n * 128**2
        drawn = np.exp2(rng.uniform(0, np.log2(most), 400)).astype(np.int64)
        s2 = np.array(sorted({value for value in (*near, *drawn.tolist(), most) if 1 <= value <= most}))
        weight = config.formula.weight(n)
        words = rows.of_moments(np.zeros_like(s2), s2, np.full_like(s2, weight))
        values = precision.number.dequantize(words)
        for value, squares in zip(values.tolist(), s2.tolist(), strict=True):
            v = Fraction(squares) + weight * config.epsilon_in_steps
            square = Fraction(value) ** 2 * v / weight / DeferredScale.steps(config) ** 2  # of the scale over the exact
            root = Fraction(isqrt((square.numerator << 240) // square.denominator), 1 << 120)
            worst = max(worst, abs(float(root - 1)))
    assert precision.relative_error / 2 < worst <= precision.relative_error


def test_a_row_of_zeros_has_some_scale() -> None:
    for keys in ({}, {"epsilon": 0.0}, {"epsilon": 1.0}, {"norm": "crmsnorm"}, {"statistic_length": 3}):
        config = unit(**keys)
        batch = RowBatch.of(config, np.zeros((2, 5), np.int8), [5, 1])
        words = GoldenModel(config).beside(batch)["scale"].x
        values = config.side_outputs[0].number.dequantize(words)
        assert np.isfinite(values).all()
        exact = exact_scales(config, batch)
        assert (exact[0] == 0) == (config.epsilon == 0)
        if keys in ({"epsilon": 1.0}, {"statistic_length": 3}):  # where V is 1 at least, or may be less than 1
            np.testing.assert_allclose(values[:, 0], [float(of) for of in exact], rtol=2**-15)


def test_a_row_of_equal_elements_has_some_scale_where_the_mean_is_subtracted() -> None:
    for keys in ({}, {"epsilon": 0.0}, {"epsilon": 1.0}):
        config = unit(norm="layernorm", output={"format": "int8", "scale": 0.07}, **keys)
        model, x = GoldenModel(config), np.full((2, 5), 77, np.int8)
        batch = RowBatch.of(config, x, [5, 1])
        assert not model.normalize(x, [5, 1]).any()
        values = config.side_outputs[0].number.dequantize(model.beside(batch)["scale"].x)[:, 0]
        assert np.isfinite(values).all()
        assert (relative_errors(config, model.beside(batch)["scale"].x, batch) == 0).all()
        if config.epsilon == 1.0:
            np.testing.assert_allclose(values, 0.07, rtol=2**-15)


def test_results_are_without_error() -> None:
    config = unit()
    batch = random_rows(config, 20, np.random.default_rng(1))
    accuracy = Accuracy.of(config, GoldenModel(config).normalize(batch.x, batch.lengths), batch.x, batch.lengths)
    assert (accuracy.max_ulp, accuracy.correctly_rounded) == (0.0, 1.0)
    assert Plan.of(config).error_bound == 0.0
