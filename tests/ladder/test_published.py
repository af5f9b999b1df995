"""Units of the algorithms of the literature in simulation: their models' bits, the planned cycles, whatever stalls."""

from functools import cache
from math import inf
from typing import Any

import numpy as np
import pytest

from ladder.checks import STALLS, agree, mixed_rows, traffic_of
from ladder.test_verilog import lint
from ladder.test_verilog_stays import reads_well
from streamnorm.plan import Plan
from streamnorm.plan.table import plan_rows
from streamnorm.spec.algorithms import ALGORITHMS, OWN_ALGORITHM
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.verilog.emit import manifest, verilog
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.cycles import predict
from streamnorm_sim.engines import run
from streamnorm_sim.engines.cxxrtl import compile_together
from streamnorm_sim.streams.traffic import Traffic

LENGTH = 24
RANDOM = np.random.default_rng(1)
GAMMA, BETA = RANDOM.uniform(0.5, 1.5, LENGTH) * RANDOM.choice([-1, 1], LENGTH), RANDOM.uniform(-1, 1, LENGTH)
INT8 = IntFormat(8, scale=0.05)
UINT8 = IntFormat(8, signed=False, scale=0.04, zero_point=99)
AFFINE = {"gamma": GAMMA, "beta": BETA}
WHOLE = {"lanes": 2, "max_length": LENGTH, "min_length": LENGTH}
ECP5 = {"target": "ecp5-85k-6", "clock_mhz": 150}

UNITS: dict[str, dict[str, Any]] = {
    "i-bert": {**WHOLE, **AFFINE, **ECP5},
    "i-bert_int12": {"algorithm": "i-bert", **WHOLE, "lanes": 1, "input": IntFormat(12, scale=0.01),
                     "output": IntFormat(16, scale=1e-3, zero_point=-77),
                     "gamma": GAMMA * np.logspace(-5, 0, LENGTH), "beta": BETA * 1e-5},
    "i-bert_every_cycle": {"algorithm": "i-bert", "lanes": 4, "max_length": 12, "gamma": -1.5, "beta": 0.3,
                           "input": IntFormat(4, scale=0.5), "clock_mhz": 30},
    "i-bert_shifted": {"algorithm": "i-bert", "architecture": "two-pass", "lanes": 2, "max_length": 12,
                       "input": IntFormat(16, scale=1e-3, zero_point=-9), "gamma": GAMMA[:12], "beta": BETA[:12],
                       **ECP5},
    "i-vit": {**WHOLE, **AFFINE, "input": UINT8, "output": UINT8},
    "i-bert_two_passes": {"algorithm": "i-bert", "architecture": "two-pass", "lanes": 3, "max_length": LENGTH,
                          "gamma": GAMMA, "clock_mhz": 60},
    "i-vit_fast": {"algorithm": "i-vit", "lanes": 3, "max_length": LENGTH, "min_length": 20, "gamma": GAMMA,
                   "target": "ecp5-85k-8", "clock_mhz": 300},
    "int8-search": {**WHOLE, **AFFINE, **ECP5, "input": IntFormat(8, scale=0.05, zero_point=-3)},
    "int8-search_ice40": {"algorithm": "int8-search", **WHOLE, "lanes": 1, "gamma": GAMMA, "target": "ice40-hx8k",
                          "clock_mhz": 48},
    "int8-search_banks": {"algorithm": "int8-search", **WHOLE, "banks": 2, "gamma": np.stack([GAMMA, -3 * GAMMA]),
                          "target": "ice40-up5k", "clock_mhz": 20},
    "q-layernorm-dyadic": {**WHOLE, **AFFINE, "output": UINT8},
    "dyadic_l1": {"algorithm": "q-layernorm-dyadic", "norm": "l1norm", "epsilon": 1e-3, "lanes": 2, "max_length": 15,
                  "gamma": GAMMA[:15], "beta": 0.5},
    "dyadic_rms": {"algorithm": "q-layernorm-dyadic", "norm": "rmsnorm", "epsilon": 1e-5, "lanes": 4,
                   "max_length": LENGTH, "gamma": GAMMA, "input": IntFormat(16, scale=1e-3),
                   "output": IntFormat(16, scale=5e-4)},
    "dyadic_channels": {"algorithm": "q-layernorm-dyadic", "norm": "adanorm", "epsilon": 1e-5, "lanes": 3,
                        "max_length": LENGTH, "gamma": GAMMA[:4], "parameter_repeat": 6},
}  # fmt: skip
"""The first of each algorithm bears its name."""

FIRST = tuple(name for name in UNITS if name in ALGORITHMS)
TOGETHER = (*FIRST, "i-bert_shifted")
"""For every run, compiled as one program."""

NAMES = [name if name in TOGETHER else pytest.param(name, marks=pytest.mark.slow) for name in UNITS]


