import re
from collections import Counter

import pytest

from hw.logic.primitives.side_by_side import SideBySide, cells, simulated_verilog
from streamnorm.logic.primitives import DistributedRam

SIZES = [(4, 16), (9, 5), (60, 8), (1, 1), (5, 48)]


def memories(family: str) -> list[DistributedRam]:
    return [DistributedRam(width=width, depth=depth, family=family) for width, depth in SIZES]


def test_reads_in_the_same_cycle_what_was_written_before():
    for memory in memories("generic"):
        design = SideBySide([memory])
        inputs = design.random_inputs(200)
        words = [0] * memory.depth
        for value, output in zip(inputs, design.simulated(inputs), strict=True):
            fields = {}
            for name in design.names(memory, inputs=True):
                width = len(getattr(memory, name))
                fields[name], value = value & (1 << width) - 1, value >> width
            assert output == words[fields["read_address"]]
            if fields["write_enable"]:
                words[fields["write_address"]] = fields["write_data"]


def test_emitted_verilog_behaves_like_amaranth(tmp_path):
    family = "ecp5"
    design = SideBySide(memories(family))
    inputs = design.random_inputs(200)
    assert simulated_verilog(tmp_path, design.emitted(family), design, inputs) == design.simulated(inputs)


def test_ecp5_takes_lut_memory(tmp_path):
    design = SideBySide([DistributedRam(width=10, depth=16, family="ecp5")])
    netlist = cells(tmp_path, design.emitted("ecp5"), "synth_ecp5")
    types = Counter(found["type"] for found in netlist.values())
    assert types["TRELLIS_DPR16X4"] == 3
    assert types["TRELLIS_FF"] == 0


@pytest.mark.parametrize(("width", "depth"), [(0, 4), (4, 0)])
def test_an_empty_memory_is_refused(width, depth):
    message = f"a memory needs at least 1 bit and 1 entry, not {width} and {depth}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        DistributedRam(width=width, depth=depth)


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match=r"^family must be one of generic, ecp5, ice40, ice40-up5k, not 'x'$"):
        DistributedRam(width=1, depth=1, family="x")
