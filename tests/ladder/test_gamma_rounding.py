"""``gamma_rounding = "output"`` in hardware: every architecture, the golden model's bits, the planned cycles."""

import re
from functools import cache
from typing import Any

import numpy as np
import pytest

from drawn import drawn_config
from ladder.checks import agree, mixed_rows, traffic_of
from streamnorm.plan import Plan
from streamnorm.plan.table import plan_rows
from streamnorm.precision.precision import Precision
from streamnorm.spec.architectures import architectures_of
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.norms import NORMS
from streamnorm.spec.parameters import StoredParameters
from streamnorm.verilog.emit import body_hash, manifest, verilog
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.check.simulate import simulate
from streamnorm_sim.engines.cxxrtl import compile_together
from streamnorm_sim.reference.exact import exact_result
from streamnorm_sim.reference.rows import corner_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic

MEASURING = architectures_of(NORMS["layernorm"])
STALLS = ((NO_STALL, NO_STALL), (Stall.random(0.5), NO_STALL), (Stall.burst(9, 4), Stall.burst(30, 50)))


def configuration(**changes: Any) -> NormConfig:
    keys: dict[str, Any] = {
        "norm": "layernorm",
        "lanes": 4,
        "max_length": 50,
        "input": IntFormat(8, scale=0.05),
        "output": IntFormat(8, scale=0.03, zero_point=7),
        "epsilon": 1e-5,
        "gamma": np.linspace(-0.5, 2.5, 50),
        "beta": np.linspace(-1, 1, 50),
        "gamma_rounding": "output",
    }
    return NormConfig(**{**keys, **changes})


@cache
def architectures() -> dict[str, NormConfig]:
    configs = {name: configuration(architecture=name) for name in MEASURING}
    compile_together(list(configs.values()))
    return configs


@pytest.mark.parametrize("architecture", MEASURING)
def test_bits_are_the_golden_models_and_cycles_the_planned(architecture: str) -> None:
    config = architectures()[architecture]
    for seed, (source, sink) in enumerate(STALLS):
        batch = mixed_rows(config, np.random.default_rng(seed), count=30)
        agree(config, traffic_of(batch, source=source, sink=sink, seed=seed))
    assert measure_cycles(config).to_dict() == vars(Plan.of(config).latency(50))


UNITS = {
    "power of two, shared products": configuration(
        output=IntFormat(8, scale=2.0**-5), target="ecp5-85k-6", clock_mhz=200, min_length=48, beta=None
    ),
    "shared products": configuration(norm="rmsnorm", target="ecp5-85k-6", clock_mhz=200, min_length=48),
    "curve": configuration(norm="adanorm", curvature=0.3, target="ecp5-85k-6", clock_mhz=100, lanes=2),
    "no epsilon": configuration(epsilon=0.0, gamma=1.5, beta=None, output=IntFormat(8, scale=0.1875)),
}
LARGE = {
    "wide": configuration(input=IntFormat(16, scale=1e-3), output=IntFormat(16, scale=3e-4), accuracy="tight"),
    "serial": configuration(target="ice40-hx8k", lanes=1, clock_mhz=60, min_length=48),
}


@cache
def units() -> dict[str, NormConfig]:
    compile_together(list(UNITS.values()))
    return UNITS


