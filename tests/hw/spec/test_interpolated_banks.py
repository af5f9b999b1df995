"""The configuration of gamma and beta between two banks."""

from typing import Any

import numpy as np
import pytest

from small_unit import small_unit
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.plan.table import plan_rows
from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import InterpolatedBanks
from streamnorm.spec.parameters import StoredParameters
from streamnorm.verilog.emit import manifest
from streamnorm.verilog.ports import ports

TWO = np.array([np.linspace(0.5, 1.5, 40), np.linspace(-2, 2, 40)])


def make(**changes: Any) -> NormConfig:
    banks = {"banks": 2, "bank_order": "interpolated", "gamma": TWO, "beta": TWO / 4}
    return small_unit(**{"max_length": 40, **banks, **changes})


WHAT = 'bank_order = "interpolated"'


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"banks": 1, "gamma": 1.0, "beta": 0.0}, f"banks = 1: must be 2 with {WHAT}: each row's gamma is between two"),
        (
            {"banks": 3, "gamma": np.ones((3, 40)), "beta": None},
            f"banks = 3: must be 2 with {WHAT}: each row's gamma is between two",
        ),
        (
            {"storage": "ram"},
            f'storage = "ram": does not go with {WHAT}: there is no unit that loads them; allowed: rom',
        ),
        (
            {"output": "bf16"},
            f"output = bf16: does not go with {WHAT}: gamma and beta are stored as floating-point numbers then, and "
            "only integers are interpolated",
        ),
        (
            {"input": {"format": "int8", "scale": "row"}},
            f'in [input]: scale = "row": does not go with {WHAT}: there is no unit yet that takes two numbers with '
            "each row",
        ),
        (
            {"norm": "affine", "epsilon": None},
            f"norm = 'affine': does not go with {WHAT}: without a statistic its elements wait for nothing, and not for "
            "the gamma that is made for their row",
        ),
        (
            {"architecture": "three-scan"},
            f"architecture = 'three-scan': does not go with {WHAT}: it takes a row at a time, and has gamma and beta "
            "in a memory; allowed: one-pass, two-pass",
        ),
        (
            {"algorithm": "q-layernorm-dyadic"},
            f"algorithm = 'q-layernorm-dyadic': does not go with {WHAT}: its gamma and beta are constants; allowed: "
            "streamnorm",
        ),
        (
            {"accuracy": "tight"},
            f'accuracy = "tight": does not go with {WHAT}: how many results are rounded correctly is not promised '
            "where gamma and beta are rounded once more, between the banks",
        ),
        (
            {"gamma": 1.0, "beta": None},
            'banks = 2: with storage = "rom", gamma or beta must be an array of shape (2, 40); every bank would hold '
            "the same values",
        ),
        (
            {"gamma_max": 4.0},
            'gamma_max = 4.0: only goes with storage = "ram" or "stream"; with "rom" the stored values',
        ),
    ],
)
def test_what_does_not_go_with_it_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make(**changes)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {},
            "beta: -0.5 does not fit beta_bits = 4 with 1 fraction bit, output scale 0.04, zero point 0: must be from",
        ),
        (
            {"beta": None},
            f"{WHAT}: gamma_bits and beta_bits must hold the largest magnitude in the banks, 1 where there is none, "
            "with either sign: beta_max = 1 does not fit beta_bits = 4 with 1 fraction bit, output scale 0.04",
        ),
    ],
)
def test_bits_that_are_too_few_are_refused_by_what_they_are_to_hold(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Plan.of(make(beta_bits=4, **changes))
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"gamma_offset": 1.0, "output": {"format": "int16", "scale": 2e-4}},
        {"beta": None, "norm": "rmsnorm"},
        {"gamma": 0.01, "gamma_rounding": "output"},
        {"parameter_repeat": 10, "gamma": TWO[:, ::10], "beta": None, "norm": "groupnorm"},
        {"residual": {"format": "int8", "scale": 0.05}, "output": {"format": "int8", "scale": "row"}},
        {"architecture": "two-pass", "norm": "l1norm", "gamma_bits": 12, "beta_bits": 11},
        {"gamma": TWO * 0, "gamma_offset": -1.0, "beta": 0.0, "input": "fp16"},
    ],
)
def test_the_unit_within_takes_gamma_and_beta_as_they_are_stored(changes: dict[str, Any]) -> None:
    config = make(**changes)
    stored, within = StoredParameters.of(config), StoredParameters.of(config.core)
    for name in ("gamma_bits", "beta_bits", "gamma_frac_bits", "beta_frac_bits", "storage_error"):
        assert getattr(stored, name) == getattr(within, name), name
    assert stored.gamma.shape == (2, config.bank_values)
    assert config.core.parameters_are_streamed
    assert not config.core.banks_are_interpolated
    assert config.banked.replace(bank_order="given").core == config.banked.replace(bank_order="given")
    assert config.banked.core == config.core
    assert [side.name for side in config.side_inputs][-1] == "blend"
    if "gamma_bits" not in changes:
        assert stored.storage_error <= InterpolatedBanks.STORAGE_ERROR_MAX


def test_the_bound_counts_both_roundings() -> None:
    for changes in ({}, {"output": {"format": "int16", "scale": 2e-4}}, {"gamma_bits": 10}):
        config = make(**changes)
        plan, within = Plan.of(config), Plan.of(config.core)
        error = StoredParameters.of(config).storage_error
        assert plan.interpolation_error == error > 0 == within.interpolation_error
        assert plan.error_bound == within.error_bound + error
        assert plan.error_bound_as_given == plan.error_bound + error
        assert plan.expected_error > within.expected_error
        assert changes == {"gamma_bits": 10} or plan.error_bound_as_given <= 1


def test_what_is_between_is_rounded_to_the_nearest_and_exact_at_the_ends() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.integers(-(2**31), 2**31, (2, 500))
    codes = np.array([[0], [1], [12345], [1 << 14], [(1 << 15) - 1], [1 << 15]])
    found = InterpolatedBanks.between(first, second, codes)
    np.testing.assert_array_equal(found[0], first)
    np.testing.assert_array_equal(found[-1], second)
    exact = second.astype(object) * codes + ((1 << 15) - codes) * first.astype(object)
    assert (abs((found.astype(object) << 15) - exact) <= 1 << 14).all()


def test_there_is_a_stream_of_a_beat_a_row_and_no_bank_port() -> None:
    names = {port.name: port.width for port in ports(make())}
    assert names["s_axis_blend_tdata"] == 16
    assert "s_axis_tuser" not in names
    assert not [name for name in names if "param" in name]
    plain = {port.name for port in ports(make(bank_order="given"))}
    assert "s_axis_tuser" in plain
    assert not [name for name in plain if "blend" in name]


def test_plan_and_manifest_tell_of_it() -> None:
    config = make()
    rows = {row.name: row for row in plan_rows(Plan.of(config))}
    assert rows["blend"].value == "0 to 1 in steps of 2^-15"
    assert rows["between banks"].value == f"{Plan.of(config).interpolation_error:.4f} LSB"
    assert "interpolation" in rows
    told = manifest(config, {})
    blend = told["formats"]["blend"]
    assert [blend[key] for key in ("format", "min", "max", "bytes")] == ["0 to 1 in steps of 2^-15", 0, 1 << 15, 2]
    assert sum("s_axis_blend" in line for line in told["about"]) == 1
