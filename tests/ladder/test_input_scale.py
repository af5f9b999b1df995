"""A scale that comes with each row: hardware against golden model, under everything a stream may do; and its cycles."""

from math import ceil
from typing import Any

import numpy as np
import pytest

from ladder.checks import STALLS, agree, as_modelled, equal_golden, same_beats
from ladder.test_verilog_stays import reads_well
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import verilog
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.engines import run
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stalls import NO_STALL
from streamnorm_sim.streams.traffic import Traffic

FLOAT, POWER = {"format": "int8", "scale": "row"}, {"format": "int8", "scale": "row", "scale_kind": "power-of-two"}

KEYS: dict[str, dict[str, Any]] = {
    "float": {"beta": 0.4},
    "float_shared": {"min_length": 20, "target": "ecp5-85k-6", "clock_mhz": 175.0, "norm": "rmsnorm"},
    "power_and_dynamic": {"input": POWER, "lanes": 3, "output": FLOAT},
    "ice40": {"target": "ice40-hx8k", "clock_mhz": 40.0, "lanes": 1, "norm": "l2norm", "max_length": 5},
    "streamed": {"storage": "stream", "norm": "crmsnorm", "epsilon": 0.0},
}
"""What a unit has besides LayerNorm of int8, four lanes, rows of up to 24."""


def unit(name: str) -> NormConfig:
    plain: dict[str, Any] = {
        "norm": "layernorm",
        "lanes": 4,
        "max_length": 24,
        "epsilon": 1e-5,
        "input": FLOAT,
        "output": {"format": "int8", "scale": 0.02},
    }
    return NormConfig(name=name, **{**plain, **KEYS[name]})


def rows_for(config: NormConfig, seed: int, count: int = 100) -> RowBatch:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, config.max_length, count, endpoint=True)
    lengths[rng.random(count) < 0.4] = min(config.lanes, config.max_length)
    return random_rows(config, count, rng, lengths=lengths)


def traffic(batch: RowBatch, **keys: Any) -> Traffic:
    return Traffic(rows=batch.x, lengths=batch.lengths, banks=batch.banks, beside=batch.beside, **keys)


def without_scale(config: NormConfig, batch: RowBatch) -> list[bool]:
    assert config.input_scale is not None
    return config.input_scale.is_bad(batch.beside["input_scale"][:, 0]).tolist()


@pytest.mark.parametrize("name", KEYS)
def test_every_result_is_the_golden_one_under_any_stall(name: str) -> None:
    config = unit(name)
    for seed, (source, sink) in enumerate([(0, 0), (1, 4), (2, 3), (4, 2), (3, 6), (0, 5)]):
        batch = rows_for(config, seed)
        trace = agree(config, traffic(batch, source=STALLS[source], sink=STALLS[sink], seed=seed))
        as_modelled(trace)
        assert trace.rows.errors.tolist() == without_scale(config, batch)


@pytest.mark.parametrize("name", KEYS)
def test_measured_cycles_are_the_planned_ones_for_every_length(name: str) -> None:
    config = unit(name)
    plan = Plan.of(config)
    formulas = plan.latency_formulas()
    for n in range(1, config.max_length + 1):
        planned = vars(plan.latency(n))
        assert {key: eval(text, {"ceil": ceil, "max": max, "n": n}) for key, text in formulas.items()} == planned
        assert measure_cycles(config, n).to_dict() == planned, f"{name}: n = {n}"


def test_the_rate_is_full() -> None:
    for name in ("float", "float_shared"):
        config = unit(name)
        assert Plan.of(config).latency(24).SS == 6


def test_a_row_without_a_scale_is_beta() -> None:
    config = unit("float")
    batch = rows_for(config, 7)
    trace = agree(config, traffic(batch))
    bad = without_scale(config, batch)
    assert 3 < sum(bad) < 40
    for row, n in zip(trace.rows.x[bad], trace.rows.lengths[bad], strict=True):
        assert set(row[:n].tolist()) == {20}


@pytest.mark.parametrize("name", ["float", "power_and_dynamic"])
def test_overlong_rows_are_cut_and_take_one_scale(name: str) -> None:
    config = unit(name)
    assert config.input_scale is not None
    rng = np.random.default_rng(3)
    full = config.max_length
    lengths = rng.choice([1, full - 1, full, full + 1, full + config.lanes, 3 * full + 2], 40)
    rows = [rng.integers(-128, 128, length) for length in lengths]
    codes = random_rows(config, len(rows), rng).beside["input_scale"]
    for sink in (NO_STALL, STALLS[2]):
        given = Traffic(rows=rows, beside={"input_scale": codes}, source=STALLS[1], sink=sink, seed=4)
        trace = as_modelled(agree(config, given))
        bad = config.input_scale.is_bad(codes[:, 0])
        assert trace.rows.errors.tolist() == ((lengths > full) | bad).tolist()


def test_beats_that_break_every_rule() -> None:
    """Rows without an end, lanes with holes; scales that come without a last, which is not looked at."""
    config = unit("float")
    for seed in range(3):
        rng = np.random.default_rng(seed)
        keep = rng.random((400, config.lanes)) < rng.choice([0.3, 0.9, 1.0], (400, 1))
        last = rng.random(400) < rng.choice([0.1, 0.3, 0.7])
        last[-1] = True
        beats = Beats(rng.integers(0, 256, (400, 4)).astype(np.uint8), keep, last, np.zeros(400, np.uint16))
        count = int(last.sum())
        codes = random_rows(config, count, rng).beside["input_scale"].astype("<u4")
        data = codes.view(np.uint8).reshape(count, 4)
        scales = Beats(data, np.ones((count, 4), np.bool_), rng.random(count) < 0.5, np.zeros(count, np.uint16))
        beside = {"input_scale": scales}
        agree(config, Traffic(beats=beats, beats_beside=beside, source=STALLS[1], sink=STALLS[4], seed=seed))


@pytest.mark.parametrize("name", ["float", "float_shared", "power_and_dynamic"])
def test_a_reset_at_any_moment_leaves_a_working_unit(name: str) -> None:
    config = unit(name)
    batch = rows_for(config, 5, 40)
    for reset_at in (0, 1, 17, 40, 77, 103, 160, 250):
        equal_golden(run(config, traffic(batch, source=STALLS[1], sink=STALLS[2], seed=reset_at, reset_at=reset_at)))


def test_a_row_waits_for_its_scale_and_the_scale_for_its_row() -> None:
    """Both streams are closed for long, at other times each, so that now the one is ahead, now the other."""
    config = unit("float")
    batch = rows_for(config, 8, 80)
    for seed in range(6):
        agree(config, traffic(batch, source=STALLS[5], seed=seed))


def test_verilog_reads_well_and_names_the_stream() -> None:
    for name, width in (("float", 32), ("power_and_dynamic", 8)):
        text = verilog(unit(name))
        reads_well(text)
        assert f"input [{width - 1}:0] s_axis_input_scale_tdata;" in text


def test_engines_agree() -> None:
    config = unit("float")
    given = traffic(rows_for(config, 9, 20), source=STALLS[1], sink=STALLS[1], seed=3, reset_at=60)
    agree(config, given, "pysim")
    plain = traffic(rows_for(config, 9, 20), source=STALLS[1], sink=STALLS[1], seed=3)
    same_beats(agree(config, plain, "pysim"), agree(config, plain))
