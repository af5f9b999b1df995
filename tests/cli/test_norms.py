"""``streamnorm norms``."""

import json
import re
import tomllib

import pytest

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.architectures import architectures_of
from streamnorm.spec.config import NormConfig
from streamnorm.spec.norms import NORMS
from streamnorm.spec.norms.rmsnorm import RmsNorm
from streamnorm_cli import main
from streamnorm_sim import norm_units, placed
from streamnorm_sim.norm_facts import HOW_TO_MEASURE
from streamnorm_sim.placed import PlacedUnit


@pytest.fixture(autouse=True)
def _measured(monkeypatch):
    """LayerNorm and RMSNorm were placed, nothing else."""
    units = norm_units.norm_units()
    known = {
        units["layernorm"].config.digest(): PlacedUnit(
            clock_mhz=211.9, comb=2500, dsp=30, bram=11, seeds=(1, 2, 3), is_whole=True
        ),
        units["rmsnorm"].config.digest(): PlacedUnit(
            clock_mhz=205.0, comb=2099, dsp=28, bram=11, seeds=(1,), is_whole=False
        ),
    }
    monkeypatch.setattr(placed, "_measured", lambda: known)


def told(capsys, *arguments):
    assert main(["norms", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def facts(capsys, *arguments):
    return json.loads(told(capsys, *arguments, "--json"))


def test_every_norm_has_a_line(capsys):
    out = " ".join(told(capsys).split())  # sources are folded
    for norm in NORMS.values():
        assert f" {norm.name} {norm.title} {norm.formula} " in out
        assert all(f" {key} " in out or f" {key}, " in out for key in norm.keys)
    assert '"variance", "root", "floor"' in out
    assert "1 to max_length, with epsilon above 0" in out


def test_which_norms_take_floats(capsys):
    told_of = {norm["name"]: norm["floating_point"] for norm in facts(capsys)["norms"]}
    assert told_of["rmsnorm"]
    assert told_of["dyt"]
    out = " ".join(told(capsys).split())
    assert "Elements are integers or floating-point numbers, each side for itself" in out
    for name, takes in told_of.items():
        config = norm_units.norm_units()[name].config
        changes = {"input": "fp16", "output": "fp16"}
        if takes:
            assert config.replace(**changes).is_floating
        else:
            with pytest.raises(ConfigError, match="integers only"):
                config.replace(**changes)
        alone = " ".join(told(capsys, name).split())
        assert ("elements integers or floating-point numbers" in alone) == takes


def test_keys_are_told_with_the_norms_that_take_them(capsys):
    for norm in facts(capsys)["norms"]:
        assert {key["key"] for key in norm["keys"]} == NORMS[norm["name"]].keys


def test_cost_stands_beside_layernorms(capsys):
    lines = told(capsys).partition("\na unit of each: int8 -> int8, rows of 768, 8 lanes")[2].splitlines()
    cells = {re.split(r" {2,}", line)[0]: re.split(r" {2,}", line) for line in lines[2:]}
    assert cells["layernorm"] == ["layernorm", "136", "96", "2,500", "30", "11", "212", "1, 2, 3"]
    assert cells["rmsnorm"] == ["rmsnorm", "135", "96", "2,099 (-401)", "28 (-2)", "11", "205", "1"]
    assert cells["frozen"] == ["frozen", "deviation = 1.6", "136", "96", "-", "-", "-", "-", "-"]
    assert HOW_TO_MEASURE in lines
    assert "tools/norm_figures.py" in HOW_TO_MEASURE


def test_nothing_is_said_of_measuring_where_all_is_measured(capsys, monkeypatch):
    unit = PlacedUnit(clock_mhz=1.0, comb=1, dsp=1, bram=1, seeds=(1, 2, 3), is_whole=True)
    monkeypatch.setattr(norm_units, "placed_unit", lambda config: unit)
    assert "not placed yet" not in told(capsys)


@pytest.mark.parametrize("name", NORMS)
def test_one_norm_in_full(name, capsys, tmp_path):
    """Its configuration plans as it is told, and so it does with every key that stands in a comment."""
    norm, out = NORMS[name], told(capsys, name)
    assert out.startswith(f"{name}: {norm.title}")
    for text in (norm.formula, norm.use, norm.source, norm.about):
        assert re.sub(r"\s", "", text) in re.sub(r"\s", "", out)
    text = out.partition("a configuration\n\n")[2]
    assert set(re.findall(r"^(?:# )?(\w+) = ", text, re.MULTILINE)) >= norm.keys
    for said in (text, re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)):
        (tmp_path / "unit.toml").write_text(said)
        assert main(["plan", str(tmp_path / "unit.toml")]) == 0, said
        capsys.readouterr()


def test_json_of_one_norm(capsys):
    result = facts(capsys, "rmsnorm")
    [norm] = result["norms"]
    assert {key: norm[key] for key in ("name", "title", "formula")} == {
        "name": "rmsnorm",
        "title": "RMSNorm",
        "formula": "x / sqrt(mean(x**2) + epsilon)",
    }
    assert [key["key"] for key in norm["keys"]] == [
        *("epsilon", "epsilon_placement", "statistic_length", "gamma_rounding")
    ]
    assert norm["keys"][0] == {
        "key": "epsilon",
        "allowed": "0 or more",
        "default": "none: must be said",
        "meaning": "added to the variance (without a mean: to the mean square), in real units",
    }
    plain, part = norm["units"]
    assert plain == {
        "unit": "rmsnorm",
        "keys": {"norm": "rmsnorm"},
        **{"L1": 135, "SS": 96, "multipliers": 28, "block_rams": 11},
        "placed": {"luts": 2099, "multipliers": 28, "block_rams": 11, "clock_mhz": 205.0, "seeds": [1]},
    }
    assert part["keys"] == {"norm": "rmsnorm", "epsilon": 1e-5, "statistic_length": 192}
    assert part["placed"] is None
    assert result["reference"]["unit"] == "layernorm"
    assert tomllib.loads(norm["example"])["norm"] == "rmsnorm"


def test_json_of_all_norms_is_what_the_plan_says_today(capsys):
    result = facts(capsys)
    assert [norm["name"] for norm in result["norms"]] == list(NORMS)
    units = norm_units.norm_units()
    for norm in result["norms"]:
        for unit in norm["units"]:
            latency = Plan.of(units[unit["unit"]].config).latency(768)
            assert (unit["L1"], unit["SS"]) == (latency.L1, latency.SS)


def test_a_norm_that_is_registered_appears(capsys, monkeypatch):
    class NewNorm(RmsNorm):
        name, title, use, formula, source = "newnorm", "New norm", "tests", "x", "nowhere"

    monkeypatch.setitem(NORMS, "newnorm", NewNorm())
    out = told(capsys)
    assert re.search(r"^newnorm +New norm +x ", out, re.MULTILINE)
    assert re.search(r"^newnorm +135 +96 +- ", out, re.MULTILINE)
    assert main(["norms", "newnrm"]) == 2
    assert capsys.readouterr().err == "streamnorm: error: unknown norm 'newnrm'; did you mean newnorm?\n"


def test_a_norm_without_a_unit_here_is_told_all_the_same(capsys, monkeypatch):
    """One that needs a key for which nothing stands in."""

    class NewNorm(RmsNorm):
        name = "newnorm"
        keys = frozenset({"deviation"})

    monkeypatch.setitem(NORMS, "newnorm", NewNorm())
    monkeypatch.setattr("streamnorm.spec.other_norm.STAND_INS", {})
    assert re.search(r"^newnorm +- +- +- +- +- +- +-$", told(capsys), re.MULTILINE)
    [norm] = facts(capsys, "newnorm")["norms"]
    assert (norm["example"], norm["units"][0]["L1"]) == (None, None)
    assert "\na configuration\n" not in told(capsys, "newnorm")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("layrnorm", "unknown norm 'layrnorm'; did you mean layernorm or "),
        ("LayerNorm", "unknown norm 'LayerNorm'; did you mean layernorm?"),
        ("l2 norm", "unknown norm 'l2 norm'; did you mean l2norm?"),
        ("", f"unknown norm ''; the norms are {', '.join(NORMS)}"),
        ("q" * 5000, f"…'; the norms are {', '.join(NORMS)}"),
    ],
)
def test_an_unknown_norm(name, message, capsys):
    assert main(["norms", name]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert len(captured.err) < 300
    assert main(["norms", name, "--json"]) == 2
    assert message in json.loads(capsys.readouterr().out)["error"]["message"]


def test_quiet_and_verbose(capsys):
    assert told(capsys, "-q") == ""
    out = told(capsys, "-v")
    assert sum(line in (f'norm = "{name}"' for name in NORMS) for line in out.splitlines()) == len(NORMS)


def test_help_teaches(capsys):
    assert main(["norms", "--help"]) == 0
    out = capsys.readouterr().out
    for text in ("streamnorm norms rmsnorm", "--compare norms", "first beat in", "streamnorm fit measures", "--json"):
        assert text in out


def test_the_reference_is_the_example(examples):
    """Also that gamma and beta of the example come from the same formula."""
    example = NormConfig.from_toml(examples / "bert_int8.toml")
    assert norm_units.reference_unit().digest() == example.digest()


def test_units_differ_from_the_reference_in_their_norm_only():
    reference, seen = norm_units.reference_unit().to_dict(), set()
    for unit in norm_units.norm_units().values():
        config = unit.config.to_dict()
        differing = {key for key in config if config[key] != reference[key]}
        of_norms = {"epsilon", "epsilon_placement", "statistic_length", "deviation", "alpha"}
        own = set() if "one-pass" in architectures_of(unit.config.formula) else {"architecture"}  # the first one
        own |= {"margin"} if unit.config.formula.margin else set()  # the default of the norm
        assert differing <= {"norm", *of_norms, *own}, unit.name
        seen.add(unit.config.digest())
    assert len(seen) == len(norm_units.norm_units())
    assert {unit.norm for unit in norm_units.norm_units().values()} == set(NORMS)
