"""``streamnorm fit``: options, tables, exit codes. The fit itself is replaced but in one test per family."""

import argparse
import json
from dataclasses import replace

import pytest

import streamnorm_fpga
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm_cli import main
from streamnorm_cli.commands.fit import seed_list
from streamnorm_fpga.devices import device_for
from streamnorm_fpga.place.critical_path import CriticalPath, Hop
from streamnorm_fpga.place.place_route import Placed
from streamnorm_fpga.place.report import FitReport
from streamnorm_fpga.place.resources import Resources

CONFIG = """
name = "tiny"
norm = "rmsnorm"
lanes = 1
max_length = 2
epsilon = 1e-5
target = "{target}"
clock_mhz = {clock}
input = {{ format = "int4" }}
output = {{ format = "int4" }}
"""


@pytest.fixture
def config(tmp_path):
    def write(target="ecp5-12k-6", clock=100):
        path = tmp_path / "tiny.toml"
        path.write_text(CONFIG.format(target=target, clock=clock))
        return str(path)

    return write


@pytest.fixture
def fitted(monkeypatch):
    """A fit that reaches 150 MHz with seed 1, 10 MHz less with each further seed."""
    path = CriticalPath(
        start="unit.apply.a.Q",
        end="unit.apply.b.DI",
        blocks=("unit.moments", "unit.apply"),
        delay_ns=7.69,
        logic_ns=3.0,
        routing_ns=4.69,
        levels=3,
        hops=(Hop("clk-to-q", "unit.moments.a", "Q", None, 0.5),),
    )

    def fit(config, seeds, progress):
        progress(None)
        gained = 100 * (config.margin - 0.1)  # a MHz for a percent
        placed = tuple(Placed(seed=seed, fmax_mhz=160.0 - 10 * seed + gained, path=path, used={}) for seed in seeds)
        for one in placed:
            progress(one)
        unit = Resources(comb=1234, ff=2345, dsp=5, bram=1)
        return FitReport(
            device=device_for(config.target),
            top=config.name,
            clock_mhz=config.clock_mhz,
            unit=unit,
            by_block={"unit.moments": unit, "unit.apply.lane_0": unit, "unit.apply.lane_1": unit},
            placed=placed,
            tools={"yosys": "0.70", "nextpnr-ecp5": "0.11.1"},
            architecture=config.architecture,
        )

    monkeypatch.setattr(streamnorm_fpga, "fit", fit)
    monkeypatch.setattr("streamnorm_fpga.place.closing.fit", fit)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("1", (1,)),
        ("1,2,3", (1, 2, 3)),
        ("1-8", tuple(range(1, 9))),
        ("3,1-3, 7", (3, 1, 2, 7)),
        (f"00,{(1 << 64) - 1}", (0, (1 << 64) - 1)),
    ],
)
def test_seed_lists(text, seeds):
    assert seed_list(text) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no seed such as 1 and no list such as 1,2,3 or 1-8"),
        ("1,x", "'1,x' is no seed such as 1 and no list such as 1,2,3 or 1-8"),
        ("-3", "'-3' is no seed such as 1 and no list such as 1,2,3 or 1-8"),
        ("1-", "'1-' is no seed such as 1 and no list such as 1,2,3 or 1-8"),
        ("5-2", "'5-2' is an empty range of seeds"),
        ("1-99999999", "'1-99999999' lists more than 1000 seeds"),
        (f"1,{1 << 64}", f"'{1 << 64}': nextpnr takes seeds from 0 to {(1 << 64) - 1}"),
        (f"1-{'9' * 5000}", f"'1-{'9' * 78}…': nextpnr takes seeds from 0 to {(1 << 64) - 1}"),
    ],
)
def test_bad_seed_lists(text, message):
    with pytest.raises(argparse.ArgumentTypeError) as error:
        seed_list(text)
    assert str(error.value) == message


def test_tables(config, fitted, capsys):
    assert main(["fit", config(), "--seeds", "1-2"]) == 0
    out, err = capsys.readouterr()
    for text in ("tiny on LFE5U-12F-6", "yosys 0.70", "1,234", "24,288", "unit.apply", "2,468", "150.0", "worst"):
        assert text in out
    assert "block RAMs bear 212" in out
    assert "unit.moments → unit.apply: 7.69 ns" in out
    assert "lane_0" not in out
    assert "clk-to-q" not in out
    assert err == ""


