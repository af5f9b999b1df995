"""Gamma and beta between two banks: the hardware against the golden model, whatever the streams do."""

from typing import Any

import numpy as np
import pytest

from ladder.checks import STALLS, agree, as_modelled, same_beats
from ladder.test_streamed_parameters import any_beats, beats_of_another_width
from ladder.test_verilog_stays import reads_well
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import verilog
from streamnorm_sim.check.measure import measure_cycles
from streamnorm_sim.engines import run
from streamnorm_sim.reference.rows import random_rows, uniform_beside, uniform_elements
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.joined import row_bounds
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.traffic import Traffic

ONE = 1 << 15
INT8 = {"input": {"format": "int8", "scale": 0.05}, "output": {"format": "int8", "scale": 0.04}}
EPSILON = {"epsilon": 1e-5}
ECP5 = {"target": "ecp5-85k-6", "clock_mhz": 190}
RESIDUAL = {"format": "int8", "scale": 0.05, "emit_sum": True}

UNITS: dict[str, dict[str, Any]] = {
    "td": {"norm": "layernorm", **ECP5, **EPSILON},
    "two_pass": {
        "norm": "groupnorm", "architecture": "two-pass", "parameter_repeat": 10, "lanes": 3, "max_length": 30, **EPSILON
    },
    "slow_part": {"norm": "rmsnorm", "statistic_length": 2, "lanes": 2, **ECP5, "clock_mhz": 89, **EPSILON},
    "one_beat": {
        "norm": "frozen", "deviation": 1.0, "lanes": 2, "max_length": 2, "beta": None,
        "target": "ice40-up5k", "clock_mhz": 12,
    },
    "all_of_them": {
        "norm": "layernorm", "residual": RESIDUAL, "output": {"format": "int8", "scale": "row"}, "max_length": 11,
        **EPSILON,
    },
}  # fmt: skip


