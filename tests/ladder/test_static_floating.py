"""Static units for floating point: the golden model's bits and the planned cycles, whatever the stream does."""

from typing import Any

import numpy as np
import pytest

from ladder.checks import STALLS, agree, mixed_rows, traffic_of, within_bound
from ladder.together import compile_with_its_like
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat, IntFormat
from streamnorm.spec.stored_floats import StoredFloats
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.streams.seeds import seeded
from streamnorm_sim.streams.stalls import NO_STALL
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic

LENGTH = 30
ECP5 = {"target": "ecp5-25k-6", "clock_mhz": 150}
INT8 = IntFormat(8, scale=0.05, zero_point=3)


def parameters() -> dict[str, Any]:
    rng = seeded(1)
    return {"gamma": rng.normal(1, 0.4, LENGTH), "beta": rng.normal(0, 0.8, LENGTH)}


UNITS: dict[str, dict[str, Any]] = {
    "affine": {**ECP5, "norm": "affine", "input": "bf16", "output": "bf16"},
    "affine_to_int8": {"norm": "affine", "input": "fp16", "output": INT8, "gamma": np.linspace(-0.1, 2, LENGTH)},
    "affine_of_int8": {"norm": "affine", "input": INT8, "output": "fp32", "target": "ice40-up5k", "clock_mhz": 18},
    "dyt": {**ECP5, "norm": "dyt", "alpha": -0.7, "input": "bf16", "output": "fp16"},
    "dyt_of_fp8": {**ECP5, "norm": "dyt", "alpha": 0.6, "input": "fp8_e5m2", "output": "bf16", "storage": "ram"},
    "dyt_of_int8": {"norm": "dyt", "alpha": 0.5, "input": INT8, "output": "bf16", "gamma": None, "beta": None},
    "dyt_to_int8": {"norm": "dyt", "alpha": 1.5, "input": "bf16", "output": INT8, "beta": 0.3, "clock_mhz": 1},
}  # fmt: skip


def unit(name: str) -> NormConfig:
    return NormConfig(**{"name": name, "lanes": 3, "max_length": LENGTH, **parameters(), **UNITS[name]})


@pytest.fixture(autouse=True)
def _hardly_optimized(unoptimized: None) -> None:
    """They are run for some hundred rows."""


@pytest.fixture(params=UNITS)
def config(request: pytest.FixtureRequest) -> NormConfig:
    config = unit(request.param)
    compile_with_its_like(config, map(unit, UNITS))
    return config


def special_rows(config: NormConfig) -> np.ndarray:
    """Any codes: NaN, infinities, subnormal numbers, zeros of both signs."""
    rng, source = seeded(4), config.input
    rows = rng.integers(source.min, source.max, (60, LENGTH), endpoint=True)
    if isinstance(source, FloatFormat):
        rows[::3] = source.quantize(rng.choice([0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan], rows[::3].shape))
        rows[1::3] = rng.integers(0, 1 << source.fraction_bits, rows[1::3].shape)
    return rows


def test_bits_are_the_golden_models_whatever_stalls(config: NormConfig) -> None:
    for seed, (source, sink) in enumerate(zip(STALLS[:4], STALLS[3:], strict=True)):
        agree(config, traffic_of(mixed_rows(config, seeded(seed), elements=4000), source=source, sink=sink, seed=seed))
    within_bound(agree(config, traffic_of(mixed_rows(config, seeded(9), elements=6000), seed=9)))
    lengths = seeded(5).integers(1, LENGTH, 60, endpoint=True)
    trace = agree(config, Traffic(rows=special_rows(config), lengths=lengths))
    if config.input.is_float:
        assert {0, 1, 2} <= {flags & 3 for flags in trace.rows.flags.tolist()}


def test_cycles_are_the_planned_ones(config: NormConfig) -> None:
    for n in (1, 4, LENGTH):
        assert measure_cycles(config, n).to_dict() == vars(Plan.of(config).latency(n)), n


def test_a_load_changes_the_rows_behind_it() -> None:
    config, rng = unit("dyt_of_fp8"), seeded(7)
    stored = StoredFloats.of(config)
    gamma, beta = stored.quantize_gamma(rng.normal(size=LENGTH)), rng.integers(0, 1 << stored.beta_bits, LENGTH)
    load = ParameterLoad(after_row=20, bank=0, gamma=gamma, beta=beta)
    for source, sink in ((NO_STALL, NO_STALL), (STALLS[2], STALLS[4])):
        agree(config, Traffic(rows=special_rows(config), loads=(load,), source=source, sink=sink))


def test_a_narrow_element_takes_a_table_and_no_multiplier_before_gamma() -> None:
    plan = Plan.of(unit("dyt_of_int8"))
    assert sum(plan.multipliers.values()) == 0
    assert plan.block_rams["function tables"] <= 3
    assert "one for each magnitude" in Plan.of(unit("dyt_of_fp8")).report.stages[1].meaning
