"""Rows whose statistic is of their first elements leave before they have come in: when, and with what."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ladder.checks import STALLS, agree, as_modelled, traffic_of
from ladder.configurations import configuration, signed
from ladder.promises import cycles_as_planned
from streamnorm.architectures.one_pass import NormUnit
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.engines import run
from streamnorm_sim.engines.pysim import run as run_pysim
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.traffic import Traffic

UNITS = ("part_ecp5_200", "part_of_one_element", "part_but_one_beat", "part_min_length", "part_ram_banks")


def lengths_around(config: NormConfig) -> list[int]:
    """Rows of one beat, of about the part, of whole beats and not, the longest, and longer ones."""
    part, lanes, full = config.statistic_length or 1, config.lanes, config.max_length
    whole = config.statistic_beats * lanes
    around = {1, lanes, lanes + 1, full - 1, full, full + 1, 2 * full + 3}
    around |= {base + offset for base in (part, whole) for offset in (-lanes, -1, 0, 1, lanes)}
    return sorted(n for n in around if n >= 1)


def rows_of(config: NormConfig, lengths: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.integers(config.input.min, config.input.max, n, endpoint=True) for n in lengths]


@pytest.mark.parametrize("name", ["part_of_one_element", "part_but_one_beat", "part_min_length"])
def test_measured_cycles_are_the_planned_ones_for_every_length(name: str) -> None:
    config = configuration(name)
    plan = Plan.of(config)
    planned = cycles_as_planned(config)
    beats = range(1, config.max_beats + 1)
    firsts = [planned[min(count * config.lanes, config.max_length)]["L1"] for count in beats]
    assert firsts == [plan.latency_cycles - 1 + min(count, config.statistic_beats) for count in beats]


def test_the_first_beat_is_out_before_the_last_is_in() -> None:
    config = configuration("part_below_a_block_ram")
    planned = Plan.of(config).latency(4000)
    assert planned.L2 < 0 < planned.L1 < 60
    assert (planned.L3, planned.SS) == (planned.L1 + 499, 500)
    assert measure_cycles(config, 4000).to_dict() == vars(planned)


@pytest.mark.parametrize("clock_mhz", [190.0, 200.0])
@pytest.mark.parametrize("epsilon", [1e-6, 1e-5, 1e-3])
def test_k_192_of_768(epsilon: float, clock_mhz: float) -> None:
    keys = {"norm": "rmsnorm", "max_length": 768, "statistic_length": 192, "epsilon": epsilon, "clock_mhz": clock_mhz}
    config = configuration("bert_ecp5_200", **keys)
    assert config.lanes == 8
    assert Plan.of(config).latency(768).L1 <= 192 // 8 + 40


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("source", range(len(STALLS)))
def test_rows_around_the_part(name: str, source: int) -> None:
    config = configuration(name)
    lengths = np.array(lengths_around(config))
    for sink in range(len(STALLS)):
        rng = np.random.default_rng(seed := 100 * source + sink)
        rows = rows_of(config, rng.choice(lengths, 60), rng)
        banks = rng.integers(config.banks, size=len(rows))
        traffic = Traffic(rows=rows, banks=banks, source=STALLS[source], sink=STALLS[sink], seed=seed)
        trace = agree(config, traffic)
        assert trace.rows.errors.tolist() == [len(row) > config.max_length for row in rows]
        as_modelled(trace)


@pytest.mark.parametrize("name", ["part_ecp5_200", "part_of_one_element", "part_but_one_beat"])
def test_a_source_that_stops_within_a_row_has_all_beats_out_but_one(name: str) -> None:
    """Up to the stop the row's beats go out, all but the latest, which might be the last; none where its part lacks."""
    config = configuration(name)
    plan = Plan.of(config)
    beats, part, after = config.max_beats, config.statistic_beats, 3
    rows = random_rows(config, after, np.random.default_rng(3), lengths=np.full(after, config.max_length))
    stop = plan.latency(config.max_length).L3 + 50
    for come in range(1, beats):
        start = int(run(config, traffic_of(rows)).input_cycles[0])
        cycles = np.arange(4096)
        closed = (cycles >= start + come) & (cycles < start + come + stop)
        trace = agree(config, traffic_of(rows, source=Stall.explicit(closed)))
        out = int((trace.output_cycles < start + come + stop).sum())
        assert out == (come - 1 if come >= part else 0), f"{come} beats came"


