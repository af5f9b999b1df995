"""Units without a statistic: the golden model's bits and the planned cycles, whatever the stream does."""

from typing import Any

import numpy as np
import pytest

from ladder.checks import STALLS, agree, mixed_rows, traffic_of, within_bound
from ladder.promises import between_others, cut_and_flagged, cycles_as_planned, resets
from ladder.together import compile_with_its_like
from marks import slow_among
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.parameters import StoredParameters
from streamnorm_sim.reference.exact import exact_result, exact_rows
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.seeds import seeded
from streamnorm_sim.streams.stalls import NO_STALL
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic

ECP5 = {"target": "ecp5-85k-6", "clock_mhz": 200}
DYT = {"norm": "dyt", "alpha": 0.5}
LENGTH = 50


def parameters(banks: int = 1) -> dict[str, Any]:
    rng = seeded(1)
    shape = (banks, LENGTH) if banks > 1 else (LENGTH,)
    return {"gamma": rng.normal(1, 0.4, shape), "beta": rng.normal(0, 0.8, shape)}


UNITS: dict[str, dict[str, Any]] = {
    "ecp5": {**ECP5, **parameters()},
    "constants": {"gamma": -1.25, "beta": 0.3, "clock_mhz": 1},
    "plain": {"lanes": 1, "max_length": 7},
    "one_beat": {"lanes": 5, "max_length": 3, "gamma": np.array([0.5, -2.0, 3.0]), "target": "ice40-hx8k"},
    "banks": {**ECP5, **parameters(3), "banks": 3, "input": IntFormat(8, signed=False, scale=0.05, zero_point=200)},
    "ram": {**parameters(), "storage": "ram", "target": "ice40-up5k", "clock_mhz": 20, "lanes": 2},
    "ram_banks": {**parameters(2), "storage": "ram", "banks": 2, "lanes": 3, "clock_mhz": 400},
    "int16": {**ECP5, **parameters(), "input": IntFormat(16, scale=2e-4, zero_point=-99),
              "output": IntFormat(16, scale=3e-4)},
    "wide": {**parameters(), "input": IntFormat(24, scale=1e-6), "output": IntFormat(24, scale=2e-6), "lanes": 2},
    "dyt": {**DYT, **ECP5, **parameters(), "input": IntFormat(8, signed=False, scale=0.05, zero_point=99)},
    "dyt_slow": {**DYT, "alpha": -0.7, "lanes": 1, "max_length": 9, "clock_mhz": 1, "gamma": 2.0},
    "dyt_ice40": {**DYT, "lanes": 2, "gamma": 0.7, "beta": 0.2, "target": "ice40-hx8k", "clock_mhz": 48},
    "dyt_banks": {**DYT, **parameters(2), "banks": 2, "target": "ice40-up5k", "clock_mhz": 20, "lanes": 2},
    "dyt_int16": {**DYT, **ECP5, **parameters(), "alpha": -0.7, "storage": "ram", "lanes": 2,
                  "input": IntFormat(16, scale=2e-4, zero_point=-99), "output": IntFormat(16, scale=3e-4)},
    "dyt_steep": {**DYT, **parameters(), "input": IntFormat(16, scale=0.1), "lanes": 2},
    "dyt_flat": {**DYT, **parameters(), "alpha": 40, "lanes": 2, "target": "ice40-up5k", "clock_mhz": 20,
                 "input": IntFormat(16, signed=False, scale=1e-4, zero_point=3)},
}  # fmt: skip


def unit(name: str, **changes: Any) -> NormConfig:
    int8 = IntFormat(8, scale=0.05)
    keys = {"norm": "affine", "lanes": 4, "max_length": LENGTH, "input": int8, "output": int8}
    return NormConfig(**{"name": name, **keys, **UNITS[name], **changes})


LATER = ("plain", "int16", "dyt_slow", "dyt_flat")
"""Between others in everything."""


@pytest.fixture(params=slow_among(UNITS, LATER))
def config(request: pytest.FixtureRequest) -> NormConfig:
    config = unit(request.param)
    compile_with_its_like(config, (unit(name) for name in UNITS if (name in LATER) == (request.param in LATER)))
    return config


def test_bits_are_the_golden_models_whatever_stalls(config: NormConfig) -> None:
    for seed, (source, sink) in enumerate(zip(STALLS, (*STALLS[3:], *STALLS[:3]), strict=True)):
        batch = mixed_rows(config, seeded(seed), elements=6000)
        agree(config, traffic_of(batch, source=source, sink=sink, seed=seed))
    within_bound(agree(config, traffic_of(mixed_rows(config, seeded(9)), seed=9)))


def test_cycles_are_the_planned_ones(config: NormConfig) -> None:
    full, lanes = config.max_length, config.lanes
    cycles_as_planned(config, {1, min(lanes, full), min(lanes + 1, full), full})


