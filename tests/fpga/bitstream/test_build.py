"""Building for boards: real tools on a tiny design, and what happens where it does not work out."""

import dataclasses
import hashlib
import json
import re

import pytest

import streamnorm_fpga.bitstream.build as build_module
from fpga.board_designs import LARGE_UNIT, tiny_design
from streamnorm.errors import CheckFailed, ConfigError
from streamnorm_fpga.bitstream.build import board_netlist, build, files_of
from streamnorm_fpga.bitstream.design import bit_cycles
from streamnorm_fpga.bitstream.pack import is_for
from streamnorm_fpga.boards import BOARDS
from streamnorm_fpga.place.critical_path import CriticalPath
from streamnorm_fpga.place.place_route import DoesNotFit, NotRouted, Placed, Placements

PATH = CriticalPath(
    start="a.Q", end="b.DI", blocks=("board.unit",), delay_ns=4.9, logic_ns=2.0, routing_ns=2.9, levels=2, hops=()
)


@pytest.fixture
def placements(monkeypatch):
    """Placements that reach what the test says, by seed; None cannot be routed."""
    reached = {}
    seen = []

    def place_and_route(harness, device, blocks, *, clock_mhz, seeds, constraints):
        [seed] = seeds
        seen.append(seed)
        if reached[seed] is None:
            raise NotRouted(f"no way with seed {seed}")
        used = {"ICESTORM_LC": 60}
        placed = Placed(seed=seed, fmax_mhz=reached[seed], path=PATH, used=used, configuration=str(seed))
        return Placements(placed=(placed,), unrouted={})

    monkeypatch.setattr(build_module, "place_and_route", place_and_route)
    monkeypatch.setattr(build_module, "pack", lambda board, configuration: configuration.encode())
    return reached, seen


@pytest.mark.parametrize(
    "board",
    [
        "icebreaker",
        "icestick",
        "ulx3s-12f",
        *(pytest.param(b, marks=pytest.mark.slow) for b in ("upduino-v3", "tinyfpga-bx")),
    ],
)
def test_boards_with_pll(board):
    report = build(tiny_design(board), (1,))
    assert is_for(report.bitstream, BOARDS[board])
    assert report.meets_clock
    data = report.to_dict()
    assert data["clock"] == {
        "board_mhz": BOARDS[board].clock_mhz,
        "pll": True,
        "asked_mhz": 30.0,
        "planned_mhz": 30.0,
        "mhz": 30.0,
    }
    assert report.placed.used["EHXPLLL" if board == "ulx3s-12f" else "ICESTORM_PLL"] == 1
    assert data["margin_mhz"] == pytest.approx(data["fmax_mhz"] - 30, abs=0.01)
    assert report.unit.ff == 8
    assert report.logic.ff > 10
    assert report.unit.ff + report.logic.ff == report.used.ff
    assert {"unit", "board", "reset_hold"} <= set(data["blocks"])


@pytest.mark.parametrize(
    ("board", "mhz"),
    [("hx8k-b-evn", 12), ("colorlight-5a75b", 25), pytest.param("versa-ecp5", 100, marks=pytest.mark.slow)],
)
def test_boards_without_pll(board, mhz):
    report = build(tiny_design(board, clock_mhz=mhz), (1,))
    assert is_for(report.bitstream, BOARDS[board])
    assert report.to_dict()["clock"]["pll"] is False
    assert not any("PLL" in kind for kind in report.placed.used)


def test_a_5g_part_is_told_by_its_bitstream():
    report = build(tiny_design("ecpix5-85"), (1,))
    assert is_for(report.bitstream, BOARDS["ecpix5-85"])
    assert b"LFE5UM-85F" in report.bitstream  # what it was placed as


def test_the_same_bytes_every_time(monkeypatch, tmp_path):
    bitstreams = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        monkeypatch.setenv("STREAMNORM_CACHE", str(tmp_path / name / "cache"))
        monkeypatch.setenv("TMPDIR", str(tmp_path / name))
        report = build(tiny_design("icestick"), (3,))
        bitstreams.append((report.bitstream, report.to_dict()))
    assert bitstreams[0] == bitstreams[1]
    other = build(tiny_design("icestick"), (4,))
    assert other.bitstream != bitstreams[0][0]
    assert other.to_dict()["inputs"] == bitstreams[0][1]["inputs"]  # the seed is none of them


