"""Further results of one statistic: hardware against golden model on every stream, under everything they may do."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ladder.checks import STALLS, agree, as_modelled, mixed_rows, rows_for, traffic_of
from ladder.promises import cut_and_flagged, cycles_as_planned, engines_agree, resets, rules_broken, stalled
from ladder.test_verilog_stays import reads_well
from marks import slow_among
from small_unit import INT8, INT16, small_unit
from streamnorm.errors import ConfigError
from streamnorm.fusions.fused_unit import core_unit
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameter_lane import parameter_lane
from streamnorm.spec.parameters import StoredParameters
from streamnorm.units import parameter_store
from streamnorm.verilog.emit import verilog
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams import stimulus
from streamnorm_sim.streams.stimulus import load_beats
from streamnorm_sim.streams.traffic import ParameterLoad

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
    "ram": {"storage": "ram", "results": [{**WIDE, "gamma_max": 2.5}, NARROW]},
    "ram_banks": {"storage": "ram", "banks": 3, "lanes": 3, "target": "ice40-hx8k", "clock_mhz": 60.0},
    "ram_residual": {"storage": "ram", "residual": {**INT8, "emit_sum": True}},
    "ram_channels": {"storage": "ram", "banks": 2, "parameter_repeat": 8, "gamma": None, "results": [NARROW]},
    "ram_spread": {
        "storage": "ram", "parameter_repeat": 3, "lanes": 5, "gamma": None, "banks": 2, "min_length": 12,
        "results": [{**NARROW, "gamma": np.linspace(2, 1, 8)}],
    },
    "ram_split": {"storage": "ram", "parameter_repeat": 5, "gamma": None, "results": [NARROW], "target": "ecp5-85k-6"},
}  # fmt: skip
"""What a unit has besides LayerNorm of int8 to int8 and int16, four lanes, rows of up to 24."""

LATER = [name for name in KEYS if name not in ("wide", "fast", "many", "ram")]


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


def loaded(config: NormConfig, rng: np.random.Generator, bank: int) -> tuple[ParameterLoad, dict[str, Any]]:
    """A load of as large values as there may be, and what it is in real numbers, by the names of lanes' parts."""
    stored, real = {}, {}
    for part in parameter_lane(config):
        of, most = part.config, getattr(part.config, f"{part.key}_max")
        parameters = StoredParameters.of(of)
        given = rng.uniform(-most, most, config.bank_values)
        stored[part.name] = getattr(parameters, f"quantize_{part.key}")(given)
        real[part.name] = getattr(parameters, f"_{part.key}_quantizer").real(stored[part.name])
    return ParameterLoad(-1, stored.pop("gamma"), stored.pop("beta"), bank, stored), real


@pytest.mark.parametrize("name", [name for name in KEYS if name.startswith("ram")])
def test_each_result_is_as_exact_as_planned_with_what_is_loaded(name: str) -> None:
    config = unit(name)
    rng = np.random.default_rng(11)
    batch = rows_for(config, 11)
    loads, real = zip(*(loaded(config, rng, bank) for bank in range(config.banks)), strict=True)
    trace = agree(config, traffic_of(batch, loads=loads))
    came_out = {"": trace.rows} | {f"_{result}": trace.rows_beside[result] for result in config.by_result}
    plans = {"": Plan.of(config)} | {f"_{result}": plan for result, plan in Plan.of(config).by_result.items()}
    for end, rows in came_out.items():
        values = {key: np.stack([of[f"{key}{end}"] for of in real]) for key in ("gamma", "beta")}
        twin = plans[end].config.replace(**values)
        accuracy = Accuracy.of(twin, rows.x, batch.x, batch.lengths, batch.banks, **batch.beside)
        assert accuracy.max_ulp <= plans[end].error_bound <= 1


def test_a_load_waits_until_a_result_of_much_longer_lanes_has_read_its_beta() -> None:
    """The unit's own row has left by then for more cycles than any other load waits."""
    config = small_unit(
        lanes=1, target="ice40-hx8k", clock_mhz=300.0, storage="ram", input={"format": "int4", "scale": 1.0},
        output={"format": "int5", "scale": 1.4}, gamma_bits=4, beta_bits=4, gamma_max=1.0,
        results=[{"output": {"format": "int4", "scale": 0.6}, "gamma_bits": 32, "beta_bits": 16, "beta_max": 100.0}],
    )  # fmt: skip
    assert core_unit(config).parameter_store.settle > parameter_store.SETTLE
    rng = np.random.default_rng(12)
    loads = [replace(loaded(config, rng, 0)[0], after_row=row) for row in range(20)]
    agree(config, traffic_of(random_rows(config, 30, rng), loads=loads))


