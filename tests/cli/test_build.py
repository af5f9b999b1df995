"""``streamnorm build``: options, files, exit codes; the design is a tiny one, the tools are real."""

import hashlib
import json

import pytest

import streamnorm_fpga.bitstream.build
import streamnorm_fpga.bitstream.design
from fpga.board_designs import LARGE_UNIT, UNIT, tiny_design
from streamnorm.errors import CheckFailed
from streamnorm_cli import main

CONFIG = """
name = "tiny"
norm = "rmsnorm"
lanes = 1
max_length = 16
epsilon = 1e-5
clock_mhz = 30
input = { format = "int4" }
output = { format = "int4" }
"""


@pytest.fixture
def config(monkeypatch, tmp_path):
    """Write a configuration; its design on a board is a stand-in with the unit given."""

    def write(unit=UNIT):
        monkeypatch.setattr(
            streamnorm_fpga.bitstream.design,
            "board_design",
            lambda config, board, *, baud, clock_mhz: tiny_design(board.name, asked_mhz=clock_mhz, unit=unit),
        )
        path = tmp_path / "tiny.toml"
        path.write_text(CONFIG)
        return str(path)

    return write


def test_files_and_tables(config, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["build", config(), "--board", "icestick", "-o", str(out), "--clock", "36"]) == 0
    printed, err = capsys.readouterr()
    assert err == ""
    report = json.loads((out / "report.json").read_text())
    bitstream = (out / "tiny.bin").read_bytes()
    assert report["bitstream"]["sha256"] == hashlib.sha256(bitstream).hexdigest()
    assert (out / "tiny.v").read_text() == UNIT
    assert "set_io uart_0__rx__io 9" in (out / "tiny.pcf").read_text()
    text = (out / "report.txt").read_text()
    for shown in (printed, text):
        said = " ".join(shown.split())  # a long line is folded in the file
        for part in (
            "tiny on Lattice iCEstick (iCE40HX1K)",
            "1,280",
            "36 MHz (PLL, of the board's 12; the plan's is 30)",
            "seed 1",
            "1000000 baud",
            "nextpnr-ice40 0.11.1",
            report["bitstream"]["sha256"],
            "note: the unit is planned for 30 MHz and runs at 36",
            "built for ice40-hx1k",
        ):
            assert part in said
    assert "clk-to-q" in text  # the critical path step by step is in the file
    assert "clk-to-q" not in printed
    for name in ("tiny.bin", "tiny.v", "tiny.pcf", "report.txt", "report.json"):
        assert str(out / name) in printed


def test_json_and_seeds(config, tmp_path, capsys):
    path = config()
    assert main(["build", path, "--board", "icestick", "-o", str(tmp_path), "--seed", "7", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["board"], data["seed"], data["missed"], data["meets_clock"]) == ("icestick", 7, {}, True)
    assert data["clock"]["mhz"] == 30.0
    assert set(data["used"]) == set(data["available"]) == {"comb", "ff", "dsp", "bram", "logic_cells"}
    assert data["config_target"] == "generic"
    assert json.loads((tmp_path / "report.json").read_text()) == data


def test_default_seeds(config, tmp_path, monkeypatch):
    seen = []

    def build(design, seeds, *, allow_slow, progress):
        seen.append((tuple(seeds), allow_slow))
        raise CheckFailed("stop")

    monkeypatch.setattr(streamnorm_fpga.bitstream.build, "build", build)
    for arguments in ([], ["--seeds", "1-8"], ["--seed", "3", "--allow-slow"]):
        assert main(["build", config(), "--board", "icestick", "-o", str(tmp_path), *arguments]) == 4
    assert seen == [((1, 2, 3, 4), False), (tuple(range(1, 9)), False), ((3,), True)]


def test_a_missed_clock(config, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["build", config(), "--board", "icestick", "-o", str(out), "--clock", "270", "--seed", "1"]
    assert main(arguments) == 4
    err = capsys.readouterr().err
    assert err.startswith("streamnorm: error: tiny on icestick misses 270 MHz: best is seed 1 with ")
    assert "; --allow-slow writes the bitstream all the same\n" in err
    assert not out.exists()
    assert main([*arguments, "--allow-slow", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["meets_clock"] is False
    assert (out / "tiny.bin").exists()


def test_a_unit_that_does_not_fit(config, tmp_path, capsys):
    path = config(LARGE_UNIT)
    assert main(["build", path, "--board", "icestick", "-o", str(tmp_path / "out")]) == 4
    err = capsys.readouterr().err
    assert "tiny does not fit icestick (iCE40HX1K): " in err
    assert "64 block RAMs needed, 16 available" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--board", "icestik", "-o", "x"], "unknown board 'icestik': did you mean icestick?"),
        (["--board", "icestick"], "the following arguments are required: -o/--output"),
        (["-o", "x"], "the following arguments are required: --board"),
        (["--board", "icestick", "-o", "x", "--clock", "0"], "'0' is no clock above 0 and of at most 1000 MHz"),
        (["--board", "icestick", "-o", "x", "--clock", "8"], "its PLL makes 16 to 275 MHz"),
        (["--board", "icestick", "-o", "x", "--seeds", "a"], "'a' is no seed such as 1"),
        (["--board", "icestick", "-o", "x", "--baud", "7"], "'7' is no rate from 1200 to 12000000 bits a second"),
        (["--board", "icestick", "-o", __file__], f"{__file__}: is a file; a directory is needed"),
    ],
)
def test_usage_errors(config, arguments, message, capsys):
    assert main(["build", config(), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_missing_tool(config, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ICEPLL", "no-such-icepll")
    assert main(["build", config(), "--board", "icestick", "-o", str(tmp_path)]) == 3
    assert capsys.readouterr().err == "streamnorm: error: icepll: $ICEPLL names 'no-such-icepll', which is no program\n"
