"""Gamma and beta loaded over the parameter stream: which rows see which values."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from ladder import test_results
from ladder.checks import STALLS, agree
from ladder.configurations import configuration, signed
from marks import slow_among
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameter_lane import parameter_lane
from streamnorm.spec.parameters import StoredParameters
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.engines import run
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams import stimulus
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.stimulus import Stimulus
from streamnorm_sim.streams.trace import Trace
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic

ALONE = ("ram", "ram_banks", "groups_16_ram", "groups_5_ram", "groups_3_ram", "part_ram_banks", "part_ram_slow")
RESULTS = (
    "results_ram", "results_ram_spread", "results_ram_banks", "results_ram_residual", "results_ram_channels",
    "results_ram_split",
)  # fmt: skip
UNITS = slow_among((*ALONE, *RESULTS), RESULTS[2:])


def unit(name: str) -> NormConfig:
    """One of the ladder's configurations, or of those with further results."""
    if name in RESULTS:
        return test_results.unit(name.removeprefix("results_"))
    return configuration(name)


def load(
    config: NormConfig, rng: np.random.Generator, after_row: int, *, n: int | None = None, bank: int = 0
) -> ParameterLoad:
    """A load of any integers that the stored formats hold."""
    length = config.bank_values if n is None else n
    drawn = {
        part.name: rng.integers(-(1 << (part.bits - 1)), 1 << (part.bits - 1), length)
        for part in parameter_lane(config)
    }
    return ParameterLoad(after_row, drawn.pop("gamma"), drawn.pop("beta"), bank, drawn)


def values_of(config: NormConfig, beats: int) -> int:
    """How many values a load may end behind, of some beats: of the load, or where a beat has several values of rows."""
    per_beat = 1 if config.parameter_repeat >= config.lanes else config.lanes
    return min(config.bank_values, beats * per_beat)


