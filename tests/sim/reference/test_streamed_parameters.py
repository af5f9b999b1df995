"""Results with gamma and beta that come with each row: golden model and exact result."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.exact import exact_result, exact_rows
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.rows import RowBatch

INT8 = {"input": {"format": "int8", "scale": 0.05}, "output": {"format": "int8", "scale": 0.04}}
EPSILON = {"epsilon": 1e-5}
NORMS: dict[str, dict[str, Any]] = {
    "layernorm": {"norm": "layernorm", **EPSILON},
    "adaln": {"norm": "layernorm", "gamma_offset": 1.0, "output": {"format": "int16", "scale": 2e-4}, **EPSILON},
    "rmsnorm": {"norm": "rmsnorm", "output": {"format": "uint8", "scale": 0.04, "zero_point": 100}, **EPSILON},
    "two_pass": {"norm": "l1norm", **EPSILON},
    "two_roundings": {"norm": "layernorm", "gamma_rounding": "output", **EPSILON},
    "residual": {"norm": "layernorm", "residual": {"format": "int8", "scale": 0.05, "alpha": 1.5}, **EPSILON},
    "film": {"norm": "affine"},
    "dyt": {"norm": "dyt", "alpha": 0.7},
    "bf16": {"norm": "rmsnorm", "input": "bf16", "output": "bf16", **EPSILON},
    "int8_bf16": {"norm": "layernorm", "output": "bf16", "parameter_format": "bf16", **EPSILON},
    "fp16_film": {"norm": "affine", "input": "fp16", "output": "fp16"},
}


def configuration(name: str, **changes: Any) -> NormConfig:
    return NormConfig(**{"lanes": 4, "max_length": 40, **INT8, "storage": "stream", **NORMS[name], **changes})


@pytest.mark.parametrize("name", NORMS)
def test_the_golden_model_keeps_to_the_bound(name: str) -> None:
    config = configuration(name)
    batch = random_rows(config, 120, np.random.default_rng(1))
    y = GoldenModel(config).normalize(batch.x, batch.lengths, **batch.beside)
    accuracy = Accuracy.of(config, y, batch.x, batch.lengths, **batch.beside)
    assert accuracy.max_ulp <= Plan.of(config).error_bound + 1e-9
    assert accuracy.correctly_rounded > (0.998 if config.output.bits <= 8 else 0.99)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_stored_parameters_of_any_row(data: st.DataObject) -> None:
    config = configuration(data.draw(st.sampled_from(["layernorm", "rmsnorm", "film", "residual"]), "norm"))
    n = data.draw(st.integers(1, config.max_length), "n")
    beside, x = {}, []
    for side in config.side_inputs:
        low, high = side.number.min, side.number.max
        element = st.integers(low, high) | st.sampled_from([low, 0, high])
        beside[side.name] = np.array([data.draw(st.lists(element, min_size=n, max_size=n), side.name)])
    x = np.array([data.draw(st.lists(st.integers(-128, 127), min_size=n, max_size=n), "x")])
    y = GoldenModel(config).normalize(x, **beside)
    assert Accuracy.of(config, y, x, **beside).max_ulp <= Plan.of(config).error_bound + 1e-9


@pytest.mark.parametrize("name", NORMS)
def test_rows_of_one_gamma_and_beta_are_those_of_a_unit_that_has_loaded_them(name: str) -> None:
    config = configuration(name)
    loaded = config.replace(storage="ram")
    batch = random_rows(config, 30, np.random.default_rng(2))
    stored = {key: batch.beside[key][:1].repeat(len(batch), axis=0) for key in ("gamma", "beta")}
    one = {key: np.pad(rows[:1], ((0, 0), (0, config.max_length - rows.shape[1]))) for key, rows in stored.items()}
    sums = {key: rows for key, rows in batch.beside.items() if key not in stored}
    came = GoldenModel(config).normalize(batch.x, batch.lengths, **sums, **stored)
    np.testing.assert_array_equal(came, GoldenModel(loaded, **one).normalize(batch.x, batch.lengths, **sums))
    if config.is_floating:
        flags = GoldenModel(config).flags(batch.x, batch.lengths, **sums, **stored)
        np.testing.assert_array_equal(flags, GoldenModel(loaded, **one).flags(batch.x, batch.lengths, **sums))


@pytest.mark.parametrize("name", ["layernorm", "two_roundings", "film", "int8_bf16"])
def test_each_row_is_exact_with_its_own_parameters(name: str) -> None:
    """Row by row, the exact result is that of a unit whose gamma and beta are the row's for good."""
    config = configuration(name)
    rng = np.random.default_rng(3)
    rows = rng.integers(-128, 128, (5, config.max_length))
    numbers = {"gamma": rng.normal(1, 0.3, rows.shape), "beta": rng.normal(0, 0.3, rows.shape)}
    together = exact_rows(config, rows, **numbers)
    for row, (x, gamma, beta) in enumerate(zip(rows, numbers["gamma"], numbers["beta"], strict=True)):
        limits = {} if config.output.is_float else {"gamma_max": config.gamma_max, "beta_max": config.beta_max}
        alone = config.replace(storage="ram", gamma=gamma, beta=beta, **limits)
        np.testing.assert_array_equal(together[row], exact_rows(alone, x[None])[0], f"row {row}")


def test_as_given_they_are_as_they_came() -> None:
    config = configuration("layernorm")
    batch = random_rows(config, 5, np.random.default_rng(4))
    rows = (batch.x, batch.lengths)
    given_, stored = (exact_result(config, *rows, as_given=which, **batch.beside) for which in (True, False))
    np.testing.assert_array_equal(given_.scaled, stored.scaled)


def test_real_numbers_are_stored_as_they_go_in() -> None:
    config = configuration("adaln")
    rng = np.random.default_rng(5)
    x = rng.integers(-128, 128, (3, 40))
    scale, shift = rng.normal(0, 0.2, (2, 3, 40))
    codes = {side.name: side.number.quantize(of) for side, of in zip(config.side_inputs, (scale, shift), strict=True)}
    golden = GoldenModel(config)
    np.testing.assert_array_equal(golden.normalize(x, gamma=scale, beta=shift), golden.normalize(x, **codes))
    real = config.input.dequantize(x)
    z = (real - real.mean(axis=1, keepdims=True)) / np.sqrt(real.var(axis=1, keepdims=True) + config.epsilon)
    y = config.output.dequantize(golden.normalize(x, gamma=scale, beta=shift))
    bound = Plan.of(config).error_bound_as_given * config.output.scale
    np.testing.assert_allclose(y, z * (1 + scale) + shift, atol=1.01 * bound)


def test_rows_without_their_parameters_are_refused() -> None:
    config = configuration("layernorm")
    x = np.zeros((2, 40), np.int64)
    with pytest.raises(ConfigError, match=r"^beta: rows are missing"):
        RowBatch.of(config, x, gamma=x)
    with pytest.raises(ConfigError, match=r"^gamma: shape \(2, 39\): must be \(2, 40\), that of the rows"):
        RowBatch.of(config, x, gamma=x[:, 1:], beta=x)
    with pytest.raises(ConfigError, match=r"^gamma: row 0 element 0 is 40000: must be from -32768 to 32767"):
        RowBatch.of(config, x, gamma=x + 40000, beta=x)
