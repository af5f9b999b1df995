"""A residual in front of the norm: exact reference, golden model, hardware and cycles, and streams that disagree."""

import shutil
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ladder.checks import STALLS, agree, traffic_of
from ladder.promises import cut_and_flagged, cycles_as_planned, engines_agree, resets, stalled
from ladder.raw_beats import beats_of_lengths
from small_unit import INT8, small_unit
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.check.compare import compare
from streamnorm_sim.cycles import CycleModel, Losses, predict
from streamnorm_sim.cycles.counts import computed, simulated
from streamnorm_sim.cycles.model.timing import FIRST_CYCLE
from streamnorm_sim.engines import run
from streamnorm_sim.reference.exact_fusions import exact_sums
from streamnorm_sim.reference.fusions import rows_beside
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic

SUMMED = {**INT8, "emit_sum": True}
WEIGHED = {
    "format": "int16", "scale": 0.0031, "zero_point": -7, "alpha": -2.2134, "emit_sum": True,
    "sum": {"format": "int6", "scale": 0.3, "zero_point": 5},
}  # fmt: skip

UNITS: dict[str, dict[str, Any]] = {
    "plain": {"residual": INT8},
    "summed": {"residual": SUMMED, "lanes": 4, "max_length": 37},
    "weighed": {"residual": WEIGHED, "lanes": 3, "max_length": 20, "norm": "rmsnorm"},
    "one_lane": {"residual": SUMMED, "lanes": 1, "max_length": 9},
    "one_beat": {"residual": SUMMED, "lanes": 8, "max_length": 6},
    "fast": {"residual": WEIGHED, "target": "ecp5-85k-6", "clock_mhz": 200.0, "lanes": 4, "max_length": 24},
    "ice40": {"residual": SUMMED, "target": "ice40-hx8k", "clock_mhz": 60.0, "lanes": 2},
    "shared": {"residual": SUMMED, "min_length": 16, "lanes": 4, "max_length": 32},
    "banks": {"residual": SUMMED, "banks": 3, "gamma": np.arange(72.0).reshape(3, 24) / 40},
    "cyclic": {
        "residual": SUMMED, "banks": 2, "bank_order": "cyclic", "beta": np.arange(48.0).reshape(2, 24) / 40
    },
    "two_pass": {"residual": SUMMED, "architecture": "two-pass"},
    "scans": {"residual": SUMMED, "architecture": "three-scan"},
    "static": {"residual": SUMMED, "norm": "dyt", "alpha": 0.7, "epsilon": None},
    "l1": {"residual": INT8, "norm": "l1norm"},
    "floats_out": {"residual": SUMMED, "output": {"format": "bf16"}},
    "rounded_before_gamma": {"residual": SUMMED, "gamma_rounding": "output", "gamma": 1.3},
}  # fmt: skip


def unit(name: str, **other: Any) -> NormConfig:
    return small_unit(**{"input": {"format": "int8", "scale": 0.04, "zero_point": 2}, **UNITS[name], **other})


@pytest.mark.parametrize("name", UNITS)
def test_every_stream_is_the_golden_models_under_any_stall(name: str) -> None:
    config = unit(name)
    batch = random_rows(config, 70, np.random.default_rng(5))
    stalls = [(NO_STALL, NO_STALL), (STALLS[2], NO_STALL), (NO_STALL, STALLS[5]), (STALLS[4], STALLS[2])]
    for trace in stalled(config, batch, stalls=stalls, known=name != "scans"):
        assert len(trace.rows) == 70


STOP = Stall.explicit(np.arange(1500) < 700)