def load_beats(config: NormConfig) -> int:
    """Beats of a load of all there is."""
    return -(-config.bank_values // config.load_lanes)


def traffic(config: NormConfig, count: int, loads: list[ParameterLoad], seed: int, **more: Any) -> Traffic:
    batch = random_rows(config, count, np.random.default_rng(seed))
    rows = {"rows": batch.x, "lengths": batch.lengths, "banks": batch.banks, "beside": batch.beside}
    return Traffic(**rows, loads=loads, seed=seed, **more)


def loads_come_to_an_empty_unit(trace: Trace) -> None:
    """Every load is accepted after the last result of the rows before it, and before the rows behind it."""
    row_ends_in = np.flatnonzero(trace.traffic.encode(trace.config).last)
    row_ends_out = np.flatnonzero(trace.outputs.last)
    bounds = np.concatenate(
        [[0], np.cumsum([-(-len(one.gamma) // trace.config.load_lanes) for one in trace.traffic.loads])]
    )
    for index, one in enumerate(trace.traffic.loads):
        cycles = trace.load_cycles[bounds[index] : bounds[index + 1]]
        if one.after_row >= 0:
            assert cycles[0] > trace.output_cycles[row_ends_out[one.after_row]], f"load {index}"
        following = row_ends_in[one.after_row] + 1 if one.after_row >= 0 else 0
        if following < len(trace.input_cycles):
            assert trace.input_cycles[following] > cycles[-1], f"load {index}"


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize(("source", "sink"), [(0, 0), (2, 0), (0, 5), (3, 4), (5, 2)])
def test_loads_between_rows_serve_the_rows_behind_them(name: str, source: int, sink: int) -> None:
    config = unit(name)
    rng = np.random.default_rng(source)
    after = [-1, -1, 0, 5, 5, 6, 19, 29]
    loads = [load(config, rng, row, bank=int(rng.integers(config.banks))) for row in after]
    trace = agree(config, traffic(config, 30, loads, seed=sink, source=STALLS[source], sink=STALLS[sink]))
    loads_come_to_an_empty_unit(trace)


@pytest.mark.parametrize("name", UNITS)
def test_a_partial_load_leaves_the_other_elements_and_banks(name: str) -> None:
    config = unit(name)
    rng = np.random.default_rng(1)
    loads = [
        load(config, rng, row, n=values_of(config, beats), bank=row % config.banks)
        for row, beats in enumerate((1, 3, load_beats(config) // 2, 2, 1, 4))
    ]
    agree(config, traffic(config, 24, loads, seed=1))


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("excess", [1, 7, 40])
def test_what_a_load_brings_behind_max_length_is_ignored(
    name: str, excess: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = unit(name)
    rng = np.random.default_rng(excess)

    def longer(*arguments: Any) -> Beats:
        beats = encode_load(*arguments)
        if len(beats) < load_beats(config):
            return beats
        more = Beats(
            rng.integers(256, size=(excess, beats.data.shape[1]), dtype=np.uint8),
            np.ones((excess, beats.keep.shape[1]), np.bool_),
            np.arange(excess) == excess - 1,
            rng.integers(config.banks, size=excess).astype(np.uint8),  # only a load's first beat names its bank
        )
        beats.last[-1] = False
        return Beats.join([beats, more])

    encode_load = stimulus.encode_load
    monkeypatch.setattr(stimulus, "encode_load", longer)
    banks = [int(bank) for bank in rng.integers(config.banks, size=4)]
    loads = [load(config, rng, row, bank=bank) for row, bank in zip((-1, 3, 3, 8), banks, strict=True)]
    loads.append(load(config, rng, 11, n=values_of(config, 1), bank=banks[0]))
    agree(config, traffic(config, 20, loads, seed=excess, source=STALLS[1]))


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("source", [NO_STALL, Stall.random(0.5)], ids=str)
def test_a_load_that_is_offered_in_mid_row_waits_for_its_end(
    name: str, source: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = unit(name)
    rng = np.random.default_rng(2)
    original = Stimulus.of
    beats = config.max_beats

    def early(one: NormConfig, what: Traffic) -> Stimulus:
        plain = original(one, what)
        gate = np.maximum(plain.loads.gate - int(rng.integers(1, beats)), 0)
        return dataclasses.replace(plain, loads=dataclasses.replace(plain.loads, gate=gate))

    monkeypatch.setattr(Stimulus, "of", early)
    for seed in range(12):
        count = 8
        loads = [load(config, rng, row, bank=int(rng.integers(config.banks))) for row in (1, 2, 5)]
        rows = random_rows(config, count, rng, lengths=np.full(count, config.max_length))
        sent = {"rows": rows.x, "banks": rows.banks, "beside": rows.beside}
        trace = agree(config, Traffic(**sent, loads=loads, source=source, sink=STALLS[seed % 4], seed=seed))
        loads_come_to_an_empty_unit(trace)


@pytest.mark.parametrize("sink", [NO_STALL, Stall.burst(2, 40)], ids=str)
def test_rows_in_flight_keep_the_old_values(sink: Stall) -> None:
    """Short rows, many of them inside the unit when the load is offered."""
    config = configuration("ram_banks")
    rng = np.random.default_rng(3)
    count = 120
    batch = random_rows(config, count, rng, lengths=rng.integers(1, 2 * config.lanes, count, endpoint=True))
    loads = [load(config, rng, row, bank=row % config.banks) for row in range(9, count, 10)]
    trace = agree(
        config, Traffic(rows=batch.x, lengths=batch.lengths, banks=batch.banks, loads=loads, sink=sink, seed=3)
    )
    loads_come_to_an_empty_unit(trace)


FRONTS: dict[str, dict[str, Any]] = {
    "residual": {"residual": {"format": "int8", "scale": 0.05, "alpha": 1.5, "emit_sum": True}},
    "input_scale": {"input": {"format": "int8", "scale": "row"}},
}
"""What stands in front of the norm, and holds rows."""


@pytest.mark.parametrize("clock", [50.0, 200.0])
@pytest.mark.parametrize("front", FRONTS)
def test_rows_in_front_of_the_norm_keep_the_old_values(front: str, clock: float) -> None:
    config = configuration("ram_banks", **FRONTS[front], clock_mhz=clock)
    rng = np.random.default_rng(7)
    for seed, longest in enumerate((1, config.lanes, 2 * config.lanes, 3 * config.lanes, config.max_length)):
        lengths = rng.integers(1, longest, 40, endpoint=True)
        batch = random_rows(config, 40, rng, lengths=lengths)
        rows = {"rows": batch.x, "lengths": lengths, "banks": batch.banks, "beside": batch.beside}
        after = [-1, 0, 1, 2, 3, 3, 7, 20, 39]
        loads = [load(config, rng, row, bank=int(batch.banks[min(row + 1, 39)])) for row in after]
        for source, sink in ((0, 0), (2, 3), (4, 2)):
            sent = Traffic(**rows, loads=loads, source=STALLS[source], sink=STALLS[sink], seed=seed)
            loads_come_to_an_empty_unit(agree(config, sent))


def test_each_row_takes_the_bank_that_its_first_beat_names() -> None:
    config = configuration("rom_banks")
    rng = np.random.default_rng(4)
    row = rng.integers(-128, 128, config.max_length)
    banks = rng.permutation(np.arange(40) % config.banks)
    beats = Traffic(rows=np.tile(row, (40, 1)), banks=banks).encode(config)
    first = np.concatenate([[True], beats.last[:-1]])
    beats.user[~first] = rng.integers(config.banks, size=int((~first).sum()))
    got = agree(config, Traffic(beats=beats)).rows.x
    by_bank = GoldenModel(config).normalize(np.tile(row, (config.banks, 1)), banks=np.arange(config.banks))
    assert len(np.unique(by_bank, axis=0)) == config.banks
    np.testing.assert_array_equal(got, by_bank[banks])


@pytest.mark.parametrize("name", UNITS)
def test_a_reset_in_mid_load_leaves_a_unit_that_can_be_loaded(name: str) -> None:
    config = unit(name)
    latency = Plan.of(config).latency(config.max_length).L3
    for reset_at in range(1, 2 * latency + 60, 3):
        rng = np.random.default_rng(reset_at)
        loads = [load(config, rng, -1)]
        loads += [load(config, rng, 5, bank=bank) for bank in range(config.banks)]
        what = traffic(config, 12, loads, seed=reset_at, reset_at=reset_at, sink=STALLS[reset_at % 3])
        trace = run(config, what)
        bounds = trace.load_cycles[load_beats(config) :]
        if not (bounds >= 0).all():
            continue  # the reset came within the second loads: nothing is known of the values
        if bounds[0] < reset_at:
            continue
        values = {name: np.array([one.values[name] for one in loads[1:]]) for name in loads[0].values}
        given = trace.expected
        want = GoldenModel(config, **values).normalize(given.x, given.lengths, given.banks, **given.beside)
        loaded = trace.answered > 5
        assert loaded.sum() == 6
        assert len(trace.rows) == len(want)
        np.testing.assert_array_equal(
            trace.rows.x[loaded], want[loaded][:, : trace.rows.x.shape[1]], f"seed {reset_at}"
        )


def test_loaded_values_are_as_exact_as_planned() -> None:
    config = configuration("ram", output=signed(8, 2.0**-4), gamma_max=4.0, beta_max=4.0)
    stored = StoredParameters.of(config)
    rng = np.random.default_rng(5)
    gamma = stored.quantize_gamma(rng.uniform(-3.9, 3.9, config.max_length))
    beta = stored.quantize_beta(rng.uniform(-3.9, 3.9, config.max_length))
    trace = agree(config, traffic(config, 60, [ParameterLoad(-1, gamma, beta)], seed=5))
    real = [np.ldexp(gamma, -stored.gamma_frac_bits - 4), np.ldexp(beta, -stored.beta_frac_bits - 4)]
    twin = config.replace(gamma=real[0], beta=real[1])
    np.testing.assert_array_equal(StoredParameters.of(twin).gamma[0], gamma)
    np.testing.assert_array_equal(StoredParameters.of(twin).beta[0], beta)
    rows = trace.expected
    accuracy = Accuracy.of(twin, trace.rows.x, rows.x, rows.lengths)
    assert accuracy.max_ulp <= Plan.of(config).error_bound <= 1