def configuration(name: str, **changes: Any) -> NormConfig:
    keys = {"lanes": 4, "max_length": 40, **INT8, **UNITS[name], **changes}
    rng = np.random.default_rng(3)
    shape = (2, keys["max_length"] // keys.get("parameter_repeat", 1))
    banks = {"gamma": rng.normal(1, 0.5, shape), "beta": rng.normal(0, 0.5, shape)}
    return NormConfig(**{**banks, "banks": 2, "bank_order": "interpolated", **keys})


def traffic_of(config: NormConfig, count: int, seed: int, **more: Any) -> Traffic:
    batch = random_rows(config, count, np.random.default_rng(seed))
    return Traffic(rows=batch.x, lengths=batch.lengths, beside=batch.beside, seed=seed, **more)


@pytest.mark.parametrize("name", UNITS)
def test_every_row_is_where_its_number_says_whatever_stalls(name: str) -> None:
    config = configuration(name)
    for seed, source in enumerate(STALLS):
        sink = STALLS[(3 * seed + 1) % len(STALLS)]
        trace = agree(config, traffic_of(config, 40, seed, source=source, sink=sink))
        as_modelled(trace)
        assert len(trace.rows) == 40
        assert not trace.rows.errors.any()


@pytest.mark.parametrize("name", UNITS)
def test_cycles_are_the_planned_ones_of_every_length(name: str) -> None:
    config = configuration(name)
    plan, streamed = Plan.of(config), Plan.of(config.core)
    lengths = {1, config.lanes, config.lanes + 1, config.max_length - 1, config.max_length}
    for n in lengths & set(range(1, config.max_length + 1)):
        planned = plan.latency(n)
        assert measure_cycles(config, n).to_dict() == vars(planned), f"{name}: n = {n}"
        assert planned.SS >= streamed.latency(n).SS
        if config.banked is config:
            within, late = vars(streamed.latency(n)), plan.stages["interpolation"]
            assert vars(planned) == {key: of + late * (key != "SS") for key, of in within.items()}
    assert (plan.stages["interpolation"] > 0) == (name in ("slow_part", "one_beat"))
    assert plan.multipliers["between banks"] >= config.lanes * (1 if config.beta is None else 2)
    assert plan.multipliers.items() >= streamed.multipliers.items()


@pytest.mark.parametrize("name", ["td", "two_pass", "slow_part"])
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


@pytest.mark.parametrize("name", ["td", "slow_part", "all_of_them"])
def test_a_reset_at_any_moment_leaves_the_streams_in_step(name: str) -> None:
    config = configuration(name)
    for reset_at in (0, 3, 40, 41, 97, 250):
        agree(config, traffic_of(config, 40, reset_at, source=Stall.random(0.2), reset_at=reset_at))


def numbers(config: NormConfig, codes: Any, *, last: int = 1, keep: int = 1) -> Beats:
    """Beats of a number each."""
    data = np.asarray(codes, "<u2")[:, None].view(np.uint8)
    same = np.ones(data.shape, np.bool_)
    return Beats(data, same & bool(keep), same[:, 0] & bool(last), np.zeros(len(data), np.uint16))


@pytest.mark.parametrize("name", ["td", "slow_part", "all_of_them"])
def test_rows_that_break_every_rule_and_numbers_above_1(name: str) -> None:
    """Such a number is taken as 1, and its row is flagged, whatever else is wrong with it; the next row is in step."""
    config = configuration(name)
    for seed, source in enumerate((NO_STALL, Stall.random(0.4), Stall.burst(3, 2))):
        rng = np.random.default_rng(seed)
        own = any_beats(rng, 60, config.lanes, config.input.bytes, config.max_beats + 2)
        codes = rng.choice([0, 77, ONE - 1, ONE, ONE + 1, 40000, 2 * ONE - 1], 60)
        beside = {"blend": numbers(config, codes, last=seed % 2, keep=seed != 1)}
        if config.residual is not None:
            beside["residual"] = beats_of_another_width(own, rng, config.lanes, 1)
        sent: dict[str, Any] = {"beats": own, "beats_beside": beside, "source": source, "seed": seed}
        trace = agree(config, Traffic(**sent, sink=STALLS[seed]))
        assert trace.rows.errors[codes > ONE].all()
        assert not trace.rows.errors.all()
        agree(config, Traffic(**sent, reset_at=50 + 13 * seed))


def test_a_number_above_1_gives_the_row_that_1_gives() -> None:
    config = configuration("td")
    rng = np.random.default_rng(4)
    own = any_beats(rng, 20, config.lanes, 1, config.max_beats)
    above, one = (
        run(config, Traffic(beats=own, beats_beside={"blend": numbers(config, [code] * 20)}))
        for code in (2 * ONE - 1, ONE)
    )
    np.testing.assert_array_equal(above.outputs.data, one.outputs.data)
    assert above.rows.errors.all()
    assert not one.rows.errors.all()
    starts, ends = row_bounds(above.outputs.last)
    assert not above.outputs.user[np.setdiff1d(np.arange(ends[-1]), ends - 1)].any()
    assert len(starts) == 20


@pytest.mark.parametrize("name", ["td", "slow_part"])
def test_a_row_waits_for_its_number_and_those_before_it_do_not(name: str) -> None:
    """Numbers come for the first three rows only: these come out, and the one behind them waits inside."""
    config = configuration(name)
    batch = random_rows(config, 3, np.random.default_rng(5), lengths=[config.max_length, 5, config.max_length])
    traffic = Traffic(rows=batch.x, lengths=batch.lengths, beside={"blend": np.array([0, 77, ONE])})
    beats = traffic.encode(config)
    more = Beats.join([beats, beats[: config.max_beats]])
    trace = agree(config, Traffic(beats=more, beats_beside={"blend": numbers(config, [0, 77, ONE])}))
    assert len(trace.rows) == 3
    same_beats(trace, run(config, traffic))


@pytest.mark.parametrize(("name", "engine"), [("slow_part", "pysim"), ("all_of_them", "icarus")])
def test_other_engines_give_the_same_beats(name: str, engine: str) -> None:
    config = configuration(name)
    traffic = traffic_of(config, 10, 9, source=Stall.random(0.3), sink=Stall.random(0.3))
    same_beats(agree(config, traffic), agree(config, traffic, engine))


def test_verilog_reads_well_and_names_the_stream() -> None:
    text = verilog(configuration("td"))
    reads_well(text)
    assert "input [15:0] s_axis_blend_tdata;" in text
    assert "s_axis_tuser" not in text
