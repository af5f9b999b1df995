"""Rows that go through, and their scales: hardware against golden model, whatever a stream may do; and its cycles."""

from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ladder.checks import STALLS, agree, as_modelled, rows_for, same_beats, traffic_of
from ladder.deferred_scales import scale_parts, scales_follow_as_planned
from ladder.promises import cut_and_flagged, cycles_as_planned, engines_agree, resets, rules_broken, stalled
from ladder.test_verilog_stays import reads_well
from small_unit import INT8, UINT6, small_unit
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import verilog
from streamnorm_sim.check.simulate import simulate
from streamnorm_sim.fold import fold_flashnorm
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.traffic import Traffic

SUMS = {"residual": {"format": "int8", "scale": 0.04, "emit_sum": True}, "output": {"format": "int12", "scale": 0.01}}

ROUGH = {"method": "fast-inverse", "steps": 1}

KEYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "ice40": {"input": UINT6, "output": UINT6, "norm": "crmsnorm", "lanes": 2, "target": "ice40-hx8k"},
    "fast": {"accuracy": "tight", "norm": "l2norm", "lanes": 3, "target": "ecp5-85k-6", "clock_mhz": 200.0},
    "residual": {**SUMS, "statistic_length": 12},
    "one_element": {"max_length": 1, "lanes": 1, "epsilon": 1.0},
    "rough": {"norm": "l2norm", "max_length": 4, "epsilon": 0.0, "accuracy": "as-is", "rsqrt": ROUGH},
}
"""What a unit has besides RMSNorm of int8, four lanes, rows of up to 25."""


def unit(name: str, **keys: Any) -> NormConfig:
    plain = {"norm": "rmsnorm", "max_length": 25, "output": INT8, "defer": True, "clock_mhz": 40.0}
    return small_unit(**{**plain, "name": name, **KEYS[name], **keys})


@pytest.mark.parametrize("name", KEYS)
def test_every_element_and_scale_is_the_golden_one_under_any_stall(name: str) -> None:
    config = unit(name)
    batch = rows_for(config, 1)
    for trace in stalled(config, batch):
        assert len(trace.rows) == len(trace.rows_beside["scale"]) == len(batch)
        if config.residual is None:
            assert (trace.rows.x == np.where(batch.valid, batch.x, 0)[:, : trace.rows.x.shape[1]]).all()


@pytest.mark.parametrize("name", KEYS)
def test_measured_cycles_are_the_planned_ones_for_every_length(name: str) -> None:
    config = unit(name)
    front = 1 if config.residual is not None else 0
    latency = front + (3 if config.device.family.lut_ram else 4)
    for n, planned in cycles_as_planned(config).items():
        assert (planned["L1"], planned["SS"]) == (latency, ceil(n / config.lanes))


@pytest.mark.parametrize("name", KEYS)
def test_a_scale_follows_the_last_beat_of_its_row_as_planned(name: str) -> None:
    config = unit(name)
    scales_follow_as_planned(config, rows_for(config, 2, 30))


@pytest.mark.parametrize("name", ["plain", "ice40", "residual"])
def test_overlong_rows_are_cut_and_flagged_on_both_streams(name: str) -> None:
    config = unit(name)
    cut_and_flagged(config)


@pytest.mark.parametrize("name", ["plain", "ice40"])
def test_beats_that_break_every_rule(name: str) -> None:
    rules_broken(unit(name))


@pytest.mark.parametrize("name", KEYS)
def test_a_reset_at_any_moment_leaves_a_working_unit(name: str) -> None:
    config = unit(name)
    resets(config, rows_for(config, 5, 30))


def test_a_mantissa_has_its_leading_one_where_rho_has_not() -> None:
    """Of sums of squares just below a power of four, a rough rho is below 1/2."""
    config = unit("rough")
    rows = np.array([[127, 15, 5, 2], [-2, 5, 15, 127], [127, 15, 5, 1], [128 - 1, 127, 15, 10]])
    assert (rows[:2] ** 2).sum(axis=1).tolist() == [4**7 - 1] * 2
    trace = agree(config, Traffic(rows=rows))
    assert scale_parts(trace)[0][:2].tolist() == [[1 << 15]] * 2


