"""A scale that comes with each row: hardware against golden model, under everything a stream may do; and its cycles."""

from typing import Any

import numpy as np
import pytest

from ladder.checks import STALLS, agree, traffic_of
from ladder.promises import cut_and_flagged, cycles_as_planned, engines_agree, resets, rules_broken, stalled
from ladder.raw_beats import beats_of_a_number
from ladder.test_verilog_stays import reads_well
from small_unit import FLOAT_SCALES, POWER_SCALES, small_unit
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import verilog
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.rows import RowBatch

KEYS: dict[str, dict[str, Any]] = {
    "float": {"beta": 0.4},
    "float_shared": {"min_length": 20, "target": "ecp5-85k-6", "clock_mhz": 175.0, "norm": "rmsnorm"},
    "power_and_dynamic": {"input": POWER_SCALES, "lanes": 3, "output": FLOAT_SCALES},
    "ice40": {"target": "ice40-hx8k", "clock_mhz": 40.0, "lanes": 1, "norm": "l2norm", "max_length": 5},
    "streamed": {"storage": "stream", "norm": "crmsnorm", "epsilon": 0.0},
}
"""What a unit has besides LayerNorm of int8, four lanes, rows of up to 24."""


def unit(name: str) -> NormConfig:
    output = {"format": "int8", "scale": 0.02}
    return small_unit(**{"name": name, "input": FLOAT_SCALES, "output": output, **KEYS[name]})


def short_rows(config: NormConfig, seed: int, count: int = 100) -> RowBatch:
    """Random rows, four of ten of one beat."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, config.max_length, count, endpoint=True)
    lengths[rng.random(count) < 0.4] = min(config.lanes, config.max_length)
    return random_rows(config, count, rng, lengths=lengths)


def without_scale(config: NormConfig, batch: RowBatch) -> list[bool]:
    assert config.input_scale is not None
    return config.input_scale.is_bad(batch.beside["input_scale"][:, 0]).tolist()


@pytest.mark.parametrize("name", KEYS)
def test_every_result_is_the_golden_one_under_any_stall(name: str) -> None:
    config = unit(name)
    batches = [short_rows(config, seed) for seed in range(6)]
    for batch, trace in zip(batches, stalled(config, *batches), strict=True):
        assert trace.rows.errors.tolist() == without_scale(config, batch)


@pytest.mark.parametrize("name", KEYS)
def test_measured_cycles_are_the_planned_ones_for_every_length(name: str) -> None:
    cycles_as_planned(unit(name))


def test_the_rate_is_full() -> None:
    for name in ("float", "float_shared"):
        config = unit(name)
        assert Plan.of(config).latency(24).SS == 6


def test_a_row_without_a_scale_is_beta() -> None:
    config = unit("float")
    batch = short_rows(config, 7)
    trace = agree(config, traffic_of(batch))
    bad = without_scale(config, batch)
    assert 3 < sum(bad) < 40
    for row, n in zip(trace.rows.x[bad], trace.rows.lengths[bad], strict=True):
        assert set(row[:n].tolist()) == {20}


@pytest.mark.parametrize("name", ["float", "power_and_dynamic"])
def test_overlong_rows_are_cut_and_take_one_scale(name: str) -> None:
    config = unit(name)
    cut_and_flagged(config)


def test_beats_that_break_every_rule() -> None:
    """Rows without an end, lanes with holes; scales that come without a last, which is not looked at."""
    config = unit("float")

    def scales(beats: Beats, rng: np.random.Generator) -> dict[str, Beats]:
        count = int(beats.last.sum())
        codes = random_rows(config, count, rng).beside["input_scale"].astype("<u4")
        return {"input_scale": beats_of_a_number(codes.view(np.uint8), last=rng.random(count) < 0.5)}

    rules_broken(config, count=400, ends=(0.1, 0.3, 0.7), beside=scales)


@pytest.mark.parametrize("name", ["float", "float_shared", "power_and_dynamic"])
def test_a_reset_at_any_moment_leaves_a_working_unit(name: str) -> None:
    config = unit(name)
    resets(config, short_rows(config, 5, 40))


def test_a_row_waits_for_its_scale_and_the_scale_for_its_row() -> None:
    """Both streams are closed for long, at other times each, so that now the one is ahead, now the other."""
    config = unit("float")
    batch = short_rows(config, 8, 80)
    for seed in range(6):
        agree(config, traffic_of(batch, source=STALLS[5], seed=seed))


def test_verilog_reads_well_and_names_the_stream() -> None:
    for name, width in (("float", 32), ("power_and_dynamic", 8)):
        text = verilog(unit(name))
        reads_well(text)
        assert f"input [{width - 1}:0] s_axis_input_scale_tdata;" in text


def test_engines_agree() -> None:
    config = unit("float")
    batch = short_rows(config, 9, 20)
    engines_agree(config, batch, "pysim")
    agree(config, traffic_of(batch, source=STALLS[1], sink=STALLS[1], seed=3, reset_at=60), "pysim")
