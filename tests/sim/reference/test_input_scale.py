"""Rows that bring their scale: the golden model against exact rational numbers, over every scale there is."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from small_unit import FLOAT_SCALES, POWER_SCALES, small_unit
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import RowVariancePlacement
from streamnorm_sim.reference.exact import exact_result
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.rows import RowBatch

KEYS: dict[str, dict[str, Any]] = {
    "layernorm": {"gamma": 1.5, "beta": 0.3},
    "power_of_two": {"input": POWER_SCALES},
    "rmsnorm": {"norm": "rmsnorm", "input": {"format": "uint8", "scale": "row", "zero_point": 100}},
    "l2norm": {"norm": "l2norm", "output": {"format": "int8", "scale": 0.01}},
    "crmsnorm": {"norm": "crmsnorm", "epsilon": 10.0},
    "wide": {"output": {"format": "int16", "scale": 0.0007}, "epsilon": 1e-12},
    "tight": {"input": {"format": "int16", "scale": "row"}, "accuracy": "tight"},
    "least_epsilon": {"epsilon": 1e-58},
    "no_epsilon": {"epsilon": 0.0},
    "least_power": {"input": POWER_SCALES, "epsilon": 1e-90},
}


def unit(name: str) -> NormConfig:
    return small_unit(**{"input": FLOAT_SCALES, "output": {"format": "int8", "scale": 0.05}, **KEYS[name]})


def scales(config: NormConfig, count: int, rng: np.random.Generator) -> np.ndarray:
    """Codes of any scale, log-uniformly, of those where epsilon is as large as a variance, and at the window's edge."""
    kind, placement = config.input_scale, config.placement
    assert kind is not None
    assert isinstance(placement, RowVariancePlacement)
    anywhere = np.exp2(rng.uniform(-149, 128, count))
    near = np.sqrt(config.epsilon or 1.0) * np.exp2(rng.uniform(-9, 6, count))
    edge = np.full(count, 2.0 ** (placement.exponent_min if placement.epsilon else 0))
    edge *= 1 + rng.integers(-2, 3, count) * 2.0**-23
    drawn = np.where(rng.random(count) < 0.3, edge, np.where(rng.random(count) < 0.5, near, anywhere))
    if kind.fraction_bits:
        return kind.codes(np.minimum(drawn, np.finfo(np.float32).max))
    return np.clip(np.floor(np.log2(drawn)), -128, 127).astype(np.int64)


@pytest.mark.parametrize("name", KEYS)
def test_every_result_is_within_the_bound_of_the_exact_one(name: str) -> None:
    config, rng = unit(name), np.random.default_rng(11)
    batch = random_rows(config, 800, rng)
    batch = batch.with_beside(config, {"input_scale": scales(config, len(batch), rng)})
    exact = exact_result(config, batch.x, batch.lengths, batch.banks, **batch.beside)
    y = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks, **batch.beside)
    off = np.abs(y - np.clip(exact.scaled, config.output.min, config.output.max))[batch.valid]
    assert off.max() <= Plan.of(config).error_bound + 1e-9
    if Plan.of(config).promise == "tight":
        assert (y != exact.rounded)[batch.valid].mean() < 0.001


@pytest.mark.parametrize("name", ["layernorm", "wide", "power_of_two", "least_power"])
def test_epsilon_of_a_row_is_as_exact_as_the_search_takes_it_for(name: str) -> None:
    config = unit(name)
    precision, placement = Precision.of(config), config.placement
    of_row = precision.row_epsilon
    assert of_row is not None
    assert isinstance(placement, RowVariancePlacement)
    assert config.input_scale is not None
    codes = np.sort(scales(config, 3000, np.random.default_rng(3)))
    codes = codes[~placement.vanishes(codes)]
    weight = np.full(len(codes), 24 * 24, object)
    found = of_row.evaluate(weight, codes)
    allowed = placement.encode(config.formula, precision.ranges, precision.root, precision.root.rho_bits + 2).error
    for code, value in zip(codes.tolist(), found.tolist(), strict=True):
        exact = 24**2 * Fraction(config.epsilon) / config.input_scale.value(code) ** 2 * 2**of_row.frac_bits
        # Of V, which is 1 at least.
        assert abs(value - exact) <= allowed * (exact + 2**of_row.frac_bits)


def test_rows_without_a_scale_come_out_as_beta() -> None:
    config = unit("layernorm")
    x = np.random.default_rng(1).integers(-128, 128, (9, 24))
    s = np.array([0.0, -0.0, -1.0, np.nan, np.inf, -np.inf, -1e-40, 1e-40, 1.0])
    y = GoldenModel(config).normalize(x, input_scale=s)
    np.testing.assert_array_equal(y[:8], np.full((8, 24), round(0.3 / 0.05)))
    assert len(set(y[8].tolist())) > 8
    np.testing.assert_array_equal(y[:8], exact_result(config, x[:8], input_scale=s[:8]).rounded)


def test_only_epsilon_sees_the_scale() -> None:
    with_scale, plain = unit("no_epsilon"), unit("no_epsilon").replace(input="int8")
    x = np.random.default_rng(2).integers(-128, 128, (50, 24))
    for s in (1e-42, 1e-3, 1e30):
        y = GoldenModel(with_scale).normalize(x, input_scale=np.full(50, s))
        np.testing.assert_array_equal(y, GoldenModel(plain).normalize(x))


def test_real_rows_are_counted_in_steps_of_their_scale() -> None:
    config = unit("layernorm")
    rng = np.random.default_rng(3)
    x = rng.integers(-128, 128, (5, 24))
    s = np.float32([0.1, 3.0, 1e-3, np.nan, 7e5])
    batch = RowBatch.of(config, x * s.astype(np.float64)[:, None], input_scale=s[:, None])
    np.testing.assert_array_equal(batch.x[[0, 1, 2, 4]], x[[0, 1, 2, 4]])
    assert not batch.x[3].any()
    for wrong in (s[:4], np.stack([s, s])):
        with pytest.raises(ConfigError, match="input_scale: shape"):
            RowBatch.of(config, x * 1.0, input_scale=wrong)
    with pytest.raises(ConfigError, match="input_scale: rows are missing"):
        RowBatch.of(config, x)
