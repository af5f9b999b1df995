import pytest

from fpga.netlists import cell, netlist, scope
from streamnorm_fpga.families import FAMILIES
from streamnorm_fpga.place.blocks import Blocks

# The top module is in lines 1 to 9, its blocks in 10 to 19 (once) and 20 to 29 (twice).
SCOPES = {
    "moments": scope("design.v:10.1-19.10"),
    "lane_0": scope("design.v:20.1-29.10"),
    "lane_1": scope("design.v:20.1-29.10"),
    "lane_1.tile": scope("design.v:30.1-39.10"),
}
CELLS = {
    # Named after a net of lane_0, where its output goes, but written in moments.
    "lane_0.i_TRELLIS_FF_Q": cell("TRELLIS_FF", {"DI": 2}, {"Q": 3}, source="design.v:12.3-12.30|cells.v:1.1-2.2"),
    # The same module twice: the second name of its output tells which one.
    "count_TRELLIS_FF_Q": cell("TRELLIS_FF", {"DI": 2}, {"Q": 4}, source="design.v:25.3-25.9"),
    "lane_0.i_TRELLIS_FF_Q_DI_LUT4_Z": cell("LUT4", {"A": 3}, {"Z": 2}, source="/share/cells_map.v:5.5-6.6"),
    "lane_1.tile.dsp": cell("MULT18X18D", {"A0": 3}, {"P0": 5}),
    "state_TRELLIS_FF_Q": cell("TRELLIS_FF", {"DI": 2}, {"Q": 6}, source="design.v:4.3-4.9"),
}


def blocks_of(family):
    nets = {"count": [4], "lane_1.count": [4], "lane_0.i": [3], "moments.sum": [3]}
    return Blocks(netlist({}, SCOPES | CELLS, nets=nets, source="design.v:1.1-9.10"), FAMILIES[family])


@pytest.fixture
def blocks():
    return blocks_of("ecp5")


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("lane_0.i_TRELLIS_FF_Q", "moments"),
        ("count_TRELLIS_FF_Q", "lane_1"),
        ("lane_0.i_TRELLIS_FF_Q_DI_LUT4_Z", "moments"),
        ("lane_1.tile.dsp", "lane_1.tile"),
        ("state_TRELLIS_FF_Q", "top"),
        ("lane_0.unknown", "lane_0"),
        ("unknown", "top"),
        ("harness.s_axis_tdata[3]", "port s_axis_tdata"),
    ],
)
def test_block_of_a_cell(blocks, name, block):
    assert blocks.of(name) == block


def test_a_name_alone_is_no_origin(blocks):
    assert blocks.origin("lane_0.i_TRELLIS_FF_Q_DI_LUT4_Z") == "moments"
    assert blocks.origin("lane_1.tile.dsp") is None
    assert blocks.origin("lane_0.unknown") is None


@pytest.mark.parametrize(
    ("family", "suffix"), [("ice40", "_LC"), ("ice40", "_DFFLC"), ("ecp5", "$CCU2_COMB0"), ("ecp5", "$ff")]
)
def test_what_nextpnr_appends_to_a_name_is_seen_through(family, suffix):
    assert blocks_of(family).of(f"lane_0.i_TRELLIS_FF_Q{suffix}") == "moments"
