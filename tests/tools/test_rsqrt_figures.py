"""Roots that were placed alone: of today's Verilog, and kept as each is done."""

import json

import pytest

import rsqrt_figures
from streamnorm.spec.roots import ROOTS
from streamnorm_fpga.place.roots import PlacedRoot, default_targets

EVERY = rsqrt_figures.placed_methods()


@pytest.mark.parametrize("name", [root.name for root, _ in rsqrt_figures.recorded()])
def test_what_was_placed_is_todays_root(name):
    assert rsqrt_figures.is_of_today(EVERY[name], rsqrt_figures.stored()[name]), rsqrt_figures.__doc__


def test_nothing_else_is_kept():
    assert set(rsqrt_figures.stored()) <= set(EVERY)


def test_every_method_is_placed_on_both_families():
    assert len(EVERY) == len(rsqrt_figures.EXAMPLES) * len(ROOTS) * 2
    for name in rsqrt_figures.EXAMPLES:
        config = rsqrt_figures.example(name)
        places = {(root.target, root.clock_mhz) for root in EVERY.values() if root.example == name}
        assert places == set(default_targets(config))
        assert (config.target, config.clock_mhz) in places


@pytest.fixture
def placing(monkeypatch, tmp_path):
    """A place and route that takes no time; gives the store, and what was placed with which seeds."""
    done = []

    def fit_root(unit, seeds, progress):
        done.append((unit.rsqrt.method, unit.target, list(seeds)))
        if unit.rsqrt.method == "cordic":
            return PlacedRoot(unit.target, unit.clock_mhz, 1, 7, None, "too large")
        report = type("Report", (), {})()
        report.to_dict = lambda: {
            **{"part": "P", "comb": 10, "ff": 20, "dsp": 3, "bram": 4, "limit_mhz": 212.0, "meets_clock": True},
            **{"fmax_mhz": {"seeds": {str(seed): 200.0 + seed for seed in seeds}}},
        }
        return PlacedRoot(unit.target, unit.clock_mhz, 1, 7, report)

    monkeypatch.setattr(rsqrt_figures, "fit_root", fit_root)
    monkeypatch.setattr(rsqrt_figures, "root_text", lambda unit: f"a root of {unit.digest()}")
    monkeypatch.setattr(rsqrt_figures, "versions", lambda *tools: {"yosys": "0.70"})
    monkeypatch.setattr(rsqrt_figures, "STORE", tmp_path / "figures.json")
    return tmp_path / "figures.json", done


HERE = ["--example", "hx8k_layernorm"]


def test_only_what_is_not_there_is_placed(placing, capsys):
    store, done = placing
    assert rsqrt_figures.main(["--seeds", "1", "--only", "quadratic", *HERE]) == 0
    assert "1 of 2: hx8k_layernorm/quadratic/ice40-hx8k" in capsys.readouterr().err
    for seeds in ("1-3", "1-2"):
        assert rsqrt_figures.main(["--seeds", seeds, "--only", "quadratic", *HERE]) == 0
    places = ("ice40-hx8k", "ecp5-85k-6")
    assert done == [("quadratic", place, seeds) for seeds in ([1], [2, 3]) for place in places]
    assert rsqrt_figures.main(["--seeds", "1", "--only", "table", *HERE]) == 0
    entries = json.loads(store.read_text())
    # In the order of the methods, not of their placement.
    assert list(entries) == [f"hx8k_layernorm/{name}/{place}" for name in ("table", "quadratic") for place in places]
    entry = entries["hx8k_layernorm/quadratic/ecp5-85k-6"]
    assert entry["fmax_mhz"] == {"1": 201.0, "2": 202.0, "3": 203.0}
    assert (entry["comb"], entry["clock_mhz"], entry["cycles"]) == (10, 200.0, 7)
    assert rsqrt_figures.is_of_today(EVERY["hx8k_layernorm/quadratic/ecp5-85k-6"], entry)
    assert not rsqrt_figures.is_of_today(EVERY["hx8k_layernorm/table/ecp5-85k-6"], entry)


def test_another_verilog_is_placed_anew_and_another_name_forgotten(placing):
    store, done = placing
    assert rsqrt_figures.main(["--seeds", "1", "--only", "quadratic", *HERE]) == 0
    entries = json.loads(store.read_text())
    for entry in entries.values():
        entry["verilog_sha256"] = "other"
    store.write_text(json.dumps({**entries, "gone": entry}))
    assert rsqrt_figures.main(["--seeds", "2", "--only", "quadratic", *HERE]) == 0
    assert [seeds for *_, seeds in done] == [[1], [1], [2], [2]]
    entries = json.loads(store.read_text())
    assert [list(entry["fmax_mhz"]) for entry in entries.values()] == [["2"], ["2"]]


def test_what_cannot_be_placed_is_kept_too(placing, capsys):
    store, done = placing
    for _ in range(2):
        assert rsqrt_figures.main(["--only", "cordic", *HERE]) == 0
    assert len(done) == 2
    entries = json.loads(store.read_text())
    assert {entry["refusal"] for entry in entries.values()} == {"too large"}
    capsys.readouterr()
    assert rsqrt_figures.main(["--list", "--only", "cordic", "quadratic", *HERE]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "hx8k_layernorm/quadratic/ice40-hx8k: not placed",
        "hx8k_layernorm/quadratic/ecp5-85k-6: not placed",
        "hx8k_layernorm/cordic/ice40-hx8k: too large",
        "hx8k_layernorm/cordic/ecp5-85k-6: too large",
    ]