def test_each_stream_goes_on_while_another_is_not_taken_for_long() -> None:
    """Now the scale is behind its row, now before it; rows wait in front of the unit where nobody takes the scales."""
    config = unit("plain")
    batch = rows_for(config, 8, 120)
    behind, waited = set(), 0
    for seed in range(6):
        trace = as_modelled(agree(config, traffic_of(batch, sink=STALLS[5], seed=seed)))
        scales, ends = trace.sides["scale"].cycles, trace.output_cycles[trace.outputs.last]
        behind |= set((scales > ends).tolist())
        rows_inside = np.searchsorted(ends, scales) - np.arange(len(scales))
        waited = max(waited, int(rows_inside.max()))
    assert behind == {True, False}
    # As many rows may be ahead of their scales as there are places, and one in the queue's output register.
    assert Plan.of(config).row_slots - 2 <= waited <= Plan.of(config).row_slots + 1


def test_a_norm_and_the_matrix_behind_it_in_integers() -> None:
    """int8 rows and an int8 matrix with gamma in it, multiplied as integers; the scale of the row comes behind.

    Against float64 norm and matrix, what is off is at most the scale's error, and half a step of each weight.
    """
    config = unit("plain", epsilon=1e-3)
    rng = np.random.default_rng(11)
    n, outputs = config.max_length, 7
    gamma, weight = rng.normal(1, 0.3, n), rng.normal(0, 0.2, (outputs, n))
    folded = fold_flashnorm(weight, gamma).weight
    step = np.abs(folded).max() / 127
    stored = np.rint(folded / step).astype(np.int64)
    rows = rng.integers(-128, 128, (40, n)) // np.array([1, 4, 16, 64])[rng.integers(4, size=40)][:, None]
    trace = agree(config, Traffic(rows=rows, source=STALLS[1], sink=STALLS[2], seed=1))

    sums = trace.rows.x @ stored.T  # what an array of integer multipliers gives
    mantissa, exponent = scale_parts(trace)
    assert np.abs(sums * mantissa).max() < 2**47
    y = np.ldexp((sums * mantissa).astype(np.float64), exponent) * step

    x = rows * config.input.scale
    z = x / np.sqrt(np.mean(x * x, axis=1, keepdims=True) + config.epsilon)
    truth = (z * gamma) @ weight.T
    bound = Plan.of(config).scale_error_bound
    assert bound is not None
    exact = z @ (stored * step).T
    assert (np.abs(y - exact) <= bound * np.abs(exact) + 1e-12).all()
    of_weights = np.abs(z).sum(axis=1, keepdims=True) * step / 2
    assert (np.abs(y - truth) <= of_weights + bound * np.abs(exact) + 1e-12).all()


def test_a_simulation_checks_scales_and_writes_them(tmp_path: Path) -> None:
    config, file = unit("plain"), tmp_path / "scales.npy"
    found = simulate(config, rows=30, outputs_beside={"scale": file})
    bound = Plan.of(config).scale_error_bound
    assert found.failures == []
    assert found.scale_error is not None
    assert bound is not None
    assert 2**-18 < found.scale_error <= bound
    assert found.to_dict()["scale_error"] == found.scale_error
    assert (np.load(file).shape, np.load(file).dtype) == ((30, 1), np.uint32)
    (wrong,) = replace(found, scale_error=2 * bound).failures
    assert wrong.startswith("a scale is ")
    assert wrong.endswith(f" of itself off; at most {bound:.3g} is allowed")


@pytest.mark.parametrize("name", ["plain", "ice40", "fast"])
def test_verilog_reads_well_and_names_the_stream(name: str) -> None:
    text = verilog(unit(name))
    reads_well(text)
    width = 32 if name == "fast" else 24
    assert f"output [{width - 1}:0] m_axis_scale_tdata;" in text


def test_engines_agree() -> None:
    config = unit("plain")
    batch = random_rows(config, 12, np.random.default_rng(9))
    engines_agree(config, batch, "pysim")
    given = traffic_of(batch, source=STALLS[1], sink=STALLS[1], reset_at=40)
    same_beats(agree(config, given, "pysim"), agree(config, given))
