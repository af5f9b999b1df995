import pytest

from fpga.netlists import cell, netlist
from streamnorm.errors import CheckFailed

FLIP_FLOP = cell("TRELLIS_FF", {"CLK": 2, "DI": 3}, {"Q": 4})
PORTS = {"clk": ("input", [2]), "i": ("input", [3]), "o": ("output", [4])}


def test_the_clock_is_what_registers_memories_and_multipliers_take():
    cells = {
        "register": FLIP_FLOP,
        "memory": cell("DP16KD", {"CLKA": 2, "CLKB": 2}, {"DOA0": 5}),
        "multiplier": cell("MULT18X18D", {"CLK0": 2, "CLK1": "0"}, {"P0": 6}),
    }
    assert netlist(PORTS, cells).clock() == 2


def test_ice40_registers_of_all_kinds_are_clocked():
    unit = netlist(PORTS, {"register": cell("SB_DFFESR", {"C": 2, "D": 3, "E": "1", "R": "0"}, {"Q": 4})})
    assert unit.clock() == 2


def test_logic_alone_has_no_clock():
    assert netlist(PORTS, {"lut": cell("LUT4", {"A": 3}, {"Z": 4})}).clock() is None


def test_two_clocks_are_refused():
    cells = {"one": FLIP_FLOP, "other": cell("TRELLIS_FF", {"CLK": 3, "DI": 3}, {"Q": 5})}
    with pytest.raises(CheckFailed, match="unit: needs one clock, from an input port; found 2 clocks"):
        netlist(PORTS, cells).clock()


def test_a_clock_made_inside_is_refused():
    with pytest.raises(CheckFailed, match="needs one clock, from an input port"):
        netlist(PORTS, {"register": cell("TRELLIS_FF", {"CLK": 9, "DI": 3}, {"Q": 4})}).clock()


def test_cells_are_counted_by_the_start_of_their_type():
    cells = {"a": cell("SB_DFF", {}, {}), "b": cell("SB_DFFE", {}, {}), "c": cell("SB_LUT4", {}, {})}
    assert netlist(PORTS, cells).count("SB_DFF") == 2