def test_inputs_tell_designs_apart():
    design = tiny_design("icestick")
    inputs = {
        design.inputs(),
        tiny_design("icestick", clock_mhz=33).inputs(),
        tiny_design("hx8k-b-evn").inputs(),
        dataclasses.replace(design, unit=design.unit + "// more\n").inputs(),
        dataclasses.replace(design, board=dataclasses.replace(design.board, pack=("-s",))).inputs(),
    }
    assert len(inputs) == 5
    assert tiny_design("icestick").inputs() == design.inputs()


def test_the_first_seed_that_meets_the_clock(placements):
    reached, seen = placements
    reached |= {1: 29.9, 2: None, 3: 30.0, 4: 50.0}
    steps = []
    report = build(tiny_design("icebreaker"), progress=steps.append)
    assert seen == [1, 2, 3]
    assert (report.placed.seed, report.missed, report.bitstream) == (3, {1: 29.9}, b"3")
    assert steps[0] == "synthesizing"
    assert "seed 1: 29.9 MHz of 30" in steps


def test_a_missed_clock(placements):
    reached, _ = placements
    reached |= {1: 24.6, 2: 25.9}
    message = (
        "tiny on icebreaker misses 30 MHz: best is seed 2 with 25.9 MHz, bounded by unit: 4.90 ns "
        "(2.00 logic, 2.90 routing, 2 levels); try --clock 25; "
        "--allow-slow writes the bitstream all the same"
    )
    with pytest.raises(CheckFailed, match=re.escape(message)):
        build(tiny_design("icebreaker"), (1, 2))
    report = build(tiny_design("icebreaker"), (1, 2), allow_slow=True)
    assert (report.placed.seed, report.meets_clock, report.margin_mhz) == (2, False, -4.1)


def test_a_clock_below_the_plls_range_is_not_proposed(placements):
    reached, _ = placements
    reached |= {1: 14.0}
    with pytest.raises(CheckFailed, match=r"14\.0 MHz, bounded by .*; try --clock 12"):
        build(tiny_design("icebreaker"), (1,))
    reached |= {1: 11.0}
    with pytest.raises(CheckFailed, match=r"11\.0 MHz, bounded by [^;]*; --allow-slow writes"):
        build(tiny_design("icebreaker"), (1,))


def test_no_seed_can_be_routed(placements):
    reached, seen = placements
    reached |= {1: None, 2: None}
    with pytest.raises(CheckFailed, match="no way with seed 2"):
        build(tiny_design("icebreaker"), (1, 2))
    assert seen == [1, 2]


def test_what_does_not_fit_is_not_tried_with_other_seeds(monkeypatch):
    seen = []

    def place_and_route(*_, seeds, **__):
        seen.extend(seeds)
        raise DoesNotFit("tiny does not fit")

    monkeypatch.setattr(build_module, "place_and_route", place_and_route)
    with pytest.raises(DoesNotFit):
        build(tiny_design("icebreaker"), (1, 2, 3))
    assert seen == [1]


def test_carry_chains_are_trimmed_on_ecp5():
    chains = [
        cell["connections"]["COUT"]
        for cell in board_netlist(tiny_design("ulx3s-12f")).module["cells"].values()
        if cell["type"] == "CCU2C"
    ]
    assert ["x"] in chains  # the carry that nobody reads is on no net
    assert any(cell["type"] == "SB_CARRY" for cell in board_netlist(tiny_design("icestick")).module["cells"].values())


def test_what_does_not_fit_is_told_before_placement(placements):
    with pytest.raises(CheckFailed) as error:
        build(tiny_design("icestick", unit=LARGE_UNIT))
    assert str(error.value) == "tiny does not fit icestick (iCE40HX1K): 64 block RAMs needed, 16 available"
    assert placements[1] == []


