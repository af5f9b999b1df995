"""``streamnorm rsqrt``: the list, the table against plans and errors, and what placing adds. No placement is real."""

import argparse
import json
import re

import pytest

import streamnorm_sim.roots
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.roots import ROOTS
from streamnorm_cli import main
from streamnorm_cli.commands.rsqrt import method_list, target_list
from streamnorm_cli.tables.rsqrt import compared, power_of_two, sparkline
from streamnorm_fpga.place import roots as place_roots
from streamnorm_fpga.place.roots import PlacedRoot
from streamnorm_sim.roots import MANTISSAS_MAX, measure_errors


@pytest.fixture
def told(capsys, config_file):
    def run(*arguments, code=0):
        assert main(["rsqrt", "compare", str(config_file), "--mantissas", "4096", *arguments]) == code
        captured = capsys.readouterr()
        if not code:
            assert captured.err == ""
        return captured

    return run


@pytest.fixture
def facts(told):
    return lambda *arguments: json.loads(told(*arguments, "--json").out)["methods"]


def test_every_method_is_listed_with_its_source_and_steps(capsys):
    assert main(["rsqrt"]) == 0
    out = capsys.readouterr().out
    flat = re.sub(r"\s", "", out)
    for name, kind in ROOTS.items():
        assert re.search(rf"^{name} ", out, re.MULTILINE)
        assert re.sub(r"\s", "", kind.source)[:40] in flat
    assert re.search(r"^vfrsqrt7 +RISC-V vfrsqrt7 +0 to 2 ", out, re.MULTILINE)
    assert main(["rsqrt", "--json"]) == 0
    methods = json.loads(capsys.readouterr().out)["methods"]
    assert [method["method"] for method in methods] == list(ROOTS)
    assert methods[0].keys() == {"method", "title", "steps", "source"}
    assert main(["rsqrt", "-q"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("table", "unit"), [('"int8", scale = 0.05', "LSB"), ('"fp16"', "ulp")])
def test_bounds_are_told_in_what_errors_are(table, unit, tmp_path, capsys):
    keys = 'norm = "rmsnorm"\nlanes = 1\nmax_length = 8\nepsilon = 1e-5\ntarget = "ecp5-25k-6"\nclock_mhz = 100'
    (tmp_path / "unit.toml").write_text(
        f'name = "unit"\n{keys}\ninput = {{ format = "int8", scale = 0.1 }}\noutput = {{ format = {table} }}\n'
    )
    assert main(["rsqrt", "compare", f"{tmp_path / 'unit.toml'}", "--methods", "table", "--mantissas", "4096"]) == 0
    assert [word for word in capsys.readouterr().out.split() if word in ("LSB", "ulp")] == [unit]


@pytest.mark.parametrize("option", ["--help", "compare --help"])
def test_help_teaches(option, capsys):
    assert main(["rsqrt", *option.split()]) == 0
    out = capsys.readouterr().out
    assert "streamnorm rsqrt compare examples/bert_int8.toml" in out
    for text in ("--json", "--quiet", "--verbose"):
        assert text in out


def test_the_default_number_of_mantissas_is_told(capsys):
    main(["rsqrt", "compare", "--help"])
    assert f"(default: {MANTISSAS_MAX})" in " ".join(capsys.readouterr().out.split())


def test_all_methods_in_their_order_as_planned(facts, config_file):
    methods = facts()
    assert [method["method"] for method in methods] == list(ROOTS)
    config = NormConfig.from_toml(config_file)
    for method in methods:
        accuracy = "faithful" if method["keeps_promise"] else "as-is"
        plan = Plan.of(config.replace(rsqrt=method["method"], accuracy=accuracy))
        latency = plan.latency(config.max_length)
        assert [method[name] for name in ("L1", "L2", "SS")] == [latency.L1, latency.L2, latency.SS]
        assert method["error"]["measured"] <= method["error"]["proven"]
        assert method["error_bound_lsb"] == plan.error_bound
    assert [method["method"] for method in methods if not method["keeps_promise"]] == ["iterl2norm"]
    assert [method["method"] for method in methods if method["chosen"]] == ["table"]


def test_a_line_of_the_table(told, facts):
    (method,) = facts("--methods", "cordic")
    out = told("--methods", "cordic").out
    cells = re.split(r"  +", next(line for line in out.splitlines() if line.startswith("cordic")).strip())
    error, root = method["error"], method["root"]
    assert cells[:4] == ["cordic", method["about"], str(method["rho_bits"]), power_of_two(error["proven"])]
    assert cells[4:7] == [power_of_two(error["measured"]), f"{method['error_bound_lsb']:.3f}", "tight"]
    numbers = [method[name] for name in ("L1", "L2", "SS", "interval", "multipliers", "block_rams")]
    assert cells[7:] == [f"{number:,}" for number in (*numbers, *root.values())]
    assert "or 4,096 of them, evenly spread" in out


def test_a_method_that_keeps_no_promise_is_marked(told):
    out = told("--methods", "iterl2norm,table").out
    assert re.search(r"^iterl2norm .* no: as-is ", out, re.MULTILINE)
    assert re.search(r"^table \* .* tight ", out, re.MULTILINE)


def test_steps_may_be_said(facts):
    few, many = facts("--methods", "iterl2norm:3,iterl2norm:12")
    assert (few["about"].split(", ")[1], many["about"].split(", ")[1]) == ("3 steps", "12 steps")
    assert many["error"]["proven"] < few["error"]["proven"]


def test_every_mantissa_is_said_to_be(config_file, capsys):
    assert main(["rsqrt", "compare", str(config_file), "--methods", "table"]) == 0
    assert "\nmeasured over every mantissa of even and odd exponents\n" in capsys.readouterr().out


def test_quiet_and_an_option_in_front_of_the_action(told, config_file, capsys):
    assert told("--methods", "table", "-q").out == ""
    assert main(["rsqrt", "--json", "compare", str(config_file), "--methods", "table"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "streamnorm"


def test_an_error_beyond_its_bound_fails(told, monkeypatch):
    class TooLarge(streamnorm_sim.roots.RootErrors):
        largest = 0.25

    def measure(root, most):
        errors = measure_errors(root, most)
        return TooLarge(root, errors.mantissas, errors.low, errors.high)

    monkeypatch.setattr(streamnorm_sim.roots, "measure_errors", measure)
    captured = told("--methods", "cordic", code=4)
    assert re.search(r"^cordic .* 2\^-2.00 ", captured.out, re.MULTILINE)
    assert captured.err.startswith("streamnorm: error: cordic: an error of 0.25 is measured, ")


def test_the_picture_has_a_panel_a_method(told, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    drawn = []
    monkeypatch.setattr("streamnorm_sim.draw.root_errors.plot_root_errors", lambda *given: drawn.append(given))
    path = tmp_path / "errors.svg"
    out = told("--methods", "table,cordic", "--plot", str(path)).out
    assert out.rstrip().endswith(str(path))
    ((where, title, panels),) = drawn
    assert (where, title) == (path, "streamnorm, layernorm")
    assert [name.split(":")[0] for name, _ in panels] == ["table", "cordic"]


@pytest.fixture
def placing(monkeypatch):
    """Placements that take no time; 100 MHz less ten a seed, and nothing of CORDIC fits iCE40."""
    asked = []

    def place(unit, seeds, progress):
        asked.append((unit.rsqrt.method, unit.target, unit.clock_mhz, tuple(seeds)))
        if (unit.rsqrt.method, unit.target) == ("cordic", "ice40-hx8k"):
            return PlacedRoot(unit.target, unit.clock_mhz, 1, 7, None, "9 logic cells needed, 8 available")
        clocks = {str(seed): 100.0 - 10 * seed for seed in seeds}
        report = type("Report", (), {})()
        report.to_dict = lambda: {
            **{"part": "P", "comb": 1234, "ff": 20, "dsp": 3, "bram": 4, "limit_mhz": None, "tools": {}},
            **{"meets_clock": True, "fmax_mhz": {"min": min(clocks.values()), "median": 0, "seeds": clocks}},
        }
        return PlacedRoot(unit.target, unit.clock_mhz, 1, 7, report)

    monkeypatch.setattr(place_roots, "fit_root", place)
    monkeypatch.setattr(place_roots, "fit_unit", lambda unit, *rest: place(unit.replace(name="whole"), *rest))
    return asked


def test_roots_are_placed_where_asked(told, placing):
    out = told("--methods", "table,cordic", "--fit", "--seeds", "1-2", "--targets", "ecp5-25k-6:150,ice40-hx8k").out
    places = (("ecp5-25k-6", 150.0), ("ice40-hx8k", 80.0))
    assert placing == [(name, *place, (1, 2)) for name in ("table", "cordic") for place in places]
    placed = out.partition("placed, register to register")[2]
    assert re.search(r"^table +root alone +ecp5-25k-6 +7 +1,234 +- +20 +3 +4 +150 +80.0 +1, 2$", placed, re.MULTILINE)
    assert re.search(r"^cordic +root alone +ice40-hx8k +7( +-){5} +80 +- +-$", placed, re.MULTILINE)
    assert "cordic on ice40-hx8k: 9 logic cells needed, 8 available" in placed


def test_a_generic_unit_has_its_roots_placed_on_both_families(facts, placing):
    (method,) = facts("--methods", "cordic", "--fit")
    assert [(one["target"], one["placed"] is not None) for one in method["placed_roots"]] == [
        ("ecp5-85k-6", True),
        ("ice40-hx8k", False),
    ]
    assert {seeds for *_, seeds in placing} == {(1, 2, 3)}


def test_whole_units_are_placed_on_their_own_target(config_file, facts, placing):
    config_file.write_text('target = "ecp5-25k-6"\nclock_mhz = 90\n' + config_file.read_text())
    (method,) = facts("--methods", "cordic", "--fit-unit", "--seeds", "1")
    assert placing == [("cordic", "ecp5-25k-6", 90.0, (1,))]
    assert method["placed_unit"]["placed"]["comb"] == 1234
    assert "placed_roots" not in method


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--methods", "cordc"], "--methods: method 'cordc': must be one of table, linear, "),
        (["--methods", "table:2"], '--methods: in [rsqrt]: steps = 2: method = "table" has no steps to choose'),
        (["--methods", "iterl2norm:x"], "'iterl2norm:x' is no method such as cordic or iterl2norm:8"),
        (["--methods", f"iterl2norm:{'9' * 5000}"], "is no method such as cordic or iterl2norm:8"),
        (["--mantissas", "3"], "'3' is not a whole number from 512 to 16777216"),
        (["--seeds", "1"], "--seeds: only with --fit or --fit-unit"),
        (["--targets", "ice40-hx8k"], "--targets: only with --fit"),
        (["--fit-unit", "--targets", "ice40-hx8k"], "--targets: only with --fit"),
        (["--fit", "--targets", "ice50"], "target 'ice50' cannot be placed and routed; targets that can be: ecp5"),
        (["--fit", "--targets", "ice40-hx8k:fast"], "'ice40-hx8k:fast' is no target such as ice40-hx8k"),
        (["--fit", "--targets", "ice40-hx8k:nan"], "'ice40-hx8k:nan' is no target such as ice40-hx8k"),
        (["--fit-unit"], "target 'generic' cannot be placed and routed"),
        (["--plot", "errors.pdf"], "--plot: errors.pdf: the name must end in .png or .svg"),
    ],
)
def test_wrong_options(arguments, message, told):
    captured = told(*arguments, code=2)
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert len(captured.err) < 700


def test_a_norm_without_a_root(examples, capsys):
    assert main(["rsqrt", "compare", str(examples / "vit_dyt_int8.toml")]) == 2
    assert capsys.readouterr().err.startswith('streamnorm: error: norm = "dyt": has no reciprocal square root')


def test_the_picture_may_not_replace_the_configuration(config_file, told):
    captured = told("--plot", str(config_file), code=2)
    assert captured.err.startswith(f"streamnorm: error: --plot: {config_file}: this command reads it")


def test_an_unknown_action(capsys):
    assert main(["rsqrt", "compar", "x.toml"]) == 2
    assert "invalid choice: 'compar'" in capsys.readouterr().err


def test_lists():
    assert method_list("table, iterl2norm:8") == (("table", None), ("iterl2norm", 8))
    assert target_list("ecp5-25k-6:150,ice40-hx8k") == (("ecp5-25k-6", 150.0), ("ice40-hx8k", None))
    for wrong in ("", "a,", ":3"):
        for read in (method_list, target_list):
            with pytest.raises(argparse.ArgumentTypeError):
                read(wrong)


def test_errors_are_rounded_to_the_worse_side():
    assert power_of_two(2.0**-15) == "2^-15.00"
    assert power_of_two(2.0**-15 * 1.0001) == "2^-14.99"
    assert power_of_two(2.0**-15 * 0.9999) == "2^-15.00"


def test_a_line_of_blocks_is_a_share_of_the_bound():
    errors = measure_errors(ROOTS["iterl2norm"].smallest(12))
    line = sparkline(errors, 64)
    assert len(line) == 64
    # The worst is near 1 and near 2, see the picture in docs/rsqrt.md.
    assert line[0] == max(line)
    assert line[16] < line[0]
    assert sparkline(errors, 1) == max(line)


def test_blocks_are_for_terminals_and_who_asks(told):
    title = "largest error from 1 to 4, as a share of its proven bound"
    assert title not in told("--methods", "table").out
    out = told("--methods", "table", "-v").out
    line = out.partition(title)[2].strip().splitlines()[-1]
    assert re.fullmatch(r"table +[▁▂▃▄▅▆▇█]{32} +[▁▂▃▄▅▆▇█]{32} *", line)


def test_blocks_come_last_where_they_are_asked_for(facts):
    methods = facts("--methods", "table")
    config = {"name": "u", "norm": "layernorm", "architecture": "one-pass", "max_length": 16}
    result = {**config, "target": "generic", "clock_mhz": 100.0, "error_unit": "LSB", "methods": methods}
    errors = [measure_errors(ROOTS["table"].smallest(12))]
    assert len(list(compared(result, errors))) == len(list(compared(result))) + 1