@pytest.mark.parametrize("name", [*UNITS, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_other_units_have_the_golden_models_bits(name: str) -> None:
    config = units()[name] if name in UNITS else LARGE[name]
    batch = mixed_rows(config, np.random.default_rng(9), count=40)
    agree(config, traffic_of(batch, source=Stall.random(0.2), sink=Stall.random(0.4), seed=9))


@pytest.mark.parametrize("seed", [21, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (22, 23, 24))])
def test_any_configuration_has_the_golden_models_bits(seed: int) -> None:
    config = drawn_config(seed, gamma_rounding="output")
    batch = mixed_rows(config, np.random.default_rng(seed), count=20, elements=4000)
    agree(config, traffic_of(batch, source=Stall.random(0.2), sink=Stall.random(0.4), seed=seed))


def test_ties_before_gamma_in_hardware() -> None:
    """Without epsilon, rows with z = odd / m: in steps of 3/16 some are half-way, and q is even there."""
    config = units()["no epsilon"]
    rows = [row for name, (_, row) in corner_rows(config, np.random.default_rng(1)).items() if "ties" in name]
    batch = RowBatch.pack(config, rows, np.zeros(len(rows), np.int64))
    trace = agree(config, traffic_of(batch))
    steps = exact_result(config.replace(gamma_rounding="once", gamma=None), batch.x, batch.lengths, as_given=True)
    ties = (np.abs(steps.scaled - np.floor(steps.scaled) - 0.5) < 2.0**-36) & batch.valid
    assert ties.sum() == 3  # 6.5 twice, and 1.5
    exact = exact_result(config, batch.x, batch.lengths)
    assert exact.normalized is not None
    assert (exact.normalized[ties] % 2 == 0).all()
    assert (trace.rows.x[ties] == exact.rounded[ties]).all()


def test_loads_between_rows_hold_gamma_that_is_not_divided() -> None:
    config = configuration(storage="ram", gamma=None, beta=None, lanes=3, max_length=20, gamma_max=2.0)
    stored = StoredParameters.of(config)
    rng = np.random.default_rng(4)
    loads = [
        ParameterLoad(after, stored.quantize_gamma(rng.uniform(-2, 2, 20)), stored.quantize_beta(rng.normal(0, 1, 20)))
        for after in (-1, 3, 9)
    ]
    batch = mixed_rows(config, rng, count=20)
    agree(config, Traffic(rows=batch.x, lengths=batch.lengths, loads=loads, sink=Stall.random(0.3)))
    about = " ".join(manifest(config, {})["about"])
    assert "Stored is round((gamma + gamma_offset) * 2**frac_bits)" in about


def test_simulate_judges_against_two_roundings_and_the_plans_bound() -> None:
    config = architectures()["one-pass"]
    simulation = simulate(config, rows=200, seed=2)
    plan = Plan.of(config)
    assert simulation.failures == []
    assert 0.5 < simulation.accuracy.max_ulp <= plan.error_bound == 0.5 + StoredParameters.of(config).gamma_max_abs
    assert plan.error_bound_as_given > plan.error_bound
    assert simulation.accuracy.correctly_rounded > 0.999
    worse = simulation.__class__(**{**vars(simulation), "accuracy": _with_max(simulation.accuracy, 3.01)})
    assert worse.failures == ["an error of 3.0100 output LSB; at most 3 is allowed"]


def _with_max(accuracy: Any, max_ulp: float) -> Any:
    return accuracy.__class__(**{**vars(accuracy), "max_ulp": max_ulp})


def test_the_plan_says_what_is_promised() -> None:
    plan = Plan.of(configuration(gamma=2.0, beta=None))
    lines = {line.name: (line.value, line.meaning) for line in plan_rows(plan)}
    assert lines["promise"] == (
        "faithful",
        "z rounded to an output step at most 1 off, 99.9 % correctly rounded; then one rounding",
    )
    assert lines["error bound"] == (
        "2.5000 LSB",
        "proven for every row; 0.5 where z is rounded right, else |gamma| more",
    )
    assert lines["z, rounded"][0] == f"{0.5 + plan.precision.error_bound:.4f} LSB"
    assert lines["q"][0] == "9 bits"
    assert lines["gamma"][1] == "as stored, not divided by the output scale"
    told = plan.to_dict()
    assert told["error_bound_lsb"] == 2.5
    assert told["normalized_error_bound_lsb"] == 0.5 + plan.precision.error_bound
    assert told["widths"]["multiplied_bits"] == 9
    assert plan.notices == []
    # An error that gamma makes is no fault of its width.
    assert not any(re.search("gamma_bits", notice) for notice in Plan.of(configuration(gamma=50.0)).notices)


def test_once_is_the_default_to_the_byte() -> None:
    once = configuration(gamma_rounding="once")
    absent = NormConfig(
        **{
            key: getattr(once, key)
            for key in ("norm", "lanes", "max_length", "input", "output", "epsilon", "gamma", "beta")
        }
    )
    assert once.digest() == absent.digest() != configuration().digest()
    assert body_hash(verilog(once)) == body_hash(verilog(absent))
    assert Precision.of(once).grid is None