@cache
def unit(name: str) -> NormConfig:
    keys = {"norm": "layernorm", "algorithm": name, "epsilon": 0.0, "input": INT8, "output": INT8, **UNITS[name]}
    return NormConfig(name=name.replace("-", "_"), **keys)


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    compile_together([unit(name) for name in TOGETHER])


def test_every_algorithm_is_here():
    assert {*FIRST, OWN_ALGORITHM} == set(ALGORITHMS)


@pytest.mark.parametrize("name", NAMES)
def test_bits_are_the_models_whatever_stalls(name):
    config = unit(name)
    for seed, (source, sink) in enumerate(zip(STALLS, (*STALLS[3:], *STALLS[:3]), strict=True)):
        batch = mixed_rows(config, np.random.default_rng(seed), elements=3000)
        agree(config, traffic_of(batch, source=source, sink=sink, seed=seed))


@pytest.mark.parametrize("name", TOGETHER)
def test_every_small_row_of_a_beat_and_extreme_long_ones(name):
    """Means and quotients that are ties, roots of the smallest sums, and the largest sum there is."""
    config = unit(name)
    low, high, zero = config.input.min, config.input.max, config.input.zero_point
    pairs = [np.array([a, b]) + zero for a in range(-6, 7) for b in range(-6, 7)]
    n = config.max_length
    extreme = [np.repeat([low, high], n // 2), np.repeat([high, low], [1, n - 1]), np.full(n, low)]
    agree(config, Traffic(rows=[np.clip(row, low, high) for row in pairs] + extreme))


@pytest.mark.parametrize("name", NAMES)
def test_cycles_are_the_planned_ones(name):
    config = unit(name)
    for n in sorted({1, config.lanes, min(config.lanes + 1, config.max_length), config.max_length}):
        assert measure_cycles(config, n).to_dict() == vars(Plan.of(config).latency(n)), n


@pytest.mark.parametrize("name", TOGETHER)
def test_rows_that_are_too_long_are_cut_and_the_next_one_is_untouched(name):
    config, rng = unit(name), np.random.default_rng(5)
    n = config.max_length
    lengths = [length for extra in (1, 2, n + 3) for length in (n + extra, n, 1, n - 1)]
    rows = [rng.integers(config.input.min, config.input.max, length, endpoint=True) for length in lengths]
    trace = agree(config, Traffic(rows=rows, source=STALLS[2], sink=STALLS[4]))
    assert trace.rows.errors.tolist() == [length > n for length in lengths]


@pytest.mark.parametrize("name", TOGETHER)
def test_the_cycle_model_knows_them(name):
    config, rng = unit(name), np.random.default_rng(6)
    lengths = rng.integers(1, config.max_length, 60, endpoint=True)
    rows = [np.zeros(length, np.int64) + config.input.zero_point for length in lengths]
    for source, sink in ((STALLS[0], STALLS[0]), (STALLS[2], STALLS[4])):
        traffic = Traffic(rows=rows, source=source, sink=sink, seed=6)
        trace, predicted = run(config, traffic), predict(config, traffic)
        assert trace.output_cycles[trace.outputs.last].tolist() == predicted.last_out.tolist()


@pytest.mark.parametrize("name", UNITS)
def test_a_plan_promises_nothing_and_says_what_is_there(name):
    config = unit(name)
    plan = Plan.of(config)
    assert plan.error_bound == plan.error_bound_as_given == inf
    told = plan.to_dict()
    assert told["error_bound_lsb"] is told["expected_error_lsb"] is None
    assert told["widths"]["normalized_bits"] == plan.precision.normalized_bits
    lines = {line.name: line for line in plan_rows(plan)}
    assert lines["algorithm"].value == config.algorithm
    assert lines["promise"].value == "none"
    assert sum(plan.stages.values()) == plan.latency_cycles
    assert all(cycles >= 0 for cycles in plan.stages.values())


@pytest.mark.parametrize("name", TOGETHER)
def test_the_verilog_reads_well_and_names_the_algorithm(name):
    config = unit(name)
    text = verilog(config)
    reads_well(text)
    assert f"// Algorithm: {config.algorithm}" in text
    assert manifest(config, {})["config"]["algorithm"] == config.algorithm


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in TOGETHER])
def test_linters_have_nothing_to_say(name, tmp_path):
    lint(unit(name), tmp_path)


def test_longer_rows_take_less_logic_for_their_statistic():
    """The same unit for rows of any length has its divisions side by side, with multipliers of their own."""
    for name in ("i-bert", "i-vit", "int8-search"):
        whole, any_length = Plan.of(unit(name)), Plan.of(unit(name).replace(min_length=1))
        assert whole.interval == LENGTH // 2
        assert any_length.interval == 1
        assert whole.multipliers["statistic"] <= any_length.multipliers["statistic"]
