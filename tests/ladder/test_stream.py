"""What the stream promises: overlong and malformed rows, reset at any moment, a receiver that stalls for long."""

from itertools import product

import numpy as np
import pytest

from ladder.checks import STALLS, agree, mixed_rows, traffic_of
from ladder.configurations import configuration, pair, units
from ladder.promises import between_others, cut_and_flagged, resets, rules_broken
from ladder.raw_beats import raw_beats
from streamnorm.plan import Plan
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.trace import Trace
from streamnorm_sim.streams.traffic import Traffic


@pytest.mark.parametrize(
    "name", ["lanes_3", "row_below_a_beat", "row_of_one_beat", "one_element", "rom_banks", "part_ecp5_200"]
)
@pytest.mark.parametrize("source", STALLS[:3], ids=str)
def test_overlong_rows_are_cut_and_leave_the_next_one_alone(name: str, source: Stall) -> None:
    cut_and_flagged(configuration(name), between_others, draw=1, stalls=[(source, STALLS[2])], seed=0)


@pytest.mark.parametrize(
    "name", ["lanes_3", pair(lambda c: c.input.bytes == 2 and 2 <= c.lanes <= 5 and c.max_length >= 3 * c.lanes)]
)
def test_every_malformed_keep_is_made_regular_and_flagged(name: str) -> None:
    config = configuration(name)
    rng = np.random.default_rng(2)
    patterns = list(product([False, True], repeat=config.lanes))
    full = [True] * config.lanes
    keep, last, malformed = [], [], []
    for place, beats in ((0, 1), (0, 3), (1, 3), (2, 3)):
        for pattern in patterns:
            keep += [pattern if beat == place else full for beat in range(beats)] + [full]
            last += [False] * (beats - 1) + [True, True]
            holes = sorted(pattern, reverse=True) != list(pattern) or not pattern[0]
            malformed += [holes or (place < beats - 1 and not all(pattern)), False]
    beats = raw_beats(config, np.array(keep), np.array(last), rng)
    for source, sink in ((NO_STALL, NO_STALL), (STALLS[1], STALLS[4])):
        trace = agree(config, Traffic(beats=beats, source=source, sink=sink))
        assert trace.rows.errors.tolist() == malformed


@pytest.mark.parametrize(
    "name",
    [
        *("lanes_3", "row_of_one_beat", "row_below_a_beat", "rom_banks", "part_ecp5_200", "part_of_one_element"),
        pair(lambda config: config.input.bytes == 3 and config.lanes > 1),
    ],
)
def test_beats_that_break_every_rule(name: str) -> None:
    stalls = [(STALLS[seed], STALLS[-seed]) for seed in range(4)]
    rules_broken(configuration(name), count=800, stalls=stalls)


@pytest.mark.parametrize("name", ["lanes_3", "rom_banks", "row_of_one_beat", "part_of_one_element"])
@pytest.mark.parametrize(("source", "sink"), [(NO_STALL, NO_STALL), (STALLS[1], STALLS[5])], ids=["free", "stalls"])
def test_reset_at_any_moment_leaves_a_working_unit(name: str, source: Stall, sink: Stall) -> None:
    config = configuration(name)
    rng = np.random.default_rng(4)
    lengths = rng.integers(1, config.max_length, 20 + 200 // config.max_beats, endpoint=True)
    rows = [rng.integers(config.input.min, config.input.max, length, endpoint=True) for length in lengths]
    rows[10] = np.tile(rows[10], 1 + 2 * config.max_length // len(rows[10]))  # one of them overlong
    at = range(0, 3 * Plan.of(config).latency(config.max_length).L3, 5)
    resets(config, RowBatch.arrange(rows), at, stalls=[(source, sink)], reset_cycles=(2, 4))


def test_a_reset_of_two_cycles_loses_no_beat_that_comes_after_it() -> None:
    config = configuration("row_of_one_beat")
    rows = np.random.default_rng(5).integers(-128, 128, (40, 4))
    resets(config, RowBatch.arrange(rows), range(60), stalls=[(NO_STALL, NO_STALL)], reset_cycles=(2,))


def filled(trace: Trace, cycle: int) -> int:
    """Beats inside the unit in a cycle."""
    return int((trace.input_cycles < cycle).sum() - (trace.output_cycles < cycle).sum())


@pytest.mark.parametrize(
    "name",
    [
        *("lanes_3", "bert_ecp5_200", "row_of_one_beat", "min_length", "below_a_block_ram"),
        *("part_ecp5_200", "part_below_a_block_ram"),
    ],
)
@pytest.mark.parametrize("kind", ["longest", "one beat", "mixed"])
def test_a_receiver_that_stalls_for_long_loses_nothing(name: str, kind: str) -> None:
    config, plan = configuration(name), Plan.of(configuration(name))
    rng = np.random.default_rng(6)
    period, windows = 2 * plan.buffer_beats + 600, 6
    stalled = np.arange(period) < period // 2
    count = windows * period // (config.max_beats if kind == "longest" else 1)
    if kind == "mixed":
        count = 300
        batch = random_rows(config, count, rng)
    else:
        limits = (config.max_length,) * 2 if kind == "longest" else (1, min(config.lanes, config.max_length))
        batch = random_rows(config, count, rng, lengths=rng.integers(*limits, count, endpoint=True))
    trace = agree(config, traffic_of(batch, sink=Stall.explicit(stalled)))
    releases = [start + period // 2 for start in range(0, int(trace.input_cycles[-1]) - period, period)]
    held = [filled(trace, release) for release in releases]
    for release in releases:  # it had stopped to take beats: it was full
        assert not ((trace.input_cycles > release - 50) & (trace.input_cycles < release)).any()
    if kind != "mixed":
        assert len(held) >= 2
        if config.max_beats > 1 or kind == "longest":
            # Nothing that was counted in was forgotten to be counted out.
            assert max(held) - min(held) <= config.max_beats, held
    if kind == "longest":
        assert min(held) >= min(config.max_beats + 1, plan.buffer_beats), (held, plan.buffer_beats)


FAST = units(["bert_ecp5_200", "generic_1", "rom_banks"], slow=["bert_ecp5_50", "bert_ecp5_300", "rms_ecp5_300"])


@pytest.mark.parametrize("name", FAST)
def test_thousands_of_one_beat_rows_at_full_rate(name: str) -> None:
    config = configuration(name)
    rng = np.random.default_rng(7)
    lengths = rng.integers(1, config.lanes, 4000, endpoint=True)
    trace = agree(config, traffic_of(random_rows(config, 4000, rng, lengths=lengths)))
    assert (np.diff(trace.input_cycles) == 1).all()
    assert (np.diff(trace.output_cycles) == 1).all()


@pytest.mark.parametrize("name", ["min_length", "ice40_serial"])
def test_rows_below_min_length_come_out_right_at_a_lower_rate(name: str) -> None:
    config = configuration(name)
    assert Plan.of(config).interval > 1
    batch = mixed_rows(config, np.random.default_rng(8), count=200)
    for seed in range(4):
        agree(config, traffic_of(batch, source=STALLS[seed], sink=STALLS[seed + 1], seed=seed))
