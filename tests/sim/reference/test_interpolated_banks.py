"""Results with gamma and beta between two banks: golden model and exact result."""

from fractions import Fraction
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

LENGTH, ONE = 40, 1 << 15
INT8 = {"input": {"format": "int8", "scale": 0.05}, "output": {"format": "int8", "scale": 0.04}}
EPSILON = {"epsilon": 1e-5}
NORMS: dict[str, dict[str, Any]] = {
    "layernorm": {"norm": "layernorm", **EPSILON},
    "int16": {"norm": "layernorm", "gamma_offset": 1.0, "output": {"format": "int16", "scale": 2e-4}, **EPSILON},
    "rmsnorm": {"norm": "rmsnorm", "output": {"format": "uint8", "scale": 0.04, "zero_point": 100}, **EPSILON},
    "narrow": {"norm": "layernorm", "gamma_bits": 9, "beta_bits": 9, **EPSILON},
    "two_roundings": {"norm": "layernorm", "gamma_rounding": "output", **EPSILON},
    "residual": {"norm": "layernorm", "residual": {"format": "int8", "scale": 0.05, "alpha": 1.5}, **EPSILON},
    "dynamic": {"norm": "layernorm", "output": {"format": "int8", "scale": "row"}, **EPSILON},
    "channels": {"norm": "groupnorm", "parameter_repeat": 10, **EPSILON},
    "bf16": {"norm": "rmsnorm", "input": "bf16", **EPSILON},
}


def configuration(name: str, **changes: Any) -> NormConfig:
    keys = {"lanes": 4, "max_length": LENGTH, **INT8, **NORMS[name], **changes}
    rng = np.random.default_rng(11)
    shape = (2, LENGTH // keys.get("parameter_repeat", 1))
    offset = keys.get("gamma_offset", 0.0)
    parameters = {"gamma": rng.normal(1, 0.5, shape) - offset, "beta": rng.normal(0, 0.5, shape)}
    return NormConfig(**{**parameters, "banks": 2, "bank_order": "interpolated", **keys})


@pytest.mark.parametrize("name", NORMS)
def test_the_golden_model_keeps_to_both_bounds(name: str) -> None:
    config = configuration(name)
    plan = Plan.of(config)
    batch = random_rows(config, 80, np.random.default_rng(1))
    y = GoldenModel(config).normalize(batch.x, batch.lengths, **batch.beside)
    stored, as_given = (
        Accuracy.of(config, y, batch.x, batch.lengths, as_given=which, **batch.beside) for which in (False, True)
    )
    assert stored.max_ulp <= plan.error_bound + 1e-9
    assert as_given.max_ulp <= plan.error_bound_as_given + 1e-9
    assert as_given.max_ulp > 0.49
    if name not in ("narrow", "two_roundings"):
        assert plan.error_bound_as_given <= 1.0 + 1e-9
        assert plan.promise == "faithful"
        assert stored.correctly_rounded >= 1 - 1.2 * plan.expected_error - 5e-4


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_any_row_anywhere_between_any_banks(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["layernorm", "narrow", "two_roundings", "residual"]), "name")
    value = st.floats(-3, 3) | st.sampled_from([-3.0, 0.0, 3.0])
    n = data.draw(st.integers(1, 12), "n")
    banks = {
        key: np.array([data.draw(st.lists(value, min_size=n, max_size=n), key) for _ in range(2)])
        for key in ("gamma", "beta")
    }
    config = configuration(name, max_length=n, **banks)
    element = st.integers(-128, 127)
    beside = {
        side.name: np.array([data.draw(st.lists(element, min_size=n, max_size=n), side.name)])
        for side in config.side_inputs
        if not side.per_row
    }
    beside["blend"] = np.array([data.draw(st.integers(0, ONE) | st.sampled_from([0, 1, ONE]), "t")])
    x = np.array([data.draw(st.lists(element, min_size=n, max_size=n), "x")])
    y = GoldenModel(config).normalize(x, **beside)
    plan = Plan.of(config)
    assert Accuracy.of(config, y, x, **beside).max_ulp <= plan.error_bound + 1e-9
    assert Accuracy.of(config, y, x, as_given=True, **beside).max_ulp <= plan.error_bound_as_given + 1e-9


