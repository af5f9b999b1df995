"""Gamma and beta that come with each row: the hardware against the golden model, whatever the two streams do."""

from typing import Any

import numpy as np
import pytest

from ladder.checks import STALLS, agree, rows_for, same_beats
from ladder.promises import (
    EVERY_STALL,
    cut_and_flagged,
    cycles_as_planned,
    engines_agree,
    resets,
    stalled,
    up_to_two_beats_more,
)
from ladder.raw_beats import any_beats, beats_of_another_width
from small_unit import INT8, small_unit
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import streams_of
from streamnorm_sim.engines import run
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.joined import row_bounds
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic

ECP5 = {"target": "ecp5-85k-6", "clock_mhz": 190}

UNITS: dict[str, dict[str, Any]] = {
    "adaln": {"gamma_offset": 1.0, **ECP5},
    "two_pass": {"architecture": "two-pass", "lanes": 3, "max_length": 31},
    "part": {"norm": "rmsnorm", "statistic_length": 9},
    "film": {"norm": "affine", "epsilon": None, "lanes": 2, "max_length": 19},
    "dyt_slow": {
        "norm": "dyt", "alpha": 0.7, "epsilon": None, "lanes": 1, "max_length": 9, "target": "ice40-up5k",
        "clock_mhz": 15,
    },
    "residual": {"residual": INT8},
    "int8_bf16": {"output": "bf16", "parameter_format": "bf16", "lanes": 2},
}  # fmt: skip


def configuration(name: str, **changes: Any) -> NormConfig:
    return small_unit(**{"name": name, "max_length": 40, "storage": "stream", **UNITS[name], **changes})


@pytest.mark.parametrize("name", UNITS)
def test_every_row_has_its_own_whatever_stalls(name: str) -> None:
    config = configuration(name)
    batches = [rows_for(config, seed, 60) for seed in range(len(STALLS))]
    for trace in stalled(config, *batches, stalls=EVERY_STALL):
        assert len(trace.rows) == 60


@pytest.mark.parametrize("name", UNITS)
def test_cycles_are_the_planned_ones_of_every_length(name: str) -> None:
    config = configuration(name)
    plan, loaded = Plan.of(config), Plan.of(config.replace(storage="ram"))
    lengths = {1, config.lanes, config.lanes + 1, config.max_length - 1, config.max_length}
    for n, planned in cycles_as_planned(config, lengths).items():
        assert planned["SS"] == loaded.latency(n).SS
        assert planned["L1"] <= loaded.latency(n).L1
    assert plan.multipliers == loaded.multipliers


@pytest.mark.parametrize("name", ["adaln", "film", "two_pass"])
def test_every_length_up_to_one_that_is_cut(name: str) -> None:
    config = configuration(name)
    stalls = [(stall, stall) for stall in (NO_STALL, Stall.random(0.4))]
    cut_and_flagged(config, up_to_two_beats_more, draw=1, stalls=stalls, seed=1)


@pytest.mark.parametrize("name", ["adaln", "film", "two_pass", "residual"])
def test_a_reset_at_any_moment_leaves_both_streams_in_step(name: str) -> None:
    config = configuration(name)
    for reset_at in (0, 3, 40, 41, 42, 43, 97, 250):
        resets(config, rows_for(config, reset_at, 40), [reset_at], stalls=[(Stall.random(0.2), NO_STALL)])


def disagreeing(config: NormConfig, rows: int, rng: np.random.Generator) -> dict[str, Any]:
    """Raw beats on all streams, half of whose rows are not as long as those of the unit's own stream."""
    lanes, most = config.lanes, config.max_beats + 3
    own = any_beats(rng, rows, lanes, config.input.bytes, most)
    beside = {}
    for name, sides in streams_of(config.side_inputs).items():
        width = sum(side.number.bytes for side in sides)
        other, same = any_beats(rng, rows, lanes, width, most), beats_of_another_width(own, rng, lanes, width)
        parts = [
            source[slice(*(int(bound[row]) for bound in row_bounds(source.last)))]
            for row, source in enumerate(other if swap else same for swap in rng.random(rows) < 0.5)
        ]
        beside[name] = Beats.join(parts)
    return {"beats": own, "beats_beside": beside}