def test_what_cannot_exist_is_told_before_synthesis(monkeypatch):
    def synthesized(design):
        raise CheckFailed("synthesized")

    monkeypatch.setattr(build_module, "board_netlist", synthesized)
    design = tiny_design("icestick")
    wide = dataclasses.replace(design, config=design.config.replace(lanes=8))
    with pytest.raises(
        DoesNotFit, match=r"^tiny does not fit icestick \(iCE40HX1K\): at least \d+ of 1280 logic cells"
    ):
        build(wide)
    fast = tiny_design("ulx3s-85f", clock_mhz=220.0)
    message = "tiny does not fit ulx3s-85f (LFE5U-85F-6): 220 MHz: block RAM allows 212; try a lower clock"
    with pytest.raises(DoesNotFit, match=f"^{re.escape(message)}"):
        build(fast)
    for possible, allow_slow in ((design, False), (fast, True)):
        with pytest.raises(CheckFailed, match=r"^synthesized$"):
            build(possible, allow_slow=allow_slow)


def test_a_seed_that_nextpnr_does_not_take_is_refused_first(placements):
    with pytest.raises(ConfigError, match=f"^seed = {1 << 64}: must be an integer from 0 to {(1 << 64) - 1}$"):
        build(tiny_design("icestick", unit=LARGE_UNIT), (1, 1 << 64))


def test_the_limit_of_block_rams(placements):
    placements[0][1] = 250.0
    # The PLL makes more than was asked for, which the unit would have borne.
    design = dataclasses.replace(tiny_design("ulx3s-85f", clock_mhz=220.0, unit=LARGE_UNIT), asked_mhz=212.0)
    message = "clock of 220 MHz on ulx3s-85f: the block RAMs of LFE5U-85F-6 bear 212 MHz at most"
    with pytest.raises(CheckFailed, match=message):
        build(design, (1,))
    assert not placements[1]
    assert build(design, (1,), allow_slow=True).placed.fmax_mhz == 250.0


def test_notices(placements):
    placements[0][1] = 200.0
    design = tiny_design("hx8k-b-evn", clock_mhz=120.0, asked_mhz=100.0)
    assert build(design, (1,)).notices == (
        "built for ice40-hx8k, the part on the board, in place of the configuration's generic: "
        "the values are the same, the pipeline may differ",
        "the PLL makes 100.5 MHz, 100 were asked for",
        "the unit is planned for 120 MHz and runs at 100.5",
    )
    same = dataclasses.replace(tiny_design("icebreaker"), asked_target="ice40-up5k")
    assert build(same, (1,)).notices == ()


def test_files(placements):
    placements[0][1] = 40.0
    report = build(tiny_design("icebreaker"), (1,))
    files = files_of(report)
    assert list(files) == ["tiny.bin", "tiny.v", "tiny.pcf", "report.json"]
    data = json.loads(files["report.json"])
    assert data["bitstream"] == {"file": "tiny.bin", "bytes": 1, "sha256": hashlib.sha256(b"1").hexdigest()}


@pytest.mark.parametrize(("mhz", "baud", "cycles"), [(30, 1_000_000, 30), (100.5, 1_000_000, 100), (12, 3_000_000, 4)])
def test_baud_rates(mhz, baud, cycles):
    assert bit_cycles(mhz, baud) == cycles


@pytest.mark.parametrize(
    ("mhz", "baud", "possible"),
    [
        (12, 5_000_000, "3000000, 2000000, 1000000, 921600, 500000, 460800, 230400, 115200, 57600, 9600"),
        (25, 3_500_000, "1000000, 921600, 500000"),
        (12, 3_000_001_000, "3000000"),
    ],
)
def test_baud_rates_that_cannot_be_made(mhz, baud, possible):
    message = f"--baud {baud}: a clock of {mhz} MHz does not make it; it makes "
    with pytest.raises(ConfigError, match=re.escape(message)) as error:
        bit_cycles(mhz, baud)
    assert possible in str(error.value)
