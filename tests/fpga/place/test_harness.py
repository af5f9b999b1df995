from collections import Counter

import pytest

from fpga.netlists import cell, netlist
from streamnorm.errors import CheckFailed
from streamnorm_fpga.families import FAMILIES
from streamnorm_fpga.families.ecp5 import ECP5
from streamnorm_fpga.place.harness import PREFIX, clock_of, surround

PORTS = {"aclk": ("input", [2]), "i": ("input", [3, 4]), "o": ("output", [5, 5, 3, "0"]), "ready": ("output", [6])}


FAMILY = pytest.mark.parametrize("family", FAMILIES.values(), ids=str)


def unit(family):
    register, lut = family.register, family.lut
    a, b, *_ = lut.inputs
    return netlist(
        PORTS,
        {
            "register": cell(register.kind, {register.clock: 2, register.data: 4}, {register.output: 5}),
            "lut": cell(lut.kind, {a: 3, b: 5}, {lut.output: 6}),
        },
    )


def around(harness):
    return {name: cell for name, cell in harness.netlist.module["cells"].items() if name.startswith(PREFIX)}


@FAMILY
def test_three_pins_are_left(family):
    ports = surround(unit(family), family).netlist.module["ports"]
    assert {name: port["direction"] for name, port in ports.items()} == {
        "clock": "input",
        "scan": "input",
        "fold": "output",
    }
    assert ports["clock"]["bits"] == [2]


@FAMILY
def test_every_port_has_a_register_on_the_other_side(family):
    data, output = family.register.data, family.register.output
    cells = around(surround(unit(family), family))
    drivers = {cell["connections"][output][0]: name for name, cell in cells.items() if data in cell["connections"]}
    readers = {cell["connections"][data][0] for cell in cells.values() if data in cell["connections"]}
    assert drivers[3] == "harness.i[0]"
    assert drivers[4] == "harness.i[1]"
    assert 2 not in drivers  # the clock
    assert {5, 3, 6} <= readers  # each output bit that changes, once


@FAMILY
def test_the_harness_knows_its_size(family):
    harness = surround(unit(family), family)
    kinds = Counter(cell["type"] for cell in around(harness).values())
    assert harness.registers == kinds[family.register.kind] == 2 + 3 + 1  # in, out, fold
    assert harness.luts == kinds[family.lut.kind] == 1
    # The register at `ready` shares the cell of the unit's LUT, the one of the fold that of its exclusive-or.
    assert harness.logic_cells == harness.registers - 1


@FAMILY
def test_the_unit_itself_is_untouched(family):
    before = unit(family)
    inside = surround(before, family).netlist.module["cells"]
    assert {name: inside[name] for name in before.module["cells"]} == before.module["cells"]
    assert set(before.module["ports"]) == set(PORTS)


def test_no_two_cells_drive_one_net():
    wide = {"aclk": ("input", [2]), "i": ("input", list(range(3, 40))), "o": ("output", list(range(40, 90)))}
    cells = {str(bit): cell("TRELLIS_FF", {"CLK": 2, "DI": 3}, {"Q": bit}) for bit in range(40, 90)}
    harness = surround(netlist(wide, cells), ECP5)
    driven = Counter(
        bit
        for cell in harness.netlist.module["cells"].values()
        for pin, bits in cell["connections"].items()
        if cell["port_directions"][pin] == "output"
        for bit in bits
    )
    assert max(driven.values()) == 1
    assert harness.luts == 13 + 4 + 1


def test_logic_without_a_clock_gets_one():
    unclocked = netlist({"i": ("input", [2]), "o": ("output", [3])}, {"lut": cell("LUT4", {"A": 2}, {"Z": 3})})
    ports = surround(unclocked, ECP5).netlist.module["ports"]
    assert ports["clock"]["bits"] not in ([2], [3])


def test_bidirectional_ports_are_refused():
    with pytest.raises(CheckFailed, match="unit: bidirectional ports cannot be placed without pins"):
        surround(netlist({"pad": ("inout", [2])}, {}), ECP5)


FLIP_FLOP = cell("TRELLIS_FF", {"CLK": 2, "DI": 3}, {"Q": 4})
CLOCKED = {"clk": ("input", [2]), "i": ("input", [3]), "o": ("output", [4])}


def test_the_clock_is_what_registers_memories_and_multipliers_take():
    cells = {
        "register": FLIP_FLOP,
        "memory": cell("DP16KD", {"CLKA": 2, "CLKB": 2}, {"DOA0": 5}),
        "multiplier": cell("MULT18X18D", {"CLK0": 2, "CLK1": "0"}, {"P0": 6}),
    }
    assert clock_of(netlist(CLOCKED, cells), ECP5) == 2


def test_ice40_registers_of_all_kinds_are_clocked():
    unit = netlist(CLOCKED, {"register": cell("SB_DFFESR", {"C": 2, "D": 3, "E": "1", "R": "0"}, {"Q": 4})})
    assert clock_of(unit, FAMILIES["ice40"]) == 2


def test_logic_alone_has_no_clock():
    assert clock_of(netlist(CLOCKED, {"lut": cell("LUT4", {"A": 3}, {"Z": 4})}), ECP5) is None


def test_two_clocks_are_refused():
    cells = {"one": FLIP_FLOP, "other": cell("TRELLIS_FF", {"CLK": 3, "DI": 3}, {"Q": 5})}
    with pytest.raises(CheckFailed, match="unit: needs one clock, from an input port; found 2 clocks"):
        clock_of(netlist(CLOCKED, cells), ECP5)


def test_a_clock_made_inside_is_refused():
    with pytest.raises(CheckFailed, match="needs one clock, from an input port"):
        clock_of(netlist(CLOCKED, {"register": cell("TRELLIS_FF", {"CLK": 9, "DI": 3}, {"Q": 4})}), ECP5)
