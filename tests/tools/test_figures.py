"""The figures of README.md and docs/figures.md: as measured, on these very units, and as good as promised."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import figures_page
import promises
import readme_page
from streamnorm import ConfigError, NormConfig
from streamnorm.plan import Plan
from streamnorm.spec.architectures import architectures_of
from streamnorm.spec.norms import NORMS
from streamnorm.verilog.emit import body_hash, verilog
from streamnorm_sim.dataset import minilm_layers
from streamnorm_sim.demo.kinds import INTEGER_KINDS, unit_config

ROOT = Path(__file__).parents[2]

EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.toml"))


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    path = ROOT / "docs/figures.json"
    assert path.exists(), "docs/figures.json is not there: run make figures"
    return json.loads(path.read_text())


def units(figures: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Part, example and what is stored of it, for everything that was measured on an example."""
    for part, stored in figures.items():
        kind, _, example = part.partition("-")
        if kind in ("cycles", "fit", "untrimmed"):
            yield part, example, stored
    for part in ("speed", "architectures"):
        yield part, "bert_int8", figures[part]
    for example, stored in figures["errors"]["units"].items():
        yield "errors", example, stored


# What is stored


@pytest.mark.parametrize("promise", promises.PROMISES, ids=lambda promise: promise.name)
def test_every_promise_is_kept(promise, figures):
    assert promise.kept(figures), f"{promise.value(figures)}, target {promise.target} {promise.unit}"


def test_figures_were_measured_on_these_units(figures):
    for part, example, stored in units(figures):
        config = NormConfig.from_toml(ROOT / f"examples/{example}.toml")
        plan = Plan.of(config)
        assert stored["digest"] == config.digest(), f"{part}: examples/{example}.toml has changed"
        now = {
            "formulas": plan.latency_formulas(),
            "planned": vars(plan.latency(config.max_length)),
            "multipliers": sum(plan.multipliers.values()),
            "block_rams": sum(plan.block_rams.values()),
            "error_bound": round(plan.error_bound, 6),
        }
        assert {key: stored[key] for key in now} == now, f"{part}: the plan of {example} has changed"
    assert sorted(figures["errors"]["units"]) == EXAMPLES


def test_every_part_was_measured_on_the_same_verilog(figures):
    found: dict[str, set[str]] = {}
    for _, example, stored in units(figures):
        found.setdefault(example, set()).add(stored["verilog_sha256"])
    assert [example for example, hashes in found.items() if len(hashes) > 1] == []


@pytest.mark.slow
def test_figures_were_measured_on_this_verilog(figures):
    for part, example, stored in units(figures):
        config = NormConfig.from_toml(ROOT / f"examples/{example}.toml")
        now = body_hash(verilog(config))
        assert stored["verilog_sha256"] == now, f"{part}: the Verilog of {example} has changed"
    config = NormConfig.from_toml(ROOT / "examples/bert_int8.toml")
    for name, unit in figures["architectures"]["units"].items():
        now = body_hash(verilog(config.replace(architecture=name)))
        assert unit["verilog_sha256"] == now, f"the Verilog of bert_int8 as {name} has changed"


def test_what_was_measured_is_what_was_planned(figures):
    for part, _, stored in units(figures):
        if part.startswith("cycles-"):
            assert stored["measured"] == stored["planned"], part
        elif part.startswith("fit-"):
            area = stored["dsp"], stored["bram"]
            assert area == (stored["multipliers"], stored["block_rams"]), part
        elif part == "errors":
            worst = max(stored[kind]["max_ulp"] for kind in ("random", "corner"))
            assert worst <= stored["error_bound"] <= 1, part


def test_eight_placements_are_recorded(figures):
    for part, _, stored in units(figures):
        if part.startswith("fit-"):
            seeds = [str(seed) for seed in range(1, 9)]
            assert sorted(stored["fmax_mhz"]) == sorted(stored["critical_paths"]) == seeds, part


def test_every_architecture_was_placed(figures):
    stored = figures["architectures"]["units"]
    assert list(stored) == architectures_of(NORMS["layernorm"])
    config = NormConfig.from_toml(ROOT / "examples/bert_int8.toml")
    for name, unit in stored.items():
        plan = Plan.of(config.replace(architecture=name))
        planned = sum(plan.multipliers.values()), sum(plan.block_rams.values())
        assert (unit["dsp"], unit["bram"]) == (unit["multipliers"], unit["block_rams"]) == planned, name
        assert sorted(unit["fmax_mhz"]) == sorted(unit["critical_paths"]) == ["1", "2", "3"], name
    alone = figures["fit-bert_int8"]
    assert stored["one-pass"]["comb"] == alone["comb"]
    assert stored["one-pass"]["fmax_mhz"].items() <= alone["fmax_mhz"].items()


def test_the_real_layers_are_those_of_the_dataset(figures):
    layers = minilm_layers()
    stored = figures["minilm"]["units"]
    assert [(unit["layer"], unit["output_bits"]) for unit in stored] == [
        (layer.name, bits) for layer in layers for bits in (16, 8)
    ]
    for index, layer in enumerate(layers):
        for kind, unit in zip(INTEGER_KINDS, stored[2 * index :][:2], strict=True):
            config = unit_config(layer, index, kind)
            planned = Plan.of(config).latency(layer.x.shape[1])
            assert unit["measured"] == unit["planned"] == {"L1": planned.L1, "SS": planned.SS}, config.name


# The pages


def test_a_page_follows_the_figures(figures):
    changed = figures | {"fit-bert_int8": figures["fit-bert_int8"] | {"comb": 987654}}
    peers = figures_page.peers()
    assert "987654" in figures_page.page(changed, peers)
    assert "987654" in readme_page.figure_table(changed, peers)


def test_parts_that_are_missing_are_named(tmp_path):
    store = tmp_path / "figures.json"
    again = "run python tools/figures.py measure"
    with pytest.raises(ConfigError, match=rf"^{store}: is not there; {again}$"):
        figures_page.stored(store)
    store.write_text("{}")
    with pytest.raises(ConfigError, match=rf"^{store}: not measured yet: cycles-bert_int8, .*; {again}$"):
        figures_page.stored(store)


def test_a_seed_that_was_not_placed_is_named():
    with pytest.raises(Exception, match=r"^seeds placed: 1; 2, 3 needed too$"):
        promises.least_clock({"fmax_mhz": {"1": 200.0}})
    assert promises.least_clock({"fmax_mhz": {"1": 203.0, "2": 201.0, "3": 202.0, "4": 190.0}}) == 201.0
    assert promises.least_clock({"fmax_mhz": {"1": 203.0, "4": 190.0}}, None) == 190.0


def test_figures_are_rounded_to_the_worse_side():
    down, up = figures_page.down, figures_page.up
    assert (down(207.49, 1), down(199.99, 0), down(0.999999, 5)) == ("207.4", "199", "0.99999")
    assert (up(0.5011, 3), up(135, 0), up(0.5, 3)) == ("0.502", "135", "0.500")