@pytest.mark.parametrize("name", UNITS)
def test_rows_that_disagree_are_flagged_and_the_next_is_in_step(name: str) -> None:
    config = configuration(name)
    flagged = 0
    for seed, source in enumerate((NO_STALL, Stall.random(0.4), Stall.burst(3, 2))):
        sent = disagreeing(config, 60, np.random.default_rng(seed))
        trace = agree(config, Traffic(**sent, source=source, sink=STALLS[seed], seed=seed))
        assert len(trace.rows) > 50
        assert not trace.rows.errors.all()
        flagged += int(trace.rows.errors.sum())
        agree(config, Traffic(**sent, source=source, seed=seed, reset_at=50 + 13 * seed))
    assert flagged > 60


def one_row(elements: int, *, lanes: int = 2, width: int = 1, value: int = 0) -> Beats:
    count = -(-elements // lanes)
    data = np.zeros((count, lanes, width), np.uint8)
    data[..., 0] = value
    data[:, 0, 0] += np.arange(count, dtype=np.uint8)
    keep = np.arange(count * lanes).reshape(count, lanes) < elements
    last = np.arange(count) == count - 1
    return Beats(data.reshape(count, -1), np.repeat(keep, width, axis=1), last, np.zeros(count, np.uint16))


def test_what_a_row_takes_of_parameters_that_are_too_few_or_too_many() -> None:
    """The last beat again and again; what is left over is nobody's."""
    config = configuration("film")
    width = sum(side.number.bytes for side in config.side_inputs)
    lengths, others = (7, 7, 7, 6, 7), (7, 3, 11, 5, 7)
    starts = (10, 20, 30, 40, 50)
    own = Beats.join([one_row(n) for n in lengths])
    param = Beats.join([one_row(n, width=width, value=value) for n, value in zip(others, starts, strict=True)])
    traffic = Traffic(beats=own, beats_beside={"param": param})
    received = traffic.received(config)
    assert received.errors.tolist() == [False, True, True, True, False]
    taken = [[10, 10, 11, 10, 12, 10, 13], [20, 20, 21, 20, 21, 20, 21], [30, 30, 31, 30, 32, 30, 33]]
    taken += [[40, 40, 41, 40, 42, 40, 0], [50, 50, 51, 50, 52, 50, 53]]
    assert received.beside["gamma"].tolist() == taken
    assert not received.beside["beta"].any()
    agree(config, traffic)


@pytest.mark.parametrize("name", ["adaln", "film"])
def test_rows_of_one_gamma_and_beta_are_those_of_a_unit_that_has_loaded_them(name: str) -> None:
    config = configuration(name)
    batch = random_rows(config, 40, np.random.default_rng(7), lengths=np.full(40, config.max_length))
    one = {key: rows[:1] for key, rows in batch.beside.items()}
    every = {key: rows.repeat(len(batch), axis=0) for key, rows in one.items()}
    load = ParameterLoad(-1, one["gamma"][0], one["beta"][0])
    same_beats(
        run(config, Traffic(rows=batch.x, beside=every)),
        run(config.replace(storage="ram"), Traffic(rows=batch.x, loads=[load])),
    )


@pytest.mark.parametrize("engine", ["pysim", "icarus"])
@pytest.mark.parametrize("name", ["film", "residual"])
def test_other_engines_give_the_same_beats(name: str, engine: str) -> None:
    config = configuration(name)
    stalls = [(NO_STALL, NO_STALL), (Stall.random(0.3), Stall.random(0.3))]
    engines_agree(config, rows_for(config, 9, 12), engine, stalls=stalls, seed=9)
