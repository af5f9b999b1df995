"""Gamma and beta between two banks: the hardware against the golden model, whatever the streams do."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

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
from ladder.raw_beats import any_beats, beats_of_a_number, beats_of_another_width
from ladder.test_verilog_stays import reads_well
from small_unit import FLOAT_SCALES, small_unit
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import verilog
from streamnorm_sim.engines import run
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.joined import row_bounds
from streamnorm_sim.streams.stalls import NO_STALL, Stall
from streamnorm_sim.streams.traffic import Traffic

ONE = 1 << 15
ECP5 = {"target": "ecp5-85k-6", "clock_mhz": 190}
RESIDUAL = {"format": "int8", "scale": 0.05, "emit_sum": True}

UNITS: dict[str, dict[str, Any]] = {
    "td": {**ECP5},
    "two_pass": {
        "norm": "groupnorm", "architecture": "two-pass", "parameter_repeat": 10, "lanes": 3, "max_length": 30,
    },
    "slow_part": {"norm": "rmsnorm", "statistic_length": 2, "lanes": 2, **ECP5, "clock_mhz": 89},
    "one_beat": {
        "norm": "frozen", "deviation": 1.0, "epsilon": None, "lanes": 2, "max_length": 2, "beta": None,
        "target": "ice40-up5k", "clock_mhz": 12,
    },
    "all_of_them": {
        "residual": RESIDUAL, "output": FLOAT_SCALES, "max_length": 11,
    },
}  # fmt: skip


def configuration(name: str, **changes: Any) -> NormConfig:
    keys = {"name": name, "max_length": 40, **UNITS[name], **changes}
    rng = np.random.default_rng(3)
    shape = (2, keys["max_length"] // keys.get("parameter_repeat", 1))
    banks = {"gamma": rng.normal(1, 0.5, shape), "beta": rng.normal(0, 0.5, shape)}
    return small_unit(**{**banks, "banks": 2, "bank_order": "interpolated", **keys})


@pytest.mark.parametrize("name", UNITS)
def test_every_row_is_where_its_number_says_whatever_stalls(name: str) -> None:
    config = configuration(name)
    batches = [rows_for(config, seed, 40) for seed in range(len(STALLS))]
    for trace in stalled(config, *batches, stalls=EVERY_STALL):
        assert len(trace.rows) == 40
        assert not trace.rows.errors.any()


@pytest.mark.parametrize("name", UNITS)
def test_cycles_are_the_planned_ones_of_every_length(name: str) -> None:
    config = configuration(name)
    plan, streamed = Plan.of(config), Plan.of(config.core)
    lengths = {1, config.lanes, config.lanes + 1, config.max_length - 1, config.max_length}
    for n, planned in cycles_as_planned(config, lengths & set(range(1, config.max_length + 1))).items():
        assert planned["SS"] >= streamed.latency(n).SS
        if config.banked is config:
            within, late = vars(streamed.latency(n)), plan.stages["interpolation"]
            assert planned == {key: of + late * (key != "SS") for key, of in within.items()}
    assert (plan.stages["interpolation"] > 0) == (name in ("slow_part", "one_beat"))
    assert plan.multipliers["between banks"] >= config.lanes * (1 if config.beta is None else 2)
    assert plan.multipliers.items() >= streamed.multipliers.items()


@pytest.mark.parametrize("name", ["td", "two_pass", "slow_part"])
def test_every_length_up_to_one_that_is_cut(name: str) -> None:
    stalls = [(stall, stall) for stall in (NO_STALL, Stall.random(0.4))]
    cut_and_flagged(configuration(name), up_to_two_beats_more, draw=1, stalls=stalls, seed=1)


@pytest.mark.parametrize("name", ["td", "slow_part", "all_of_them"])
def test_a_reset_at_any_moment_leaves_the_streams_in_step(name: str) -> None:
    config = configuration(name)
    for reset_at in (0, 3, 40, 41, 97, 250):
        resets(config, rows_for(config, reset_at, 40), [reset_at], stalls=[(Stall.random(0.2), NO_STALL)])


def numbers(codes: ArrayLike, *, last: bool = True, keep: bool = True) -> Beats:
    """Beats of a number each."""
    return beats_of_a_number(np.asarray(codes, "<u2")[:, None].view(np.uint8), last=last, keep=keep)


@pytest.mark.parametrize("name", ["td", "slow_part", "all_of_them"])
def test_rows_that_break_every_rule_and_numbers_above_1(name: str) -> None:
    """Such a number is taken as 1, and its row is flagged, whatever else is wrong with it; the next row is in step."""
    config = configuration(name)
    for seed, source in enumerate((NO_STALL, Stall.random(0.4), Stall.burst(3, 2))):
        rng = np.random.default_rng(seed)
        own = any_beats(rng, 60, config.lanes, config.input.bytes, config.max_beats + 2)
        codes = rng.choice([0, 77, ONE - 1, ONE, ONE + 1, 40000, 2 * ONE - 1], 60)
        beside = {"blend": numbers(codes, last=bool(seed % 2), keep=seed != 1)}
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
        run(config, Traffic(beats=own, beats_beside={"blend": numbers([code] * 20)})) for code in (2 * ONE - 1, ONE)
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
    trace = agree(config, Traffic(beats=more, beats_beside={"blend": numbers([0, 77, ONE])}))
    assert len(trace.rows) == 3
    same_beats(trace, run(config, traffic))


@pytest.mark.parametrize(("name", "engine"), [("slow_part", "pysim"), ("all_of_them", "icarus")])
def test_other_engines_give_the_same_beats(name: str, engine: str) -> None:
    config = configuration(name)
    stalls = [(NO_STALL, NO_STALL), (Stall.random(0.3), Stall.random(0.3))]
    engines_agree(config, rows_for(config, 9, 10), engine, stalls=stalls, seed=9)


def test_verilog_reads_well_and_names_the_stream() -> None:
    text = verilog(configuration("td"))
    reads_well(text)
    assert "input [15:0] s_axis_blend_tdata;" in text
    assert "s_axis_tuser" not in text