def test_the_cycle_model_knows_every_cycle_and_why_beats_wait() -> None:
    """Rows of any length, long stops, ends that stall each by itself; also rows that are cut."""
    losses = Losses()
    for name, stalls in (("plain", 5), ("summed", 12)):
        config = unit(name)
        for seed in range(stalls):
            rng = np.random.default_rng(seed)
            lengths = rng.integers(1, (config.lanes, config.max_length, 2 * config.max_length)[seed % 3] + 1, 90)
            rows = [np.zeros(length, np.int64) for length in lengths]
            source, sink = ((NO_STALL, STALLS[2], STALLS[4], STOP)[place] for place in rng.integers(0, 4, 2))
            true = run(config, Traffic(rows=rows, beside={"residual": rows}, source=source, sink=sink, seed=seed))
            model = predict(config, true.traffic)
            np.testing.assert_array_equal(model.input_cycles, true.input_cycles)
            np.testing.assert_array_equal(model.output_cycles, true.output_cycles)
            of = model.losses
            lost = of.source + of.slots + of.buffer + of.beside
            assert model.last_in[-1] + 1 == FIRST_CYCLE + model.beats_in.sum() + lost
            losses += of
    for cause in ("source", "slots", "beside", "fill", "rows", "sink", "credits"):
        assert getattr(losses, cause) > 0, cause


def test_the_cycle_model_in_parts_and_with_one_end_stalled() -> None:
    model = CycleModel(unit("summed"))
    lengths = np.random.default_rng(1).integers(1, 38, 300)
    never = [[5000, 6000]]
    free, whole = model.run(lengths), model.run(lengths, beside={"sum": never, "residual": [[0, 100]]})
    stream = model.stream(beside={"sum": never, "residual": [[0, 100]]})
    parts = [stream.feed(part) for part in np.split(lengths, [1, 2, 120])]
    for end in ("input_cycles", "output_cycles"):
        np.testing.assert_array_equal(np.concatenate([getattr(part, end) for part in parts]), getattr(whole, end))
    assert stream.losses == whole.losses
    assert free.losses.beside == 0  # two streams that are always open are in step
    assert 90 <= whole.losses.beside == whole.cycles - free.cycles
    with pytest.raises(ConfigError, match="scale: the unit has no stream of that name beside its rows and results"):
        model.run([4], beside={"scale": None})


def test_counts_with_stalls_are_computed_as_they_are_simulated() -> None:
    config, stalls = unit("summed"), {"source": Stall.random(0.2), "sink": Stall.burst(9, 4), "seed": 3}
    count = computed(config, 37, 60, **stalls)
    assert count == simulated(config, 37, 60, **stalls)
    assert count.losses is not None
    assert count.losses.beside > 0


def test_rows_of_other_lengths_are_not_predicted() -> None:
    config, rng = unit("summed"), np.random.default_rng(1)
    sent = Traffic(
        beats=beats_of_lengths(config.lanes, [9], rng),
        beats_beside={"residual": beats_of_lengths(config.lanes, [4], rng)},
    )
    with pytest.raises(ConfigError, match="residual: cycles are predicted of rows that are as long on all streams"):
        predict(config, sent)


@pytest.mark.parametrize("name", UNITS)
def test_cycles_are_those_of_the_plan(name: str) -> None:
    config = unit(name)
    cycles_as_planned(config, {1, min(config.lanes, config.max_length), config.max_length})


def test_the_add_takes_few_cycles_and_no_throughput() -> None:
    for name in ("plain", "summed", "weighed", "one_beat", "ice40"):
        config = unit(name)
        fused, core = Plan.of(config), Plan.of(config.core)
        assert 1 <= fused.latency_cycles - core.latency_cycles <= 4
        assert fused.latency(config.max_length).SS == core.latency(config.max_length).SS


