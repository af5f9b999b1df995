"""The placed units of floating point: of today's Verilog, as fast as they were asked to be, and told either way."""

import json

import pytest

import float_units
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.stored_floats import StoredFloats
from streamnorm.verilog.emit import body_hash, verilog
from streamnorm_sim.cycles.peers import peer_figures

RECORDED = [config.name for config, _ in float_units.recorded()]


@pytest.mark.parametrize("name", RECORDED)
def test_what_was_placed_is_todays_unit(name):
    assert float_units.stored()[name]["verilog_sha256"] == body_hash(verilog(float_units.units()[name])), (
        float_units.__doc__
    )


@pytest.mark.parametrize("name", RECORDED)
def test_a_unit_reaches_the_clock_it_was_planned_for(name):
    assert min(float_units.stored()[name]["fmax_mhz"].values()) >= float_units.units()[name].clock_mhz


def test_nothing_else_is_kept():
    assert set(float_units.stored()) <= set(float_units.units())


def test_gamma_and_beta_are_of_the_format_of_the_rows():
    for config in float_units.units().values():
        stored = StoredFloats.of(config)
        assert stored.format == config.input == config.output
        assert (stored.gamma_error, stored.beta_error) == (0, 0)
        assert stored.has_beta == (config.norm == "layernorm")
        assert isinstance(config.input, FloatFormat)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A store of its own, and small units that nobody places here."""

    def unit(name):
        return NormConfig(
            name=name, norm="rmsnorm", lanes=1, max_length=4, input="fp8_e5m2", output="fp8_e5m2", epsilon=1e-3,
            target="ecp5-25k-6", clock_mhz=50,
        )  # fmt: skip

    def placed(config, known, seeds, area):
        report = {"part": "x", "comb": 1234, "ff": 2, "dsp": 5, "bram": 6, "limit_mhz": None, "kept": False}
        clocks = {**known.get("fmax_mhz", {}), **{f"{seed}": 60.0 + seed for seed in seeds}}
        return {"tools": {"yosys": "0.70"}, **area(report), "fmax_mhz": clocks}

    units = {name: unit(name) for name in ("one", "two")}
    monkeypatch.setattr(float_units, "units", lambda: units)
    monkeypatch.setattr(float_units, "STORE", tmp_path / "store.json")
    monkeypatch.setattr(float_units, "place", placed)
    return units


def test_units_are_kept_as_they_are_done_and_told(small, capsys):
    before = float_units.parts()["placed"]
    assert before.count("| – | – | – | – |") == 2
    assert "not placed yet" in before
    assert float_units.main(["--only", "two", "--seeds", "1,2"]) == 0
    assert list(json.loads(float_units.STORE.read_text())) == ["two"]
    assert [config.name for config, _ in float_units.recorded()] == ["two"]
    assert float_units.main(["--only", "two", "--seeds", "3"]) == 0
    half = float_units.parts()["placed"]
    assert "| 61.0 | 1234 | 5 | 6 |" in half
    assert half.count("| – | – | – | – |") == 1
    assert "worst of seeds 1–3" in " ".join(half.split())
    assert float_units.main([]) == 0
    assert list(float_units.stored()) == ["one", "two"]
    assert "not placed yet" not in float_units.parts()["placed"]
    capsys.readouterr()
    assert float_units.main(["--list", "--only", "two"]) == 0
    assert capsys.readouterr().out == "two: 1, 2, 3\n"
    latency = Plan.of(small["one"]).latency(4)
    assert f"| {latency.L1} | {latency.L2} | {latency.L3} | {latency.SS} |" in half


def test_the_peer_stands_beside_ours():
    lines = [line.strip("| ").split(" | ") for line in float_units.parts()["peer"].splitlines() if line]
    measured = {(each["n"], each["lanes"]): each for each in peer_figures()["cycles"] if "FINN" in each["design"]}
    for line, shape in zip(lines[2:], float_units.SHAPES, strict=False):
        n, lanes, ours, theirs, our_ss, their_ss = map(int, line)
        assert (n, lanes) == shape
        assert (theirs, their_ss) == (measured[shape]["L1"], measured[shape]["SS"])
        assert our_ss == n // lanes
        assert n // lanes < ours < theirs
    facts = {line[0]: line[1:] for line in lines if line[0].startswith(("largest", "equal", "ECP5"))}
    ours, theirs = facts["largest error, relative"]
    assert 0 < float(ours.partition(",")[0]) < 1.2e-7
    assert theirs == "0.175 %"
    assert facts["equal elements, ε = 0"] == ["β", "NaN"]