def test_a_beat_a_cycle_whatever_the_lengths(config: NormConfig) -> None:
    lengths = seeded(3).integers(1, config.max_length, 300, endpoint=True)
    rows = seeded(4).integers(config.input.min, config.input.max, (300, config.max_length), endpoint=True)
    trace = agree(config, Traffic(rows=rows, lengths=lengths))
    assert (np.diff(trace.input_cycles) == 1).all()
    assert (np.diff(trace.output_cycles) == 1).all()


@pytest.mark.parametrize("name", ["ecp5", "banks", "one_beat", "ram"])
@pytest.mark.parametrize(("source", "sink"), [(NO_STALL, NO_STALL), (STALLS[2], STALLS[4])], ids=["free", "stalls"])
def test_overlong_rows_are_cut_and_flagged_and_the_next_one_is_untouched(name, source, sink) -> None:
    cut_and_flagged(unit(name), between_others, draw=5, stalls=[(source, sink)], seed=0)


def test_reset_at_any_moment_leaves_a_working_unit() -> None:
    config, rng = unit("ecp5"), seeded(6)
    rows = [rng.integers(-128, 128, length) for length in rng.integers(1, LENGTH, 30)]
    rows[5] = rng.integers(-128, 128, 3 * LENGTH)
    stalls = [(NO_STALL, NO_STALL), (STALLS[1], STALLS[5])]
    resets(config, RowBatch.arrange(rows), range(0, 60, 3), stalls=stalls, reset_cycles=(2,))


@pytest.mark.parametrize("name", ["ram", "ram_banks", "dyt_int16"])
def test_loads_change_nothing_but_the_rows_behind_them(name: str) -> None:
    config, rng = unit(name), seeded(7)
    stored = StoredParameters.of(config)
    assert config.gamma_max is not None
    assert config.beta_max is not None
    gamma = stored.quantize_gamma(rng.uniform(-config.gamma_max, config.gamma_max, LENGTH))
    beta = stored.quantize_beta(rng.uniform(-config.beta_max, config.beta_max, LENGTH))
    rows = rng.integers(config.input.min, config.input.max, (12, LENGTH), endpoint=True)
    load = ParameterLoad(after_row=5, bank=config.banks - 1, gamma=gamma, beta=beta)
    for source, sink in ((NO_STALL, NO_STALL), (STALLS[2], STALLS[4])):
        agree(config, Traffic(rows=rows, banks=np.full(12, config.banks - 1), loads=(load,), source=source, sink=sink))


@pytest.mark.parametrize("name", [name for name in UNITS if not name.startswith("dyt")])
def test_results_are_the_exact_ones_for_gamma_and_beta_as_stored(name: str) -> None:
    config = unit(name)
    batch = mixed_rows(config, seeded(8), elements=20_000)
    got = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks)
    np.testing.assert_array_equal(got, exact_rows(config, batch.x, batch.lengths, batch.banks))
    assert Plan.of(config).error_bound == 0.5
    assert Plan.of(config).expected_error == 0


def test_no_result_is_farther_off_than_the_bound_with_gamma_and_beta_as_given(config: NormConfig) -> None:
    batch = mixed_rows(config, seeded(11), elements=20_000)
    got = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks)
    plan = Plan.of(config)
    for as_given, bound in ((False, plan.error_bound), (True, plan.error_bound_as_given)):
        exact = exact_result(config, batch.x, batch.lengths, batch.banks, as_given=as_given)
        off = np.abs(got - np.clip(exact.scaled, config.output.min, config.output.max))
        assert off[batch.valid].max() <= bound + 1e-9
        assert bound <= 1


@pytest.mark.parametrize("name", ["ecp5", "dyt"])
def test_int8_takes_8_cycles_at_200_mhz_and_no_row_buffer(name: str) -> None:
    plan = Plan.of(unit(name, lanes=8))
    assert plan.latency(LENGTH).L1 <= 8
    assert plan.buffer_beats == 0
    tables = {"function tables": 4} if name == "dyt" else {}
    assert plan.block_rams == {"gamma and beta": plan.block_rams["gamma and beta"], **tables}
    assert plan.multipliers == {"lanes": 8}


@pytest.mark.parametrize("name", [name for name in UNITS if name.startswith("dyt")])
def test_int8_results_of_a_table_are_rounded_correctly(name: str) -> None:
    config = unit(name, output=IntFormat(8, scale=0.02), storage="rom", max_length=LENGTH, beta=0.123, lanes=4)
    batch = random_rows(config, 2000, seeded(10))
    wrong = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks) != exact_rows(
        config, batch.x, batch.lengths, batch.banks
    )
    assert wrong.sum() <= 0.001 * batch.lengths.sum()
