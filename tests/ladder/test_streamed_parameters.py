"""Gamma and beta that come with each row: the hardware against the golden model, whatever the two streams do."""

from typing import Any

import numpy as np
import pytest

from ladder.checks import STALLS, agree, as_modelled, same_beats
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import streams_of
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.engines import run
from streamnorm_sim.reference.rows import random_rows, uniform_beside, uniform_elements
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.joined import row_bounds
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic

INT8 = {"input": {"format": "int8", "scale": 0.05}, "output": {"format": "int8", "scale": 0.04}}
EPSILON = {"epsilon": 1e-5}
ECP5 = {"target": "ecp5-85k-6", "clock_mhz": 190}

UNITS: dict[str, dict[str, Any]] = {
    "adaln": {"norm": "layernorm", "gamma_offset": 1.0, **ECP5, **EPSILON},
    "two_pass": {"norm": "layernorm", "architecture": "two-pass", "lanes": 3, "max_length": 31, **EPSILON},
    "part": {"norm": "rmsnorm", "statistic_length": 9, **EPSILON},
    "film": {"norm": "affine", "lanes": 2, "max_length": 19},
    "dyt_slow": {"norm": "dyt", "alpha": 0.7, "lanes": 1, "max_length": 9, "target": "ice40-up5k", "clock_mhz": 15},
    "residual": {"norm": "layernorm", "residual": {"format": "int8", "scale": 0.05}, **EPSILON},
    "int8_bf16": {"norm": "layernorm", "output": "bf16", "parameter_format": "bf16", "lanes": 2, **EPSILON},
}


def configuration(name: str, **changes: Any) -> NormConfig:
    return NormConfig(**{"lanes": 4, "max_length": 40, **INT8, "storage": "stream", **UNITS[name], **changes})


def traffic_of(config: NormConfig, count: int, seed: int, **more: Any) -> Traffic:
    batch = random_rows(config, count, np.random.default_rng(seed))
    return Traffic(rows=batch.x, lengths=batch.lengths, beside=batch.beside, seed=seed, **more)


@pytest.mark.parametrize("name", UNITS)
def test_every_row_has_its_own_whatever_stalls(name: str) -> None:
    config = configuration(name)
    for seed, source in enumerate(STALLS):
        sink = STALLS[(3 * seed + 1) % len(STALLS)]
        trace = agree(config, traffic_of(config, 60, seed, source=source, sink=sink))
        as_modelled(trace)
        assert len(trace.rows) == 60


@pytest.mark.parametrize("name", UNITS)
def test_cycles_are_the_planned_ones_of_every_length(name: str) -> None:
    config = configuration(name)
    plan, loaded = Plan.of(config), Plan.of(config.replace(storage="ram"))
    for n in {1, config.lanes, config.lanes + 1, config.max_length - 1, config.max_length}:
        planned = plan.latency(n)
        assert measure_cycles(config, n).to_dict() == vars(planned), f"{name}: n = {n}"
        assert planned.SS == loaded.latency(n).SS
        assert planned.L1 <= loaded.latency(n).L1
    assert plan.multipliers == loaded.multipliers


@pytest.mark.parametrize("name", ["adaln", "film", "two_pass"])
def test_every_length_up_to_one_that_is_cut(name: str) -> None:
    config = configuration(name)
    rng = np.random.default_rng(1)
    lengths = np.repeat(np.arange(1, config.max_length + 2 * config.lanes), 2)
    rng.shuffle(lengths)
    rows = [uniform_elements(config, rng, int(n)) for n in lengths]
    beside = uniform_beside(config, rng, lengths)
    for seed, stall in enumerate((NO_STALL, Stall.random(0.4))):
        trace = agree(config, Traffic(rows=rows, beside=beside, source=stall, sink=stall, seed=seed))
        as_modelled(trace)
        assert trace.rows.errors.tolist() == (lengths > config.max_length).tolist()


@pytest.mark.parametrize("name", ["adaln", "film", "two_pass", "residual"])
def test_a_reset_at_any_moment_leaves_both_streams_in_step(name: str) -> None:
    config = configuration(name)
    for reset_at in (0, 3, 40, 41, 42, 43, 97, 250):
        agree(config, traffic_of(config, 40, reset_at, source=Stall.random(0.2), reset_at=reset_at))


def any_beats(rng: np.random.Generator, rows: int, lanes: int, width: int, most: int) -> Beats:
    """Rows of up to ``most`` beats; one keep in thirty is any."""
    counts = rng.integers(1, most, rows, endpoint=True)
    total = int(counts.sum())
    last = np.zeros(total, np.bool_)
    last[counts.cumsum() - 1] = True
    keep = np.arange(lanes) < np.where(last, rng.integers(1, lanes, total, endpoint=True), lanes)[:, None]
    odd = rng.random(total) < 1 / 30
    keep[odd] = rng.random((int(odd.sum()), lanes)) < 0.5
    data = rng.integers(0, 256, (total, lanes * width), dtype=np.uint8)
    return Beats(data, np.repeat(keep, width, axis=1), last, np.zeros(total, np.uint16))


def beats_of_another_width(beats: Beats, rng: np.random.Generator, lanes: int, width: int) -> Beats:
    """As many beats of rows as long, kept in the same lanes."""
    keep = beats.keep.reshape(len(beats), lanes, -1)[..., 0]
    data = rng.integers(0, 256, (len(beats), lanes * width), dtype=np.uint8)
    return Beats(data, np.repeat(keep, width, axis=1), beats.last, beats.user)


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
    traffic = traffic_of(config, 12, 9, source=Stall.random(0.3), sink=Stall.random(0.3))
    same_beats(agree(config, traffic), agree(config, traffic, engine))