def test_a_load_has_the_values_of_every_result_side_by_side() -> None:
    config = unit("ram")
    names = ["gamma", "beta", "gamma_second", "beta_second", "gamma_narrow", "beta_narrow"]
    assert [part.name for part in parameter_lane(config)] == names
    assert [part.bytes for part in parameter_lane(config)] == [2, 2, 3, 3, 2, 2]
    whole = np.arange(24)
    load = ParameterLoad(-1, whole, whole, 0, dict.fromkeys(names[2:], whole))
    beats = load_beats(config, load, "load 0")
    assert len(beats) == 6  # as many as without further results
    element = [5, 0, 5, 0, 5, 0, 0, 5, 0, 0, 5, 0, 5, 0]
    assert beats.data[1, len(element) : 2 * len(element)].tolist() == element
    for given, message in (
        (dict.fromkeys(names[2:4], whole), "load 0: beta_narrow: must be loaded, too; there are gamma, beta, gamma"),
        (dict.fromkeys((*names[2:], "beta_x"), whole), "load 0: beta_x: is of no result of the unit; there are"),
        (
            {**load.further, "beta_narrow": whole[:5]},
            "load 0: gamma, beta, gamma_second, beta_second, gamma_narrow and beta_narrow must have one shape (n,), n",
        ),
        ({**load.further, "gamma_second": whole << 13}, "load 0: gamma_second must be integers of 18 bits"),
    ):
        with pytest.raises(ConfigError) as caught:
            load_beats(config, replace(load, further=given), "load 0")
        assert str(caught.value).startswith(message)


def test_the_helper_for_cocotb_loads_real_numbers_of_every_result() -> None:
    cocotb = pytest.importorskip("streamnorm_sim.cocotb")
    config = unit("ram_channels")

    class Source:
        def __init__(self) -> None:
            self.config, self.loads = config, list[ParameterLoad]()

        async def load(self, load: ParameterLoad) -> None:
            load_beats(config, load, "load")
            self.loads.append(load)

    source = Source()
    asyncio.run(cocotb.load_parameters(source, 1.5, 0.25, bank=1, gamma_narrow=[1.0, -1.0, 0.5], beta_narrow=0.5))
    (load,) = source.loads
    narrow = StoredParameters.of(config.by_result["narrow"])
    assert load.bank == 1
    assert load.gamma.tolist() == StoredParameters.of(config).quantize_gamma([1.5] * 3).tolist()
    assert load.further["gamma_narrow"].tolist() == narrow.quantize_gamma([1.0, -1.0, 0.5]).tolist()
    assert load.further["beta_narrow"].tolist() == narrow.quantize_beta([0.5] * 3).tolist()
    with pytest.raises(ConfigError, match="load: beta_narrow: must be loaded, too"):
        asyncio.run(cocotb.load_parameters(source, 1.5, 0.25))


def test_what_is_loaded_is_told_to_the_model_by_the_names_of_results() -> None:
    config = unit("ram")
    zeros = np.zeros((1, 24), np.int64)
    batch = rows_for(config, 4, 5)
    rows = GoldenModel(config, gamma_second=zeros, beta_second=zeros).beside(batch)
    assert not rows["second"].x.any()
    assert rows["narrow"].x.tolist() == GoldenModel(config).beside(batch)["narrow"].x.tolist()
    with pytest.raises(ConfigError, match=r"unknown key 'gamma_third'; did you mean gamma"):
        GoldenModel(config, gamma_third=zeros)


def test_verilog_reads_well_and_names_the_streams() -> None:
    text = verilog(unit("many").replace(residual=None))
    reads_well(text)
    assert "output [47:0] m_axis_second_tdata;" in text
    assert "output [23:0] m_axis_narrow_tdata;" in text
    text = verilog(unit("ram"))
    reads_well(text)
    assert "input [447:0] s_axis_param_tdata;" in text


@pytest.mark.parametrize("engine", slow_among(["pysim", "verilator", "icarus"], ["verilator", "icarus"]))
def test_engines_agree(engine: str) -> None:
    config = unit("wide")
    engines_agree(config, rows_for(config, 9, 12), engine)
