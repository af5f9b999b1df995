import re

import pytest

from streamnorm.errors import ConfigError
from streamnorm_fpga.boards import BOARDS
from streamnorm_fpga.boards.pll import fabric_clock


@pytest.mark.parametrize(
    ("board", "asked", "made"),
    [
        ("ulx3s-85f", 150, 150.0),
        ("ulx3s-85f", 133.33, 133.333),
        ("ulx3s-85f", 51.3, 51.2987),  # not within 1 % without the PLL's second output
        ("orangecrab-25f", 120, 120.0),
        ("ecpix5-85", 3.125, 3.125),
        ("icebreaker", 30, 30.0),
        ("icebreaker", 16, 15.938),
        ("hx8k-b-evn", 100, 100.5),
        ("tinyfpga-bx", 48, 48.0),
    ],
)
def test_the_clock_made(board, asked, made):
    clock = fabric_clock(BOARDS[board], asked, "the_pll")
    assert clock.mhz == pytest.approx(made, abs=1e-3)
    assert abs(clock.mhz - asked) <= 0.01 * asked
    assert clock.module == "the_pll"
    ports = re.findall(r"^\s*(?:input|output)\s+(\w+)", clock.verilog, re.MULTILINE)
    assert ports == ["clock_in", "clock_out", "locked"]
    assert "module the_pll" in clock.verilog


@pytest.mark.parametrize(
    ("board", "primitive"), [("icebreaker", "SB_PLL40_PAD"), ("upduino-v3", "SB_PLL40_CORE"), ("ulx3s-12f", "EHXPLLL")]
)
def test_the_primitive_suits_the_pin(board, primitive):
    assert re.findall(r"SB_PLL40_\w+|EHXPLLL", fabric_clock(BOARDS[board], 40, "p").verilog) == [primitive]


@pytest.mark.parametrize(("board", "mhz"), [("ulx3s-85f", 25), ("icebreaker", 12), ("versa-ecp5", 100.005)])
def test_no_pll_for_the_boards_own_clock(board, mhz):
    clock = fabric_clock(BOARDS[board], mhz, "p")
    assert (clock.mhz, clock.module, clock.verilog) == (BOARDS[board].clock_mhz, "", "")


@pytest.mark.parametrize(
    ("board", "mhz", "message"),
    [
        ("icebreaker", 8, "clock of 8 MHz on icebreaker: its PLL makes 16 to 275 MHz, and without PLL it is 12 MHz"),
        ("hx8k-b-evn", 276, "clock of 276 MHz on hx8k-b-evn: its PLL makes 16 to 275 MHz"),
        ("ulx3s-85f", 3, "clock of 3 MHz on ulx3s-85f: its PLL makes 3.125 to 400 MHz"),
        ("icebreaker", 267, "clock of 267 MHz on icebreaker: the nearest its PLL makes of 12 MHz is 270 MHz"),
    ],
)
def test_clocks_that_cannot_be_made(board, mhz, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        fabric_clock(BOARDS[board], mhz, "p")
