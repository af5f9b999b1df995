"""Roots placed alone: which Verilog, where, for which clock, and what is told where it does not fit."""

from types import SimpleNamespace

import pytest

from streamnorm.errors import CheckFailed, ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.targets import TARGETS
from streamnorm.verilog.root_alone import ROOT_MODULE
from streamnorm_fpga.devices import DEVICES
from streamnorm_fpga.place import roots
from streamnorm_fpga.place.roots import default_clock, default_targets, fit_root, fit_unit, root_text
from streamnorm_sim.roots import root_alone

REPORT = {
    **{"part": "P", "comb": 10, "ff": 20, "dsp": 3, "bram": 4, "limit_mhz": None, "meets_clock": True, "tools": {}},
    "fmax_mhz": {"min": 70.0, "median": 70.0, "seeds": {"4": 70.0}},
}


def unit(**changes):
    keys = {
        "norm": "layernorm", "lanes": 2, "max_length": 16, "epsilon": 1e-5, "target": "ice40-hx8k", "clock_mhz": 60,
        "input": {"format": "int8", "scale": 0.1}, "output": {"format": "int8", "scale": 0.05},
    }  # fmt: skip
    return NormConfig(**{**keys, **changes})


def test_the_root_is_placed_at_the_units_own_clock(monkeypatch):
    asked = []

    def fit_verilog(*arguments, **keywords):
        asked.append(arguments)
        return SimpleNamespace(to_dict=lambda: {**REPORT, "notices": []})

    monkeypatch.setattr(roots, "fit_verilog", fit_verilog)
    placed = fit_root(unit(), (4,)).to_dict()
    assert asked == [(root_text(unit()), ROOT_MODULE, "ice40-hx8k", 60.0, (4,))]
    cycles = root_alone(unit()).cycles
    assert placed == {"target": "ice40-hx8k", "clock_mhz": 60.0, "interval": 1, "cycles": cycles, "placed": REPORT}


def test_a_unit_is_placed_whole(monkeypatch):
    asked = []

    def fit(*arguments):
        asked.append(arguments)
        return SimpleNamespace(to_dict=lambda: REPORT)

    monkeypatch.setattr(roots, "fit", fit)
    placed = fit_unit(unit(), (4,)).to_dict()
    assert asked == [(unit(), (4,), None)]
    assert (placed["cycles"], placed["placed"]) == (Plan.of(unit()).latency(16).L1, REPORT)


def test_what_does_not_fit_is_told_and_ends_nothing(monkeypatch):
    def fit_verilog(*arguments, **keywords):
        raise CheckFailed("too large")

    monkeypatch.setattr(roots, "fit_verilog", fit_verilog)
    placed = fit_root(unit()).to_dict()
    assert (placed["placed"], placed["refusal"]) == (None, "too large")


def test_a_target_that_is_no_part_is_refused():
    with pytest.raises(ConfigError, match="target 'generic' cannot be placed and routed"):
        fit_root(unit(target="generic"))


def test_places_are_the_units_own_and_those_of_the_examples(examples):
    bert, hx8k = (NormConfig.from_toml(examples / f"{name}.toml") for name in ("bert_int8", "hx8k_layernorm"))
    of_bert, of_hx8k = (bert.target, bert.clock_mhz), (hx8k.target, hx8k.clock_mhz)
    assert default_targets(bert) == [of_bert, of_hx8k]
    assert default_targets(hx8k) == [of_hx8k, of_bert]
    assert default_targets(unit(target="ice40-up5k", clock_mhz=20)) == [("ice40-up5k", 20.0), of_bert]
    assert default_targets(unit(target="generic")) == [of_bert, of_hx8k]
    assert (default_clock(bert.target), default_clock(hx8k.target)) == (bert.clock_mhz, hx8k.clock_mhz)


def test_every_part_has_a_clock_that_its_block_rams_bear():
    for target in DEVICES:
        assert 1 <= default_clock(target) <= (TARGETS[target].block_ram_limit_mhz or 1000)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["ecp5-12k-6", "ice40-hx8k"])
def test_a_root_is_placed(target):
    config = unit(target=target, clock_mhz=50, rsqrt="quadratic")
    report = fit_root(config, (1,)).report
    assert report.worst.fmax_mhz > 50
    assert report.unit.dsp == root_alone(config).multipliers
    assert report.unit.bram == root_alone(config).block_rams
    assert 10 < report.unit.comb < 1500