def test_another_architecture_is_named(config, fitted, capsys):
    assert main(["fit", config(), "--architecture", "five-scan"]) == 0
    assert "tiny, five-scan, on LFE5U-12F-6" in capsys.readouterr().out
    assert main(["fit", config(), "--architecture", "five-scan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["architecture"] == "five-scan"
    assert main(["fit", config(), "--architecture", "two-pass"]) == 0
    assert "tiny, two-pass = one-pass, on LFE5U-12F-6" in capsys.readouterr().out


def test_verbose_tells_the_path_step_by_step(config, fitted, capsys):
    assert main(["fit", config(), "-v"]) == 0
    out = capsys.readouterr().out
    assert "clk-to-q" in out
    assert "unit.apply.lane_0" in out


def test_quiet(config, fitted, capsys):
    assert main(["fit", config(), "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_json_is_all_there_is_on_stdout(config, fitted, capsys):
    assert main(["fit", config(), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["fmax_mhz"] == {"min": 130.0, "median": 140.0, "seeds": {"1": 150.0, "2": 140.0, "3": 130.0}}
    assert data["meets_clock"] is True


@pytest.mark.parametrize("json_option", [[], ["--json"]])
def test_check_fails_where_the_clock_is_missed(config, fitted, capsys, json_option):
    path = config(clock=135)
    assert main(["fit", path, *json_option]) == 0
    capsys.readouterr()
    assert main(["fit", path, "--check", *json_option]) == 4
    out, err = capsys.readouterr()
    assert out  # the report is there all the same
    assert err == "streamnorm: error: clock_mhz = 135 is missed: seed 3 reaches 130.0 MHz\n"


def test_check_passes_where_it_is_met(config, fitted):
    assert main(["fit", config(clock=130), "--check"]) == 0


def test_check_knows_what_block_rams_bear(config, fitted, capsys):
    assert main(["fit", config(clock=213), "--check"]) == 4
    message = "clock_mhz = 213: the block RAMs of LFE5U-12F-6 bear 212 MHz at most"
    assert message in capsys.readouterr().err


def test_close_raises_the_margin_until_every_seed_reaches_the_clock(config, fitted, capsys):
    path = config(clock=142)
    assert main(["fit", path, "--close", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    margins = [one["margin"] for one in found["tries"]]
    assert margins == sorted(set(margins))
    assert margins[0] == 0
    assert [one["meets_clock"] for one in found["tries"]] == [False] * (len(margins) - 1) + [True]
    assert found["margin"] == margins[-1] >= 0.2
    assert found["fmax_mhz"]["min"] == pytest.approx(120 + 100 * found["margin"])
    registers = [Plan.of(NormConfig.from_toml(path).replace(margin=margin)).latency(1).L2 for margin in margins]
    assert registers == sorted(registers)
    assert main(["fit", path, "--close"]) == 0
    assert f"margin = {found['margin']:g} in the configuration keeps the last one" in capsys.readouterr().out


def test_close_where_no_margin_does(config, fitted, capsys):
    assert main(["fit", config(clock=200), "--close", "--json"]) == 4
    out, err = capsys.readouterr()
    assert json.loads(out)["margin"] is None
    assert err.startswith("streamnorm: error: no margin reaches it; best with ")
    assert main(["fit", config(clock=213), "--close"]) == 4
    assert "block RAMs of ecp5-12k-6 bear 212 MHz at most" in capsys.readouterr().err


def test_generic_target(config, capsys):
    assert main(["fit", config(target="generic")]) == 2
    assert "target 'generic' cannot be placed and routed; targets that can be: ecp5-12k-6" in capsys.readouterr().err


def test_missing_tool(config, monkeypatch, capsys):
    monkeypatch.setenv("YOSYS", "no-such-yosys")
    assert main(["fit", config()]) == 3
    assert capsys.readouterr().err == "streamnorm: error: yosys: $YOSYS names 'no-such-yosys', which is no program\n"


@pytest.mark.parametrize("target", ["ecp5-12k-6", pytest.param("ice40-hx8k", marks=pytest.mark.slow)])
def test_a_generated_unit_fits(config, target, capsys):
    assert main(["fit", config(target=target, clock=25), "--seeds", "1", "--check", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["target"] == target
    assert data["fmax_mhz"]["min"] > 25
    assert 100 < data["comb"] < data["available"]["comb"]
    assert any(block.startswith("unit.") for block in data["blocks"])


def test_another_way_of_synthesis_is_told(config, fitted, monkeypatch, capsys):
    fit = streamnorm_fpga.fit
    monkeypatch.setattr(streamnorm_fpga, "fit", lambda *args: replace(fit(*args), notices=("synthesized otherwise",)))
    assert main(["fit", config(), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["notices"] == ["synthesized otherwise"]
    assert err == "note: synthesized otherwise\n"


def test_another_way_of_synthesis_is_told_of_the_best_try(config, fitted, monkeypatch, capsys):
    fit = streamnorm_fpga.fit

    def told(unit, *rest):
        return replace(fit(unit, *rest), notices=(f"synthesized with {unit.margin:g}",))

    monkeypatch.setattr("streamnorm_fpga.place.closing.fit", told)
    monkeypatch.setattr("streamnorm_fpga.place.closing.verilog", lambda unit: f"module margin_{unit.margin:g}")
    assert main(["fit", config(clock=142), "--close", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == f"note: synthesized with {json.loads(out)['margin']:g}\n"
