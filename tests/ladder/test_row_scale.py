"""A scale for each row of results: hardware against golden model, under everything a stream may do; and its cycles."""

from math import ceil
from typing import Any

import numpy as np
import pytest

from ladder.checks import STALLS, agree, as_modelled, mixed_rows, rows_for, traffic_of
from ladder.promises import cut_and_flagged, cycles_as_planned, engines_agree, resets, rules_broken, stalled
from ladder.test_verilog_stays import reads_well
from small_unit import FLOAT_SCALES, INT8, POWER_SCALES, small_unit
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import verilog
from streamnorm_sim.streams.stalls import NO_STALL
from streamnorm_sim.streams.traffic import ParameterLoad

INT16: dict[str, Any] = {"format": "int16", "scale": 0.001}
RESIDUAL = {"format": "int8", "scale": 0.05, "alpha": 1.5, "emit_sum": True, "sum": {"format": "int16", "scale": 0.01}}

KEYS: dict[str, dict[str, Any]] = {
    "float": {},
    "power_of_two": {"output": POWER_SCALES, "lanes": 3},
    "float_shared": {"min_length": 40, "target": "ecp5-85k-6", "clock_mhz": 175.0},
    "float_shared_by_two": {"min_length": 8, "lanes": 5, "output": {"format": "int4", "scale": "row"}},
    "power_limited": {"output": {**POWER_SCALES, "scale_max": 0.012}, "norm": "rmsnorm"},
    "float_limited": {"output": {**FLOAT_SCALES, "format": "int5", "scale_max": 0.13}, "lanes": 1, "max_length": 9},
    "wide": {"output": {"format": "int16", "scale": "row"}, "lanes": 2, "max_length": 17},
    "one_element": {"max_length": 1, "lanes": 1, "norm": "rmsnorm"},
    "rom_banks": {"banks": 3},
    "ram_banks": {"banks": 2, "storage": "ram", "gamma": None, "beta": None},
    "residual": {"input": INT8, "residual": RESIDUAL},
    "part": {"norm": "rmsnorm", "statistic_length": 12},
    "tanh": {"norm": "dyt", "alpha": 0.7, "epsilon": None},
    "two_pass": {"architecture": "two-pass"},
    "three_scan": {"architecture": "three-scan"},
    "welford": {"architecture": "three-scan:welford"},
    "ice40": {"input": INT8, "target": "ice40-hx8k", "clock_mhz": 40.0, "lanes": 2},
    "bf16": {"input": {"format": "bf16"}},
}
"""What a unit has besides LayerNorm of int16 to int8, four lanes, rows of up to 40."""


def unit(name: str) -> NormConfig:
    keys = {"name": name, "max_length": 40, "input": INT16, "output": FLOAT_SCALES, **KEYS[name]}
    rng = np.random.default_rng(7)
    shape = (keys["banks"], keys["max_length"]) if keys.get("banks", 1) > 1 else (keys["max_length"],)
    return small_unit(**{"gamma": rng.normal(1, 0.5, shape), "beta": rng.normal(0, 0.3, shape), **keys})


@pytest.mark.parametrize("name", KEYS)
def test_every_result_and_scale_is_the_golden_one_under_any_stall(name: str) -> None:
    config = unit(name)
    batch = rows_for(config, 1)
    for trace in stalled(config, batch, known=name not in ("three_scan", "welford")):
        assert len(trace.rows) == len(trace.rows_beside["scale"]) == len(batch)


TIMED = (
    "float",
    "power_of_two",
    "float_shared",
    "float_shared_by_two",
    "residual",
    "part",
    "tanh",
    "two_pass",
    "three_scan",
)


@pytest.mark.parametrize("name", [*TIMED, "one_element"])
def test_measured_cycles_are_the_planned_ones_for_every_length(name: str) -> None:
    cycles_as_planned(unit(name))


def test_a_row_takes_no_more_cycles_than_without_and_comes_out_a_row_later() -> None:
    config = unit("float")
    plan, plain = Plan.of(config), Plan.of(config.core)
    for n in (1, 4, 21, 40):
        assert plan.latency(n).SS == plain.latency(n).SS == ceil(n / 4)
        more = plan.latency(n).L1 - plain.latency(n).L1
        assert ceil(n / 4) < more <= ceil(n / 4) + 30


@pytest.mark.parametrize("name", ["float", "power_of_two", "float_shared", "residual"])
def test_overlong_rows_are_cut_and_flagged_on_both_streams(name: str) -> None:
    cut_and_flagged(unit(name))


def test_beats_that_break_every_rule() -> None:
    rules_broken(unit("float"), ended=False)


@pytest.mark.parametrize("name", ["float", "float_shared", "power_of_two", "residual"])
def test_a_reset_at_any_moment_leaves_a_working_unit(name: str) -> None:
    config = unit(name)
    resets(config, rows_for(config, 5, 30))


def test_gamma_and_beta_that_are_loaded_decide_the_scale() -> None:
    config = unit("ram_banks")
    rng = np.random.default_rng(6)
    batch = mixed_rows(config, rng, count=30)
    top = 1 << (config.gamma_bits - 1)
    loads = [
        ParameterLoad(row, *rng.integers(-top // 2, top // 2, (2, config.bank_values)), int(rng.integers(2)))
        for row in (-1, 3, 4, 20)
    ]
    for source, sink in ((NO_STALL, NO_STALL), (STALLS[1], STALLS[4])):
        agree(config, traffic_of(batch, loads=loads, source=source, sink=sink, seed=2))


def test_each_stream_goes_on_while_another_is_not_taken() -> None:
    """Closed for long, at other times each: nothing is lost, and now the scale is behind its row, now before it."""
    config = unit("float")
    batch = rows_for(config, 8, 80)
    behind = set()
    for seed in range(6):
        trace = as_modelled(agree(config, traffic_of(batch, sink=STALLS[5], seed=seed)))
        behind |= set((trace.sides["scale"].cycles > trace.output_cycles[trace.outputs.last]).tolist())
    assert behind == {True, False}


@pytest.mark.parametrize("name", ["float", "ice40", "bf16", "float_limited", "power_limited"])
def test_verilog_reads_well_and_names_the_stream(name: str) -> None:
    text = verilog(unit(name))
    reads_well(text)
    width = 8 if name == "power_limited" else 32
    assert f"output [{width - 1}:0] m_axis_scale_tdata;" in text


@pytest.mark.parametrize("engine", ["pysim", "verilator"])
def test_engines_agree(engine: str) -> None:
    config = unit("float_shared_by_two")
    engines_agree(config, rows_for(config, 9, 12), engine)


def test_engines_agree_after_a_reset() -> None:
    config = unit("power_of_two")
    given = traffic_of(rows_for(config, 9, 20), source=STALLS[1], sink=STALLS[1], seed=3, reset_at=60)
    for engine in ("pysim", "verilator"):
        agree(config, given, engine)


def test_the_streams_of_all_kinds_go_together() -> None:
    """Sums and scales beside the results, each at its own pace."""
    config = unit("residual")
    batch = rows_for(config, 10)
    trace = as_modelled(agree(config, traffic_of(batch, sink=STALLS[2], source=STALLS[1], seed=5)))
    assert set(trace.rows_beside) == {"sum", "scale"}
    assert [len(trace.rows_beside[name]) for name in ("sum", "scale")] == [len(batch)] * 2
    assert [len(trace.sides[name].beats) for name in ("sum", "scale")] == [len(trace.outputs), len(batch)]
