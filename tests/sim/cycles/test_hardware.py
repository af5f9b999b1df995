"""The model against the hardware itself, on CXXRTL."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ladder.configurations import configuration
from marks import slow_among
from streamnorm_sim.cycles import CycleModel, Losses, predict
from streamnorm_sim.engines import run
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.traffic import Traffic

UNITS = (
    *("bert_ecp5_200", "min_length", "ice40_serial", "row_of_one_beat", "lanes_3", "ram_banks"),
    *("part_ecp5_200", "part_of_one_element", "part_min_length", "adanorm"),
    *("bf16_rms", "bf16_part"),
)
"""With and without spacing; one beat a row; few slots and many, some given back late; gamma and beta from RAM; rows
that leave early; queues in LUTs and in block RAM."""

TWO_PASS = (
    *("bert_ecp5_200 two-pass", "ram_banks two-pass", "row_below_a_beat two-pass", "ice40_serial two-pass"),
    *("l1_ecp5_200", "l1_ram_banks", "bf16_l1"),
)
"""Rows that run out of slots, rows of a beat alone, and rows that fill both buffers."""

STATIC = ("affine", "dyt", "affine_ice40", "dyt_instances_ram", "affine_groups_49")
"""Short ways and long ones; past the output queue's memory and through it; gamma and beta from RAM; one and several
banks."""


INPUT = {"ice40_serial two-pass": {"slots", "buffer"}, **{name: {"buffer"} for name in STATIC}}
"""What a unit's input waits for, where it is not its slots alone."""


def unit(name):
    """A configuration as it is, or in another architecture."""
    name, _, architecture = name.partition(" ")
    return configuration(name, **({"architecture": architecture} if architecture else {}))


def rows_of(lengths):
    return [np.zeros(length, np.int64) for length in lengths]


def stalled(rng, kind):
    """A pattern of some hundred cycles: none, single cycles, bursts, one long stop."""
    if kind == "none":
        return NO_STALL
    cycles = np.zeros(int(rng.integers(1, 700)), np.bool_)
    if kind == "random":
        cycles = rng.random(len(cycles)) < rng.choice([0.1, 0.5, 0.9])
    elif kind == "bursts":
        edges = np.cumsum(rng.integers(1, 60, 40))
        cycles = np.searchsorted(edges, np.arange(len(cycles))) % 2 == 1
    elif kind == "stop":
        cycles = np.arange(1500) < rng.integers(100, 1400)
    cycles[rng.integers(len(cycles))] = False
    return Stall.explicit(cycles)


def drawn_lengths(rng, config, kind, count):
    full, lanes = config.max_length, config.lanes
    if kind == "equal":
        return np.full(count, rng.integers(1, full + 1))
    if kind == "mixed":
        return rng.integers(1, full + 1, count)
    if kind == "short":
        return rng.integers(1, min(full, 2 * lanes) + 1, count)
    if kind == "now and then a long one":
        return np.where(rng.random(count) < 0.1, full, rng.integers(1, lanes + 1, count).clip(max=full))
    return rng.integers(1, 3 * full, count)


SHAPES = ["equal", "mixed", "short", "now and then a long one", "too long"]
STALLS = ["none", "random", "bursts", "stop"]


def opened(stall):
    return None if stall == NO_STALL else ~np.array(stall.cycles)


SLOW = (
    *("ram_banks two-pass", "row_below_a_beat two-pass", "ice40_serial two-pass", "l1_ecp5_200", "adanorm"),
    *("dyt_instances_ram", "affine_groups_49", "affine_ice40", "bf16_rms", "bf16_l1"),
)
"""What others stand for, unless much has changed."""


@pytest.mark.parametrize("name", slow_among((*UNITS, *TWO_PASS, *STATIC), SLOW))
def test_every_cycle_is_that_of_the_hardware(name):
    config = unit(name)
    losses = Losses()

    @settings(max_examples=40)
    @given(st.integers(0, 1 << 30), st.sampled_from(SHAPES), st.sampled_from(STALLS), st.sampled_from(STALLS))
    def check(seed, shape, source_kind, sink_kind):
        rng = np.random.default_rng(seed)
        lengths = drawn_lengths(rng, config, shape, int(rng.integers(1, 200)))
        source, sink = stalled(rng, source_kind), stalled(rng, sink_kind)
        traffic = Traffic(rows=rows_of(lengths), source=source, sink=sink)
        true, trace = run(config, traffic), predict(config, traffic)
        np.testing.assert_array_equal(trace.input_cycles, true.input_cycles)
        np.testing.assert_array_equal(trace.output_cycles, true.output_cycles)
        assert trace.cycles == true.cycles
        nonlocal losses
        losses += trace.losses

    check()
    # Every reason to wait has come up.
    causes = {"source", "rows", "sink", *INPUT.get(name, {"slots"}), *(() if name in STATIC else ("credits",))}
    assert min(getattr(losses, cause) for cause in causes) > 0
    if name in STATIC:
        assert (losses.slots, losses.interval, losses.credits) == (0, 0, 0)
    else:
        assert (losses.interval > 0) == (CycleModel(config).timing.interval > 1)


@pytest.mark.parametrize("name", ["bert_ecp5_200", "min_length", "ice40_serial two-pass", "l1_ecp5_200", "dyt"])
@pytest.mark.parametrize("each", ["row", "beat"])
def test_beats_offered_from_given_cycles_on(name, each):
    """The engine's source knows patterns only: it is given the one in which each beat comes when the model says so."""
    config = unit(name)
    model = CycleModel(config)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        lengths = drawn_lengths(rng, config, SHAPES[seed % len(SHAPES)], 100)
        beats = -(-lengths // config.lanes)
        count = len(lengths) if each == "row" else int(beats.sum())
        times = np.cumsum(rng.choice([[0, 1, 2], [0, 0, 60], [20, 30, 0]][seed % 3], count))
        sink = stalled(rng, STALLS[seed % len(STALLS)])
        trace = model.run(lengths, times, sink=opened(sink), cut=True)
        by_beat = np.repeat(times, beats) if each == "row" else times
        offers = np.maximum(by_beat, np.concatenate([[0], trace.input_cycles[:-1] + 1]))
        closed = np.ones(offers[-1] + 1, np.bool_)
        closed[offers] = False
        closed = np.concatenate([closed, np.ones(10_000, np.bool_)])
        true = run(config, Traffic(rows=rows_of(lengths), source=Stall.explicit(closed), sink=sink))
        np.testing.assert_array_equal(trace.input_cycles, true.input_cycles)
        np.testing.assert_array_equal(trace.output_cycles, true.output_cycles)