@pytest.mark.parametrize("name", ["layernorm", "two_roundings", "channels", "residual"])
def test_at_the_ends_each_bank_is_exactly_what_a_unit_of_it_alone_has(name: str) -> None:
    """0 is bank 0, and 1 is bank 1."""
    config = configuration(name)
    named = config.replace(bank_order="given")
    batch = random_rows(config, 24, np.random.default_rng(2))
    rows = {key: of for key, of in batch.beside.items() if key != "blend"}
    bank = np.arange(len(batch)) % 2
    ends = exact_rows(config, batch.x, batch.lengths, as_given=True, blend=bank * ONE, **rows)
    np.testing.assert_array_equal(ends, exact_rows(named, batch.x, batch.lengths, bank, as_given=True, **rows))


def test_between_the_ends_it_is_the_exact_line() -> None:
    """The exact result of a row with t is that of a unit whose only gamma and beta are the rational ones of t."""
    config = configuration("layernorm")
    assert isinstance(config.gamma, np.ndarray)
    assert isinstance(config.beta, np.ndarray)
    rng = np.random.default_rng(3)
    x = rng.integers(-128, 128, (4, LENGTH))
    # Numbers of few bits, so that what is between them is a number of float64, too.
    gamma, beta = np.round(config.gamma * 256) / 256, np.round(config.beta * 256) / 256
    config = config.replace(gamma=gamma, beta=beta)
    codes = np.array([1, 12345, 16384, ONE - 1])
    found = exact_result(config, x, as_given=True, blend=codes).rounded
    for row, code in enumerate(codes.tolist()):
        t = Fraction(code, ONE)
        between = [
            np.array([float(t * Fraction(b) + (1 - t) * Fraction(a)) for a, b in of.T.tolist()]) for of in (gamma, beta)
        ]
        alone = config.replace(banks=1, bank_order="given", gamma=between[0], beta=between[1])
        np.testing.assert_array_equal(found[row], exact_rows(alone, x[row : row + 1], as_given=True)[0])


def test_in_real_numbers_it_is_the_formula() -> None:
    config = configuration("int16")
    assert isinstance(config.gamma, np.ndarray)
    assert isinstance(config.beta, np.ndarray)
    rng = np.random.default_rng(5)
    x, t = rng.integers(-128, 128, (6, LENGTH)), rng.random((6, 1))
    y = config.output.dequantize(GoldenModel(config).normalize(x, blend=t))
    real = config.input.dequantize(x)
    z = (real - real.mean(axis=1, keepdims=True)) / np.sqrt(real.var(axis=1, keepdims=True) + config.epsilon)
    gamma, beta = (t * of[1] + (1 - t) * of[0] for of in (config.gamma + 1, config.beta))
    bound = Plan.of(config).error_bound_as_given * config.output.scale
    np.testing.assert_allclose(y, z * gamma + beta, atol=bound + 2.0**-16 * 30)
    np.testing.assert_array_equal(y, config.output.dequantize(GoldenModel(config).normalize(x, blend=t[:, 0])))


def test_rows_without_a_number_from_0_to_1_are_refused() -> None:
    config = configuration("layernorm")
    x = np.zeros((2, LENGTH), np.int64)
    with pytest.raises(ConfigError, match=r'^banks: with bank_order = "interpolated" rows name none; leave banks out$'):
        RowBatch.of(config, x, banks=[0, 1], blend=[0, 1])
    with pytest.raises(ConfigError, match=r"^blend: rows are missing"):
        RowBatch.of(config, x)
    with pytest.raises(ConfigError, match=r"^blend: 1\.5: must be from 0 to 1$"):
        RowBatch.of(config, x, blend=[0.5, 1.5])
    with pytest.raises(ConfigError, match=r"^blend: row 1 element 0 is 32769: must be from 0 to 32768"):
        RowBatch.of(config, x, blend=[0, ONE + 1])
    with pytest.raises(ConfigError, match=r"^blend: shape \(3, 1\): must be \(2, 1\), one element of each row"):
        RowBatch.of(config, x, blend=[0, 1, 2])
