from collections import Counter

import pytest

from fpga.netlists import cell, netlist
from streamnorm.errors import CheckFailed
from streamnorm_fpga.place.harness import PREFIX, surround

PORTS = {
    "aclk": ("input", [2]),
    "i": ("input", [3, 4]),
    "o": ("output", [5, 5, 3, "0"]),
    "ready": ("output", [6]),
}


def unit(family):
    if family == "ecp5":
        register = cell("TRELLIS_FF", {"CLK": 2, "DI": 4}, {"Q": 5})
        return netlist(PORTS, {"register": register, "lut": cell("LUT4", {"A": 3, "B": 5}, {"Z": 6})})
    register = cell("SB_DFF", {"C": 2, "D": 4}, {"Q": 5})
    return netlist(PORTS, {"register": register, "lut": cell("SB_LUT4", {"I0": 3, "I1": 5}, {"O": 6})})


def around(harness):
    return {name: cell for name, cell in harness.netlist.module["cells"].items() if name.startswith(PREFIX)}


@pytest.mark.parametrize("family", ["ecp5", "ice40"])
def test_three_pins_are_left(family):
    ports = surround(unit(family), family).netlist.module["ports"]
    assert {name: port["direction"] for name, port in ports.items()} == {
        "clock": "input",
        "scan": "input",
        "fold": "output",
    }
    assert ports["clock"]["bits"] == [2]


@pytest.mark.parametrize(("family", "data", "output"), [("ecp5", "DI", "Q"), ("ice40", "D", "Q")])
def test_every_port_has_a_register_on_the_other_side(family, data, output):
    cells = around(surround(unit(family), family))
    drivers = {
        cell["connections"][output][0]: name for name, cell in cells.items() if data in cell["connections"]
    }
    readers = {cell["connections"][data][0] for cell in cells.values() if data in cell["connections"]}
    assert drivers[3] == "harness.i[0]"
    assert drivers[4] == "harness.i[1]"
    assert 2 not in drivers  # the clock
    assert {5, 3, 6} <= readers  # each output bit that changes, once


@pytest.mark.parametrize("family", ["ecp5", "ice40"])
def test_the_harness_knows_its_size(family):
    harness = surround(unit(family), family)
    kinds = Counter(cell["type"] for cell in around(harness).values())
    assert harness.registers == kinds["TRELLIS_FF"] + kinds["SB_DFF"] == 2 + 3 + 1  # in, out, fold
    assert harness.luts == kinds["LUT4"] + kinds["SB_LUT4"] == 1
    # The register at `ready` shares the cell of the unit's LUT, the one of the fold that of its exclusive-or.
    assert harness.logic_cells == (harness.registers if family == "ecp5" else 5)


@pytest.mark.parametrize("family", ["ecp5", "ice40"])
def test_the_unit_itself_is_untouched(family):
    before = unit(family)
    inside = surround(before, family).netlist.module["cells"]
    assert {name: inside[name] for name in before.module["cells"]} == before.module["cells"]
    assert set(before.module["ports"]) == set(PORTS)


def test_no_two_cells_drive_one_net():
    wide = {"aclk": ("input", [2]), "i": ("input", list(range(3, 40))), "o": ("output", list(range(40, 90)))}
    cells = {str(bit): cell("TRELLIS_FF", {"CLK": 2, "DI": 3}, {"Q": bit}) for bit in range(40, 90)}
    harness = surround(netlist(wide, cells), "ecp5")
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
    unclocked = netlist(
        {"i": ("input", [2]), "o": ("output", [3])}, {"lut": cell("LUT4", {"A": 2}, {"Z": 3})}
    )
    ports = surround(unclocked, "ecp5").netlist.module["ports"]
    assert ports["clock"]["bits"] not in ([2], [3])


def test_bidirectional_ports_are_refused():
    with pytest.raises(CheckFailed, match="unit: bidirectional ports cannot be placed without pins"):
        surround(netlist({"pad": ("inout", [2])}, {}), "ecp5")
