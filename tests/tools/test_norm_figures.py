"""The placed units of the norms: of today's Verilog, kept as each is done, and told with their seeds."""

import json

import pytest

import norm_figures
import placed_page
from streamnorm.verilog.emit import body_hash, verilog
from streamnorm_sim import placed
from streamnorm_sim.cycles.clocks import measured_clock
from streamnorm_sim.norm_units import norm_units

UNITS = norm_units()


@pytest.mark.parametrize("name", [unit.name for unit, _ in norm_figures.recorded()])
def test_what_was_placed_is_todays_unit(name):
    config = UNITS[name].config
    entry = norm_figures.stored()[config.digest()]
    assert entry["unit"] == name
    assert entry["verilog_sha256"] == body_hash(verilog(config)), norm_figures.__doc__


def test_nothing_else_is_kept():
    assert len(norm_figures.stored()) == len(list(norm_figures.recorded()))


LEAST_MHZ = 190.0
"""What each unit reaches with the worst of its seeds; they are planned for a little more."""

BELOW_THEIR_PLAN = {"l1norm"}
"""Units that miss the clock they were planned for. One that leaves this set, or joins it, is worth a look."""


@pytest.mark.parametrize("unit", [unit for unit, _ in norm_figures.recorded()], ids=lambda unit: unit.name)
def test_a_unit_reaches_the_clock_it_is_to_have(unit):
    assert unit.placed.clock_mhz >= LEAST_MHZ
    assert (unit.placed.clock_mhz < unit.config.clock_mhz) == (unit.name in BELOW_THEIR_PLAN)


def test_a_clock_of_some_seeds_is_no_placed_clock():
    for unit, entry in norm_figures.recorded():
        seeds = [seed for seed in (1, 2, 3) if str(seed) in entry["fmax_mhz"]]
        assert list(unit.placed.seeds) == seeds
        clock = measured_clock(unit.config)
        assert (clock is None) == (seeds != [1, 2, 3]), unit.name


@pytest.fixture
def placing(monkeypatch, tmp_path):
    """A place and route that takes no time; gives the store, and what was placed with which seeds."""
    done = []

    class Report:
        def __init__(self, name, seeds):
            self.name, self.seeds = name, seeds

        def to_dict(self):
            area = {"part": "P", "comb": 10, "ff": 20, "dsp": 3, "bram": 4, "limit_mhz": 212.0}
            return {**area, "fmax_mhz": {"seeds": {str(seed): 200.0 + seed for seed in self.seeds}}}

    def fit_verilog(text, top, target, clock_mhz, seeds, progress):
        done.append(list(seeds))
        return Report(top, seeds)

    monkeypatch.setattr("placed_units.fit_verilog", fit_verilog)
    monkeypatch.setattr("placed_units.versions", lambda *tools: {"yosys": "0.70", "nextpnr-ecp5": "0.11.1"})
    monkeypatch.setattr(norm_figures, "STORE", tmp_path / "figures.json")
    return tmp_path / "figures.json", done


def test_only_what_is_not_there_is_placed(placing, capsys):
    store, done = placing
    assert norm_figures.main(["--seeds", "1", "--only", "frozen", "l2norm"]) == 0
    assert done == [[1], [1]]
    assert "1 of 2: frozen" in capsys.readouterr().err
    assert norm_figures.main(["--seeds", "1-3", "--only", "frozen"]) == 0
    assert norm_figures.main(["--seeds", "1-2", "--only", "frozen"]) == 0
    assert done == [[1], [1], [2, 3]]
    entries = json.loads(store.read_text())
    # In the order of the units, not of their placement.
    assert list(entries) == [UNITS[name].config.digest() for name in ("l2norm", "frozen")]
    frozen = entries[UNITS["frozen"].config.digest()]
    assert frozen["fmax_mhz"] == {"1": 201.0, "2": 202.0, "3": 203.0}
    assert (frozen["unit"], frozen["norm"], frozen["comb"]) == ("frozen", "frozen", 10)


def test_another_verilog_is_placed_anew_and_another_digest_forgotten(placing):
    store, done = placing
    assert norm_figures.main(["--seeds", "1", "--only", "frozen"]) == 0
    digest = UNITS["frozen"].config.digest()
    entries = json.loads(store.read_text())
    entries[digest]["verilog_sha256"] = "other"
    store.write_text(json.dumps({**entries, "gone": entries[digest]}))
    assert norm_figures.main(["--seeds", "2", "--only", "frozen"]) == 0
    assert done == [[1], [2]]
    entries = json.loads(store.read_text())
    assert list(entries) == [digest]
    assert list(entries[digest]["fmax_mhz"]) == ["2"]


def test_a_unit_of_the_same_verilog_is_not_placed_again(placing, capsys):
    store, done = placing
    assert norm_figures.main(["--only", "layernorm"]) == 0
    assert done == []
    [entry] = json.loads(store.read_text()).values()
    assert entry["comb"] == norm_figures.figures_page.stored()["fit-bert_int8"]["comb"]
    # GroupNorm of a group is LayerNorm of a row: the same Verilog.
    assert norm_figures.main(["--only", "groupnorm"]) == 0
    assert done == []
    capsys.readouterr()
    assert norm_figures.main(["--list", "--only", "layernorm", "frozen"]) == 0
    assert capsys.readouterr().out == "layernorm: 1, 2, 3, 4, 5, 6, 7, 8\nfrozen: not placed\n"


def test_a_digest_is_packaged_once():
    units = json.loads(placed_page.parts()[""])["units"]
    digests = [unit["digest"] for unit in units]
    assert len(digests) == len(set(digests))
    assert set(digests) == set(placed._measured())
