"""Rows that leave less their mean, and their scales: hardware against golden model; its cycles; the matrix behind."""

from math import ceil
from typing import Any

import numpy as np
import pytest

from ladder.checks import STALLS, agree, as_modelled, rows_for, traffic_of
from ladder.deferred_scales import scale_parts, scales_follow_as_planned
from ladder.promises import cut_and_flagged, cycles_as_planned, resets, rules_broken, stalled
from ladder.test_verilog_stays import reads_well
from small_unit import UINT6, small_unit
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import verilog
from streamnorm_sim.check.simulate import simulate
from streamnorm_sim.fold import fold_flashnorm
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.traffic import Traffic

OFFSET: dict[str, Any] = {"format": "uint7", "scale": 0.1, "zero_point": 64}
SUMS: dict[str, Any] = {"residual": {"format": "int8", "scale": 0.04, "emit_sum": True}}

KEYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "ice40": {"input": UINT6, "output": OFFSET, "lanes": 2, "target": "ice40-hx8k", "epsilon": 0.0, "max_length": 12},
    "residual": {**SUMS, "accuracy": "tight", "target": "ecp5-85k-6", "clock_mhz": 200.0, "min_length": 16},
    "one_element": {"max_length": 1, "lanes": 1, "epsilon": 1.0},
}
"""What a unit has besides LayerNorm of int8, four lanes, rows of up to 25."""


def unit(name: str, **keys: Any) -> NormConfig:
    plain = {"max_length": 25, "output": {"format": "int8", "scale": 0.08}, "defer": True, "clock_mhz": 40.0}
    return small_unit(**{**plain, "name": name, **KEYS[name], **keys})


@pytest.mark.parametrize("name", KEYS)
def test_every_element_and_scale_is_the_golden_one_under_any_stall(name: str) -> None:
    config = unit(name)
    batch = rows_for(config, 1)
    for trace in stalled(config, batch):
        assert len(trace.rows) == len(trace.rows_beside["scale"]) == len(batch)


@pytest.mark.parametrize("name", KEYS)
def test_measured_cycles_are_the_planned_ones_for_every_length(name: str) -> None:
    config = unit(name)
    for n, planned in cycles_as_planned(config).items():
        assert planned["SS"] == max(ceil(n / config.lanes), Plan.of(config).interval)


@pytest.mark.parametrize("name", KEYS)
def test_a_scale_follows_the_last_beat_of_its_row_as_planned(name: str) -> None:
    config = unit(name)
    scales_follow_as_planned(config, rows_for(config, 2, 30))


@pytest.mark.parametrize("name", ["plain", "residual"])
def test_overlong_rows_are_cut_and_flagged_on_both_streams(name: str) -> None:
    config = unit(name)
    cut_and_flagged(config)


def test_beats_that_break_every_rule() -> None:
    rules_broken(unit("plain"))


@pytest.mark.parametrize("name", KEYS)
def test_a_reset_at_any_moment_leaves_a_working_unit(name: str) -> None:
    config = unit(name)
    resets(config, rows_for(config, 5, 30))


def test_each_stream_goes_on_while_another_is_not_taken_for_long() -> None:
    """Now the scale is far behind its row, now far before it; as many rows wait as there are places."""
    config = unit("plain")
    rng = np.random.default_rng(8)
    batch = RowBatch.of(config, rng.integers(-128, 128, (150, 8)), rng.integers(1, 9, 150))
    farthest = {"behind": 0, "before": 0}
    for seed in range(6):
        trace = as_modelled(agree(config, traffic_of(batch, sink=STALLS[5], seed=seed)))
        scales, ends = trace.sides["scale"].cycles, trace.output_cycles[trace.outputs.last]
        count = np.arange(len(scales))
        farthest["behind"] = max(farthest["behind"], int((np.searchsorted(ends, scales) - count).max()))
        farthest["before"] = max(farthest["before"], int((np.searchsorted(scales, ends) - count).max()))
    slots = Plan.of(config).row_slots
    assert slots - 2 <= farthest["behind"] <= slots + 1
    assert farthest["before"] > 2


def test_a_norm_and_the_matrix_behind_it_in_integers() -> None:
    """int8 rows and an int8 matrix with gamma in it, multiplied as integers; scale and beta come behind.

    Against float64 norm and matrix, what is off is at most the scale's error, that of x - mean, which the plan tells,
    and half a step of each weight.
    """
    config = unit("plain", epsilon=1e-3)
    rng = np.random.default_rng(11)
    n, outputs = config.max_length, 7
    gamma, beta, weight = rng.normal(1, 0.3, n), rng.normal(0, 0.5, n), rng.normal(0, 0.2, (outputs, n))
    folded = fold_flashnorm(weight, gamma, beta=beta)
    assert folded.bias is not None
    step = np.abs(folded.weight).max() / 127
    stored = np.rint(folded.weight / step).astype(np.int64)
    offsets = rng.integers(-20, 20, (40, 1))
    rows = rng.integers(-100, 100, (40, n)) // rng.choice([1, 2, 4], (40, 1)) + offsets
    trace = agree(config, Traffic(rows=rows, source=STALLS[1], sink=STALLS[2], seed=1))

    sums = trace.rows.x @ stored.T  # what an array of integer multipliers gives
    mantissa, exponent = scale_parts(trace)
    assert np.abs(sums * mantissa).max() < 2**47
    s = np.ldexp(mantissa.astype(np.float64), exponent)
    y = sums * s * step + folded.bias

    x = rows * config.input.scale
    z = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + config.epsilon)
    truth = (z * gamma + beta) @ weight.T
    plan = Plan.of(config)
    assert plan.scale_error_bound is not None
    of_elements = plan.error_bound * s * np.abs(stored * step).sum(axis=1)
    of_scale = plan.scale_error_bound * (np.abs(z @ (stored * step).T) + of_elements)
    of_weights = np.abs(z).sum(axis=1, keepdims=True) * step / 2
    assert (np.abs(y - truth) <= of_elements * (1 + 2**-14) + of_scale + of_weights + 1e-12).all()
    assert np.abs(y - truth).max() < 0.05 * np.abs(truth).max()


def test_a_simulation_checks_elements_and_scales() -> None:
    config = unit("plain")
    found = simulate(config, rows=30)
    plan = Plan.of(config)
    assert found.failures == []
    assert found.scale_error is not None
    assert plan.scale_error_bound is not None
    assert 2**-18 < found.scale_error <= plan.scale_error_bound
    assert 0.4 < found.accuracy.max_ulp <= plan.error_bound < 0.7


def test_verilog_reads_well_and_names_the_stream() -> None:
    text = verilog(unit("plain"))
    reads_well(text)
    assert "output [23:0] m_axis_scale_tdata;" in text
    assert "rows leave less their mean" in text