@pytest.mark.parametrize("name", UNITS)
def test_no_row_waits_for_another(name: str) -> None:
    """A beat in and a beat out in every cycle, with rows of equal length."""
    config = configuration(name)
    for n in {config.min_length, max(config.statistic_length or 1, config.min_length), config.max_length}:
        count = 20 + 300 // -(-n // config.lanes)
        trace = run(config, traffic_of(random_rows(config, count, np.random.default_rng(n), lengths=np.full(count, n))))
        assert (np.diff(trace.input_cycles) == 1).all(), f"{name}: n = {n}"
        assert (np.diff(trace.output_cycles) == 1).all(), f"{name}: n = {n}"


def test_rows_of_mixed_length_wait_for_those_ahead_only() -> None:
    config = configuration("part_ecp5_200")
    batch = random_rows(config, 300, np.random.default_rng(9))
    trace = run(config, traffic_of(batch))
    assert (np.diff(trace.input_cycles) == 1).all()
    beats = -(-batch.lengths // config.lanes)
    starts = np.cumsum(beats) - beats
    free = -1
    for row, (start, count) in enumerate(zip(starts, beats, strict=True)):
        complete = start + min(int(count), config.statistic_beats) - 1
        first = max(int(trace.input_cycles[complete]) + Plan.of(config).latency_cycles, free)
        expected = np.arange(first, first + count)
        np.testing.assert_array_equal(trace.output_cycles[start : start + count], expected, f"row {row}")
        free = first + int(count)


@pytest.mark.parametrize("name", ["part_of_one_element", "part_below_a_block_ram"])
def test_the_row_buffer_holds_what_came_and_has_not_left(name: str) -> None:
    """Never more than it has places, never less than nothing, also where the sink stops."""
    config = configuration(name)
    depth = NormUnit(config).row_buffer.depth
    held, most = 0, 0

    def watched(top):
        return {"write": top.unit.row_buffer.write, "read": top.unit.row_buffer.read}

    def seen(_, values):
        nonlocal held, most
        held += values["write"] - values["read"]
        most = max(most, held)
        assert 0 <= held <= depth

    rng = np.random.default_rng(4)
    lengths = rng.choice(lengths_around(config), 12)
    sink = Stall.explicit(np.arange(2 * depth) < depth + 300)
    run_pysim(config, Traffic(rows=rows_of(config, lengths, rng), sink=sink), watch=watched, seen=seen)
    assert held == 0
    assert most > min(config.max_beats, depth // 2)


@settings(max_examples=3, deadline=None)
@given(st.data())
def test_any_part_of_any_row(data: st.DataObject) -> None:
    """Drawn lanes, parts, clocks and lengths; thousands of cycles each, values, flags and cycles alike."""
    lanes = data.draw(st.integers(1, 6), "lanes")
    full = data.draw(st.integers(2, 12 * lanes), "max_length")
    part = data.draw(st.integers(1, full), "statistic_length")
    target, clock = data.draw(st.sampled_from([("generic", 1.0), ("generic", 100.0), ("ecp5-85k-6", 200.0)]), "target")
    shortest = data.draw(st.sampled_from([1, full]), "min_length")
    config = NormConfig(
        norm="rmsnorm", lanes=lanes, max_length=full, min_length=shortest, statistic_length=part, epsilon=1e-3,
        input=signed(8), output=signed(8), target=target, clock_mhz=clock,
    )  # fmt: skip
    for seed in range(12):
        rng = np.random.default_rng(seed)
        lengths = rng.choice([*lengths_around(config), *range(1, full + 1)], 80)
        source, sink = (STALLS[rng.integers(len(STALLS))] if seed else NO_STALL for _ in range(2))
        trace = agree(config, Traffic(rows=rows_of(config, lengths, rng), source=source, sink=sink, seed=seed))
        as_modelled(trace)
