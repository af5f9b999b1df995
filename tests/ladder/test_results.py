"""Further results of one statistic: hardware against golden model on every stream, under everything they may do."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ladder.checks import STALLS, agree, as_modelled, mixed_rows, rows_for, traffic_of
from ladder.promises import cut_and_flagged, cycles_as_planned, engines_agree, resets, rules_broken, stalled
from ladder.test_verilog_stays import reads_well
from marks import slow_among
from small_unit import INT8, INT16, small_unit
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import verilog
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams import stimulus

WIDE: dict[str, Any] = {"output": INT16, "gamma": np.linspace(-1, 2, 24), "beta": np.linspace(0.5, -0.5, 24)}
NARROW: dict[str, Any] = {"name": "narrow", "output": {"format": "uint5", "scale": 0.3, "zero_point": 14}, "beta": 0.4}

KEYS: dict[str, dict[str, Any]] = {
    "wide": {},
    "fast": {"target": "ecp5-85k-6", "clock_mhz": 200.0, "min_length": 16},
    "many": {
        "norm": "rmsnorm", "statistic_length": 9, "lanes": 3, "banks": 2, "parameter_repeat": 6,
        "residual": {**INT8, "alpha": 1.5, "emit_sum": True}, "gamma": np.linspace(-1, 1, 8).reshape(2, 4),
        "results": [{**WIDE, "gamma": np.linspace(2, 1, 8), "beta": None}, {**NARROW, "beta": np.linspace(0, 1, 8)}],
    },
    "two_more": {"results": [WIDE, {**NARROW, "gamma": np.linspace(1, 0.2, 24)}], "lanes": 3},
    "constants": {"gamma": None, "beta": None, "results": [NARROW], "lanes": 1, "norm": "rmsnorm"},
    "one_beat": {"lanes": 24, "max_length": 24},
    "ice40": {"target": "ice40-hx8k", "clock_mhz": 40.0, "lanes": 2},
    "part": {"norm": "rmsnorm", "statistic_length": 9},
    "adanorm": {"norm": "adanorm", "input": INT16, "beta": None, "results": [{**WIDE, "beta": None, "output": INT8}]},
    "banks": {
        "banks": 2, "parameter_repeat": 6, "gamma": np.linspace(-1, 1, 8).reshape(2, 4),
        "results": [{**WIDE, "gamma": np.linspace(2, 1, 8), "beta": None}],
    },
    "residual": {"residual": {**INT8, "alpha": 1.5, "emit_sum": True}},
}  # fmt: skip
"""What a unit has besides LayerNorm of int8 to int8 and int16, four lanes, rows of up to 24."""

LATER = [name for name in KEYS if name not in ("wide", "fast", "many")]


def unit(name: str) -> NormConfig:
    keys = {
        "output": {"format": "int8", "scale": 0.04, "zero_point": -3},
        "gamma": np.linspace(0.5, 1.5, 24),
        "beta": 0.1,
        "results": [WIDE],
    }
    return small_unit(**{"name": name, **keys, **KEYS[name]})


@pytest.mark.parametrize("name", slow_among(KEYS, LATER))
def test_every_result_is_the_golden_one_under_any_stall(name: str) -> None:
    config = unit(name)
    stalled(config, rows_for(config, 1))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_drawn_pairs_of_formats(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def drawn() -> dict[str, Any]:
        bits = int(rng.integers(4, 20))
        keys = {"format": f"int{bits}", "scale": 2.0 ** (4 - bits) * rng.uniform(0.3, 3)}
        return {"output": keys, "gamma": rng.normal(1, 0.3, 15), "beta": rng.normal(0, 0.3, 15)}

    first, second = drawn(), drawn()
    keys = {"input": {"format": f"int{rng.integers(4, 16)}", "scale": 0.02}, "lanes": int(rng.integers(1, 5))}
    config = NormConfig(norm="layernorm", max_length=15, epsilon=1e-4, **keys, **first, results=[second])
    batch = mixed_rows(config, rng, count=40)
    agree(config, traffic_of(batch, source=STALLS[1], sink=STALLS[2], seed=seed))


@pytest.mark.parametrize("name", slow_among(["wide", "fast", "many", "one_beat"], LATER))
def test_measured_cycles_are_the_planned_ones_for_every_length(name: str) -> None:
    cycles_as_planned(unit(name))


CLOSED = range(80, 480)
"""Cycles in which one of the streams is not taken."""


@pytest.mark.parametrize("closed", ["", "second"])
def test_where_one_stream_is_not_taken_the_other_goes_on_by_a_queue_and_nothing_is_lost(
    closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = unit("wide")
    batch = random_rows(config, 120, np.random.default_rng(2), lengths=np.full(120, 24))

    def patterns(*given: object, inputs: int, outputs: int) -> Sequence[NDArray[np.uint8]]:
        found = [np.ones(4096, np.uint8) for _ in range(3 + inputs + outputs)]
        found[3 if closed else 2][CLOSED.start : CLOSED.stop] = 0
        return found

    monkeypatch.setattr(stimulus, "open_patterns", patterns)
    trace = as_modelled(agree(config, traffic_of(batch)))
    own, second = trace.output_cycles, trace.sides["second"].cycles
    held, other = (second, own) if closed else (own, second)
    assert not set(CLOSED) & set(held.tolist())
    ahead = np.count_nonzero(other < CLOSED.stop) - np.count_nonzero(held < CLOSED.stop)
    # What is in the queue's memory, and in its output register.
    assert ahead == Plan.of(config).output_entries + 1
    # From then on they go out side by side, without a gap.
    assert np.diff(held[held >= CLOSED.stop]).max() == 1
    assert np.diff(other[other >= CLOSED.stop]).max() <= Plan.of(config).output_entries


def test_one_row_may_leave_on_one_stream_long_before_it_does_on_the_other() -> None:
    config = unit("wide")
    batch = rows_for(config, 8, 80)
    behind = set()
    for seed in range(4):
        trace = agree(config, traffic_of(batch, sink=STALLS[5], seed=seed))
        behind |= set((trace.sides["second"].cycles > trace.output_cycles).tolist())
    assert behind == {True, False}


@pytest.mark.parametrize("name", ["wide", "many"])
def test_overlong_rows_are_cut_and_flagged_on_every_stream(name: str) -> None:
    cut_and_flagged(unit(name))


def test_beats_that_break_every_rule() -> None:
    rules_broken(unit("wide"), ended=False)


@pytest.mark.parametrize("name", ["wide", "fast", "many"])
def test_a_reset_at_any_moment_leaves_a_working_unit(name: str) -> None:
    config = unit(name)
    resets(config, rows_for(config, 5, 30))


def test_verilog_reads_well_and_names_the_streams() -> None:
    text = verilog(unit("many").replace(residual=None))
    reads_well(text)
    assert "output [47:0] m_axis_second_tdata;" in text
    assert "output [23:0] m_axis_narrow_tdata;" in text


@pytest.mark.parametrize("engine", slow_among(["pysim", "verilator", "icarus"], ["verilator", "icarus"]))
def test_engines_agree(engine: str) -> None:
    config = unit("wide")
    engines_agree(config, rows_for(config, 9, 12), engine)