@pytest.mark.parametrize("name", ["summed", "weighed", "fast", "two_pass", "static", "floats_out"])
def test_results_are_within_the_bound_of_the_exact_ones(name: str) -> None:
    config = unit(name)
    batch = random_rows(config, 300, np.random.default_rng(8))
    y = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks, **batch.beside)
    accuracy = Accuracy.of(config, y, batch.x, batch.lengths, batch.banks, **batch.beside)
    assert accuracy.max_ulp <= Plan.of(config).error_bound + 1e-6
    exact, _ = exact_sums(config, batch)
    np.testing.assert_array_equal(rows_beside(config, batch)["sum"].x, exact)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(4, 10), st.integers(4, 10), st.floats(0.01, 1.0), st.floats(0.01, 1.0), st.floats(-3.0, 3.0),
    st.floats(0.01, 3.0), st.integers(0, 1 << 30),
)  # fmt: skip
def test_sums_are_the_nearest_steps_to_the_real_ones(
    x_bits: int, f_bits: int, x_scale: float, f_scale: float, alpha: float, sum_scale: float, seed: int
) -> None:
    residual = {
        "format": f"int{f_bits}", "scale": f_scale, "alpha": alpha or 1.0, "emit_sum": True,
        "sum": {"format": "int12", "scale": sum_scale},
    }  # fmt: skip
    try:
        config = unit("plain", input={"format": f"int{x_bits}", "scale": x_scale}, residual=residual)
    except ConfigError:
        return
    batch = random_rows(config, 6, np.random.default_rng(seed))
    got = rows_beside(config, batch)["sum"].x
    rounded, _ = exact_sums(config, batch)
    np.testing.assert_array_equal(got, rounded)
    # For alpha and the scales as given, besides rounding: the stored ratios, a part of a step each.
    _, real = exact_sums(config, batch, as_given=True)
    number = config.side_outputs[0].number
    allowed = 0.5 + 1 / 256 + abs(config.residual.alpha) * x_scale / 4 / sum_scale
    assert np.abs(got - np.clip(real, number.min, number.max))[batch.valid].max() <= allowed + 1e-9


@pytest.mark.parametrize("name", ["summed", "weighed", "shared", "static", "scans"])
@pytest.mark.parametrize("reset_at", [3, 40, 111, 200])
def test_after_a_reset_all_streams_are_in_step(name: str, reset_at: int) -> None:
    config = unit(name)
    batch = random_rows(config, 40, np.random.default_rng(reset_at))
    (trace,) = resets(config, batch, [reset_at])
    assert len(trace.rows) < 40 or reset_at == 3


@pytest.mark.parametrize("name", ["plain", "summed", "one_lane", "one_beat", "two_pass", "static"])
def test_overlong_rows_are_cut_on_every_stream(name: str) -> None:
    def about_the_longest(config: NormConfig, rng: np.random.Generator) -> NDArray[np.int64]:
        above = np.array([0, 1, 0, config.lanes, 3 * config.lanes + 1, 0])
        return np.array([*(config.max_length + above), 1, 2])

    cut_and_flagged(unit(name), about_the_longest, stalls=[(STALLS[1], STALLS[2])], seed=0)


@pytest.mark.parametrize("name", ["plain", "summed", "weighed", "one_lane", "one_beat", "static", "scans"])
@pytest.mark.parametrize("stall", [NO_STALL, Stall.random(0.5)], ids=str)
def test_rows_of_different_length_are_flagged_and_the_next_are_in_step(name: str, stall: Stall) -> None:
    config = unit(name)
    rng = np.random.default_rng(11)
    most, bytes_of_f = config.max_length + 2 * config.lanes, config.side_inputs[0].number.bytes
    own = rng.integers(1, most, 60, endpoint=True)
    other = np.where(rng.random(60) < 0.5, own, rng.integers(1, most, 60, endpoint=True))
    sent = Traffic(
        beats=beats_of_lengths(config.lanes, own.tolist(), rng),
        beats_beside={"residual": beats_of_lengths(config.lanes, other.tolist(), rng, width=bytes_of_f)},
        source=stall,
        sink=stall,
    )
    trace = agree(config, sent)
    assert len(trace.rows) == 60
    longest = np.minimum(np.minimum(own, other), config.max_length)
    assert trace.rows.lengths.tolist() == longest.tolist()
    assert trace.rows.errors.tolist() == ((own != other) | (own > config.max_length)).tolist()


