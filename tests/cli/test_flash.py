"""``streamnorm flash``: what it runs, exit codes."""

import json

import pytest

import streamnorm_fpga.flash.flash as flash_module
from fpga.bitstream.test_bitstream import ecp5, ice40
from fpga.board_designs import tiny_design
from streamnorm.errors import ToolMissing
from streamnorm_cli import main
from streamnorm_cli.command_line import parser
from streamnorm_cli.commands import flash as flash_command
from streamnorm_fpga.boards import BOARDS
from streamnorm_fpga.families import FAMILIES
from streamnorm_fpga.flash.flash import Connection
from streamnorm_fpga.flash.loaders import LOADERS

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
def loaded(monkeypatch):
    """Boards that are plugged in, and what was loaded."""
    runs = []
    monkeypatch.setattr(flash_module, "connect", lambda board: Connection(("loader", board.name), None))
    monkeypatch.setattr(
        flash_module, "load", lambda connection, path, quiet: runs.append((connection.command, path, quiet))
    )
    return runs


@pytest.fixture
def config(monkeypatch, tmp_path):
    """A configuration whose design for a board takes seconds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "streamnorm_fpga.bitstream.design.board_design", lambda config, board, **options: tiny_design(board.name)
    )
    path = tmp_path / "tiny.toml"
    path.write_text(CONFIG)
    return str(path)


def test_a_bitstream(loaded, tmp_path, capsys):
    path = tmp_path / "a.bit"
    path.write_bytes(ecp5(0x41113043))
    assert main(["flash", str(path), "--board", "ulx3s-85f"]) == 0
    assert loaded == [(("loader", "ulx3s-85f"), path, False)]
    assert capsys.readouterr().out == f"{path} is on ulx3s-85f; it is gone at the next power cycle\n"
    assert main(["flash", str(path), "--board", "orangecrab-85f", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "board": "orangecrab-85f",
        "bitstream": str(path),
        "build": None,
        "command": ["loader", "orangecrab-85f", str(path)],
        "done": True,
        "kept": True,
    }


def test_the_help_names_the_bitstreams_of_every_family(capsys):
    assert main(["flash", "--help"]) == 0
    words = capsys.readouterr().out
    assert all(f".{family.bitstream}" in words for family in FAMILIES.values())


def test_a_wrong_bitstream_is_told_first(loaded, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(flash_module, "connect", lambda board: pytest.fail("nothing is to be looked for"))
    path = tmp_path / "a.bin"
    path.write_bytes(ice40(872))
    assert main(["flash", str(path), "--board", "icebreaker"]) == 4
    message = f"streamnorm: error: {path}: is for iCE40HX8K or LP8K; icebreaker has iCE40UP5K\n"
    assert capsys.readouterr() == ("", message)


def test_a_missing_tool_is_told_before_a_build(config, monkeypatch, capsys):
    def absent(self):
        raise ToolMissing(f"{self.name} lacks libusb")

    monkeypatch.setattr(type(LOADERS["iceprog"]), "check", absent)
    monkeypatch.setattr(flash_command, "build_to", lambda *_: pytest.fail("it builds"))
    assert main(["flash", config, "--board", "ulx3s-12f"]) == 3
    assert capsys.readouterr().err == "streamnorm: error: openFPGALoader lacks libusb\n"


def test_a_configuration_is_built_once(config, loaded, tmp_path, monkeypatch, capsys):
    assert main(["flash", config, "--board", "icestick", "-q"]) == 0
    path = tmp_path.joinpath("build", "tiny-icestick", "tiny.bin")
    assert loaded == [(("loader", "icestick"), path.relative_to(tmp_path), True)]
    assert {entry.name for entry in path.parent.iterdir()} == {
        *("tiny.bin", "tiny.v", "tiny.pcf", "report.txt", "report.json")
    }
    monkeypatch.setattr(flash_command, "build_to", lambda *_: pytest.fail("it builds again"))
    assert main(["flash", config, "--board", "icestick", "-q"]) == 0
    assert len(loaded) == 2
    capsys.readouterr()
    monkeypatch.setattr(flash_module, "dry_command", lambda board, path: ["tool", str(path)])
    assert main(["flash", config, "--board", "icestick", "--dry-run"]) == 0
    assert capsys.readouterr().out == "tool build/tiny-icestick/tiny.bin\n"


def test_a_dry_run_touches_nothing(config, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(flash_module, "load", lambda *_, **__: pytest.fail("it loads"))
    monkeypatch.setattr(flash_command, "build_to", lambda *_: pytest.fail("it builds"))
    monkeypatch.setattr(flash_module, "dry_command", lambda board, path: ["the tool", str(path)])
    assert main(["flash", config, "--board", "icebreaker", "-o", "out", "--dry-run"]) == 0
    build = f"streamnorm build {config} --board icebreaker -o out"
    assert capsys.readouterr().out == f"{build}\n'the tool' out/tiny.bin\n"
    options = ["--seeds", "3,4", "--clock", "12.5", "--baud", "9600", "--allow-slow"]
    assert main(["flash", config, "--board", "icebreaker", "-o", "out", "--dry-run", "--json", *options]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["command"], data["done"]) == (["the tool", "out/tiny.bin"], False)
    assert data["build"] == [*build.split(), *options]
    parser().parse_args(data["build"][1:])
    assert not (tmp_path / "out").exists()
    capsys.readouterr()
    assert main(["flash", config, "--board", "icebreaker", "-o", config, "--dry-run"]) == 2
    assert capsys.readouterr() == ("", f"streamnorm: error: {config}: is a file; a directory is needed\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["x.txt", "--board", "icebreaker"], 2, "x.txt: is neither a configuration (.toml) nor a bitstream"),
        (["x.bit", "--board", "icebreaker"], 2, "x.bit: cannot be read: No such file or directory"),
        (["x.bit", "--board", "nothing-like-it"], 2, "unknown board 'nothing-like-it': boards are"),
        (["x.bit"], 2, "the following arguments are required: --board"),
        (["x.bit", "--board", "icebreaker", "--seed", "1", "--seeds", "2"], 2, "not allowed with argument"),
    ],
)
def test_usage_errors(arguments, code, message, capsys):
    assert main(["flash", *arguments]) == code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("board", BOARDS)
def test_no_board_here_no_traceback(board, tmp_path, monkeypatch, capsys):
    """With whatever this machine has: one line, and exit code 3 or 4."""
    device = BOARDS[board].device
    bitstream_of = {"ecp5": ecp5, "ice40": ice40}[device.family.name]
    path = tmp_path / "a.bit"
    path.write_bytes(bitstream_of(device.identity))
    monkeypatch.setattr("streamnorm_fpga.flash.flash.usb_devices", list)
    assert main(["flash", str(path), "--board", board]) in (3, 4)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("streamnorm: error: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "more"), [("--seeds", ["3"]), ("--clock", ["20"]), ("--baud", ["9600"]), ("--allow-slow", [])]
)
def test_options_of_a_build_are_not_for_a_bitstream(option, more, loaded, tmp_path, capsys):
    path = tmp_path / "a.bit"
    path.write_bytes(ecp5(0x41113043))
    assert main(["flash", str(path), "--board", "ulx3s-85f", option, *more]) == 2
    message = f"streamnorm: error: {option} is for building from a configuration; {path} is built already\n"
    assert capsys.readouterr().err == message
    assert loaded == []


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
@pytest.mark.parametrize("name", ["absent.bit", "absent.toml"])
def test_a_file_that_is_not_there(name, more, loaded, tmp_path, capsys):
    assert main(["flash", str(tmp_path / name), "--board", "ulx3s-85f", *more]) == 2
    assert capsys.readouterr().err.startswith(f"streamnorm: error: {tmp_path / name}: ")
    assert loaded == []
