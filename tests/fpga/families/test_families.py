"""What every device family of the registry keeps, whatever it is: a new one is tested by its line there."""

import json
import re
from dataclasses import fields

import pytest

from fpga.board_designs import tiny_design
from fpga.netlists import assert_same_cells
from streamnorm.spec.targets import TARGET_NAMES, Target
from streamnorm_fpga.bitstream.build import build, files_of
from streamnorm_fpga.bitstream.pack import is_for, part_of
from streamnorm_fpga.boards import BOARDS
from streamnorm_fpga.boards.examples import FAMILIES as PRIMITIVES
from streamnorm_fpga.boards.examples import family_of
from streamnorm_fpga.devices import DEVICES
from streamnorm_fpga.families import FAMILIES, Family
from streamnorm_fpga.place.blocks import Blocks
from streamnorm_fpga.place.flow import fit_verilog
from streamnorm_fpga.place.harness import surround
from streamnorm_fpga.place.resources import NAMES, Resources, cells_of
from streamnorm_fpga.synthesis.mapping import map_to_part
from streamnorm_fpga.synthesis.structural import script_around, structural_verilog
from streamnorm_sim.cells import FAMILIES as CELLS
from streamnorm_sim.toolchain.tools import YOSYS, Tool

EVERY = pytest.mark.parametrize("family", FAMILIES.values(), ids=str)
MAY_BE_EMPTY = {"passes", "settle_seconds", "pack_tells_version"}


def targets_of(family):
    return [name for name in TARGET_NAMES if Target(name, 100.0).primitives in family.representatives]


def boards_of(family):
    return [board for board in BOARDS.values() if board.family is family]


def is_called(family, part, identity):
    """Whether what bitstreams say of a part is its name, as far as they tell it."""
    told = family.parts[identity]
    return part.startswith(told) or part.removeprefix(family.title) in told


@EVERY
def test_it_is_complete(family):
    assert FAMILIES[family.name] is family
    left_out = {field.name for field in fields(Family) if not getattr(family, field.name)} - MAY_BE_EMPTY
    assert not left_out
    assert {*family.used} <= {*NAMES}
    assert all(isinstance(tool, Tool) and tool.command() for tool in (family.nextpnr, family.pack))


def test_names_and_endings_are_its_own():
    for own in ("name", "title", "constraints", "bitstream"):
        assert len({getattr(family, own) for family in FAMILIES.values()}) == len(FAMILIES), own


@EVERY
def test_its_parts_are_the_targets_with_its_primitives(family):
    devices = list(family.devices())
    assert [device.name for device in devices] == targets_of(family)
    for device in devices:
        assert DEVICES[device.name] == device
        assert device.family is family
        assert is_called(family, device.part, device.identity)
        assert not any("{" in argument for argument in device.nextpnr_arguments)
        assert device.nextpnr_arguments[0] == f"--{device.flag}"
        room = Resources.of_part(device)
        assert room.comb > 0
        assert room.ff > 0
        assert room.bram > 0


def test_every_target_but_generic_has_one_family():
    assert sorted(name for family in FAMILIES.values() for name in targets_of(family)) == sorted(
        set(TARGET_NAMES) - {"generic"}
    )


@EVERY
def test_files_are_options_of_the_tools(family):
    read_and_written = re.findall(r"{(\w+)}", " ".join((*family.pin_options, *family.pack_options)))
    assert sorted(read_and_written) == ["bitstream", "configuration", "configuration", "constraints"]


@EVERY
def test_its_boards(family):
    boards = boards_of(family)
    assert boards
    for board in boards:
        low, high = board.pll.range_mhz
        assert 0 < low < high
        assert re.compile(board.pll.achieved).groups == 1
        assert is_called(family, board.part, board.device.identity)


@EVERY
def test_a_board_stands_for_each_kind_of_primitives(family):
    for stands in family.representatives.values():
        assert PRIMITIVES[stands.name] is stands
        assert BOARDS[stands.board].family is family
        assert family_of(BOARDS[stands.board]) == stands.name
    assert {family_of(board) for board in boards_of(family)} <= {
        stands.name for stands in family.representatives.values()
    }


@EVERY
def test_its_cells_can_be_simulated(family):
    kinds = CELLS[family.name].kinds
    assert family.register.kind in kinds
    assert family.lut.kind in kinds
    assert any(kind in kinds for kind in family.dsp)
    assert any(kind in kinds for kind in family.bram)
    assert family.lut.kind in family.comb


@EVERY
def test_a_unit_is_mapped_counted_placed_and_packed(family, small_verilog):
    """What the tools of the family do with what it says of them."""
    board = boards_of(family)[0]
    target = board.target
    netlist = map_to_part(small_verilog, "small", DEVICES[target])
    cells = cells_of(netlist, family)
    assert cells.ff == 32  # two registers of 16 bits
    assert 16 < cells.comb < 80
    kinds = {cell["type"] for cell in netlist.module["cells"].values()} - {"$scopeinfo"}
    assert all(kind.startswith(CELLS[family.name].kinds) for kind in kinds)
    harness = surround(netlist, family)
    around = cells_of(harness.netlist, family)
    assert (around.comb - cells.comb, around.ff - cells.ff) == (harness.luts, harness.registers)
    assert {Blocks(netlist, family).of(name) for name in netlist.module["cells"]} >= {"moments", "apply"}
    report = fit_verilog(small_verilog, "small", target, 50.0, (1,))
    assert report.unit.ff == 32
    assert set(report.unit.to_dict()) == set(Resources.of_part(DEVICES[target]).to_dict())
    assert set(report.tools) >= {"yosys", family.nextpnr.name}


@EVERY
def test_a_netlist_as_verilog_stays_as_it_is_within_a_design(family, small_verilog, tmp_path):
    device = DEVICES[boards_of(family)[0].target]
    netlist = map_to_part(small_verilog, "small", device)
    (tmp_path / "netlist.v").write_text(structural_verilog(netlist))
    head = re.search(r"module small(.*?\);)", small_verilog, re.DOTALL)
    assert head
    connections = ", ".join(f".{name}({name})" for name in netlist.module["ports"])
    (tmp_path / "design.v").write_text(f"module design{head[1]} small unit ({connections}); endmodule")
    code, output = YOSYS.run(["-q", "-p", "; ".join(script_around("netlist.v", device))], tmp_path)
    assert (code, output) == (0, "")
    design = json.loads((tmp_path / "design.json").read_text())["modules"]["design"]
    assert_same_cells(design, netlist.module, "unit.")


@EVERY
def test_a_design_with_pins_becomes_a_bitstream_of_its_part(family):
    board = boards_of(family)[0]
    report = build(tiny_design(board.name), (1,))
    assert is_for(report.bitstream, board)
    assert part_of(report.bitstream) == family.parts[board.device.identity]
    assert not any(is_for(report.bitstream, other) for other in BOARDS.values() if other.family is not family)
    assert {f"tiny.{family.bitstream}", f"tiny.{family.constraints}"} <= set(files_of(report))
    assert family.identity_of(b"no bitstream at all" * 50) is None
    assert family.other_part.format(max(family.parts) + 1) not in family.parts.values()