def test_malformed_keep_on_either_stream_is_flagged() -> None:
    config = unit("summed")
    rng = np.random.default_rng(12)
    lengths = rng.integers(1, 37, 80, endpoint=True).tolist()
    both = [beats_of_lengths(config.lanes, lengths, rng), beats_of_lengths(config.lanes, lengths, rng)]
    spoilt = [rng.random(beats.keep.shape) < 0.03 for beats in both]
    beats, other = (replace(beats, keep=beats.keep ^ where) for beats, where in zip(both, spoilt, strict=True))
    trace = agree(config, Traffic(beats=beats, beats_beside={"residual": other}, sink=STALLS[2]))
    assert 5 < trace.rows.errors.sum() < 80


def test_a_stalled_sum_holds_the_rows_and_loses_nothing() -> None:
    config = unit("summed")
    batch = random_rows(config, 60, np.random.default_rng(9), lengths=np.full(60, 37))
    trace = run(config, traffic_of(batch, sink=Stall.burst(40, 400), seed=2))
    assert compare(trace).first is None
    # The two outputs pause at different times, and neither waits for the other while there is room.
    gaps = [np.flatnonzero(np.diff(cycles) > 100) for cycles in (trace.output_cycles, trace.sides["sum"].cycles)]
    assert all(len(gap) for gap in gaps)


def test_loaded_parameters_hold_from_the_next_row_on() -> None:
    config = unit("summed", storage="ram", max_length=24)
    rng = np.random.default_rng(4)
    batch = random_rows(config, 30, rng)
    loads = [
        ParameterLoad(after, rng.integers(-500, 500, 24), rng.integers(-2000, 2000, 24)) for after in (-1, 0, 7, 8, 29)
    ]
    agree(config, traffic_of(batch, loads=loads, source=STALLS[1], sink=STALLS[1]))


@pytest.mark.parametrize("engine", ["pysim", "verilator", "icarus"])
def test_other_simulators_see_the_same_beats(engine: str) -> None:
    if engine == "icarus" and shutil.which("iverilog") is None:
        pytest.skip("iverilog is not installed")
    config = unit("summed")
    batch = random_rows(config, 12, np.random.default_rng(6))
    engines_agree(config, batch, engine, stalls=[(NO_STALL, NO_STALL), (STALLS[1], STALLS[2])])


def test_a_unit_that_sends_a_wrong_sum_is_found() -> None:
    config = unit("summed")
    batch = random_rows(config, 12, np.random.default_rng(6))
    trace = run(config, traffic_of(batch))
    sums = trace.sides["sum"]
    data = sums.beats.data.copy()
    data[5, 1] ^= 1
    wrong = replace(trace, sides={"sum": replace(sums, beats=replace(sums.beats, data=data))})
    assert "sum: row" in (compare(wrong).first or "")


def test_rows_without_their_residual_are_refused() -> None:
    config = unit("plain")
    x = np.zeros((2, 24), np.int64)
    with pytest.raises(ConfigError, match=r"^residual: rows are missing; the unit has a stream of that name beside"):
        GoldenModel(config).normalize(x)
    with pytest.raises(ConfigError, match=r"^residual: shape \(2, 23\): must be \(2, 24\), that of the rows$"):
        GoldenModel(config).normalize(x, residual=x[:, 1:])
    with pytest.raises(ConfigError, match=r"^residual: row 0 element 3 is 200: must be from -128 to 127 \(int8\)$"):
        GoldenModel(config).normalize(x, residual=np.where(np.arange(24) == 3, 200, 0) + 0 * x)
    with pytest.raises(ConfigError, match=r"^residual: the unit has no stream of that name beside its rows$"):
        GoldenModel(config.replace(residual=None)).normalize(x, residual=x)
