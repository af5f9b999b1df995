import random
import re
from collections import Counter

import pytest

from hw.logic.primitives.side_by_side import SideBySide, cells, ice40_cells, simulated_verilog
from streamnorm.logic.primitives import FAMILIES, BlockGeometry, BlockRam, block_count, block_geometry
from streamnorm_sim.cells import cell_models

CYCLES = 400
# Every aspect ratio of both families, one word, several columns, several banks.
SIZES = [
    (40, 512),
    (36, 100),
    (18, 1000),
    (16, 256),
    (20, 1100),
    (9, 2048),
    (9, 4000),
    (8, 512),
    (4, 4096),
    (3, 1024),
    (2, 8192),
    (1, 16384),
    (2, 2048),
    (5, 1),
]


def memories(family: str) -> list[BlockRam]:
    """Every size with and without output register, with and without contents, some read-only."""
    generator = random.Random(family)
    return [
        BlockRam(
            width=width,
            depth=depth,
            family=family,
            output_register=output_register,
            init=[generator.getrandbits(width) for _ in range(depth)] if index % 3 else None,
            writable=bool((index + 1) % 4),
        )
        for output_register in (False, True)
        for index, (width, depth) in enumerate(SIZES)
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_reads_what_was_written_last(family):
    for memory in memories(family):
        design = SideBySide([memory])
        inputs = design.random_inputs(CYCLES)
        outputs = design.simulated(inputs)
        words = list(memory.init) + [0] * (memory.depth - len(memory.init))
        expected = []
        for value in inputs:
            fields = {}
            for name in design.names(memory, inputs=True):
                width = len(getattr(memory, name))
                fields[name], value = value & (1 << width) - 1, value >> width
            expected.append(words[fields["read_address"]])
            if fields.get("write_enable"):
                words[fields["write_address"]] = fields["write_data"]
        assert outputs[memory.latency :] == expected[: -memory.latency]


@pytest.mark.parametrize("family", ["ecp5", "ice40"])
def test_emitted_verilog_behaves_like_amaranth(family, tmp_path):
    design = SideBySide(memories(family))
    inputs = design.random_inputs(CYCLES)
    # A banked memory's multiplexer starts on bank 0's word, a single memory's register on 0.
    emitted = simulated_verilog(tmp_path, design.emitted(family), design, inputs)
    assert emitted[2:] == design.simulated(inputs)[2:]


def test_ecp5_cells_behave_like_amaranth(tmp_path):
    design = SideBySide(memories("ecp5"))
    inputs = design.random_inputs(CYCLES)
    text = design.emitted("ecp5") + cell_models("ecp5")
    assert simulated_verilog(tmp_path, text, design, inputs, "SYNTHESIS")[2:] == design.simulated(inputs)[2:]


def test_ice40_cells_behave_like_amaranth(tmp_path):
    design = SideBySide(memories("ice40"))
    inputs = design.random_inputs(CYCLES)
    text = design.emitted("ice40") + ice40_cells()
    # The cells' models start with unknown registers.
    assert simulated_verilog(tmp_path, text, design, inputs, "SYNTHESIS")[2:] == design.simulated(inputs)[2:]


@pytest.mark.parametrize(
    ("family", "synthesis", "cell"),
    [
        pytest.param("ecp5", "synth_ecp5", "DP16KD", marks=pytest.mark.slow),  # whole units are counted too
        ("ice40", "synth_ice40", "SB_RAM40_4K"),
    ],
)
def test_blocks_are_as_many_as_counted(family, synthesis, cell, tmp_path):
    design = SideBySide(memories(family))
    netlist = cells(tmp_path, design.emitted(family), synthesis)
    types = Counter(found["type"] for found in netlist.values())
    assert types[cell] == 2 * sum(block_count(width, depth, family) for width, depth in SIZES)


def test_ecp5_uses_the_blocks_own_output_register(tmp_path):
    for output_register, mode in ((False, "NOREG"), (True, "OUTREG")):
        memory = BlockRam(width=72, depth=512, family="ecp5", output_register=output_register)
        netlist = cells(tmp_path, SideBySide([memory]).emitted("ecp5"), "synth_ecp5")
        types = Counter(found["type"] for found in netlist.values() if found["type"] != "$scopeinfo")
        assert types == {"DP16KD": 2}
        for found in netlist.values():
            if found["type"] == "DP16KD":
                assert (found["parameters"]["REGMODE_A"], found["parameters"]["REGMODE_B"]) == (mode, mode)


def test_ecp5_contents_sit_where_yosys_puts_an_inferred_memory(tmp_path):
    """For every aspect ratio; the blocks are told apart by what is in them, which is random."""
    generator = random.Random(1)
    memories, ports, inferred = [], [], []
    for width, depth in ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384)):
        words = [generator.getrandbits(width) for _ in range(depth)]
        memories.append(BlockRam(width=width, depth=depth, family="ecp5", output_register=False, init=words))
        (tmp_path / f"words_{width}.hex").write_text("\n".join(f"{word:x}" for word in words))
        address = f"[{depth.bit_length() - 2}:0]"
        ports.append(
            f"input enable_{width}, input {address} write_{width}, input {address} read_{width}, "
            f"input [{width - 1}:0] data_{width}, output reg [{width - 1}:0] q_{width}"
        )
        inferred.append(f"""
    (* ram_style = "block" *) reg [{width - 1}:0] memory_{width} [0:{depth - 1}];
    initial $readmemh("words_{width}.hex", memory_{width});
    always @(posedge clk) begin
        if (enable_{width}) memory_{width}[write_{width}] <= data_{width};
        q_{width} <= memory_{width}[read_{width}];
    end
""")
    text = f"module side_by_side(input clk, {', '.join(ports)});{''.join(inferred)}endmodule\n"
    contents = []
    for verilog in (text, SideBySide(memories).emitted("ecp5")):
        netlist = cells(tmp_path, verilog, "synth_ecp5")
        blocks = [found["parameters"] for found in netlist.values() if found["type"] == "DP16KD"]
        assert len(blocks) == len(memories)
        contents.append(sorted([block[f"INITVAL_{index:02X}"] for index in range(64)] for block in blocks))
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("width", "depth", "family", "cut"),
    [
        (36, 512, "ecp5", BlockGeometry(36, 512, 1, 1)),
        (216, 96, "ecp5", BlockGeometry(36, 512, 6, 1)),
        (16, 300, "ecp5", BlockGeometry(18, 1024, 1, 1)),
        (20, 1536, "ecp5", BlockGeometry(9, 2048, 3, 1)),
        (36, 1536, "ecp5", BlockGeometry(36, 512, 1, 3)),
        (8, 16384, "ecp5", BlockGeometry(1, 16384, 8, 1)),
        (9, 16384, "ecp5", BlockGeometry(9, 2048, 1, 8)),
        (1, 32768, "ecp5", BlockGeometry(1, 16384, 1, 2)),
        (16, 256, "ice40", BlockGeometry(16, 256, 1, 1)),
        (2, 4096, "ice40-up5k", BlockGeometry(2, 2048, 1, 2)),
        (9, 300, "ice40", BlockGeometry(8, 512, 2, 1)),
    ],
)
def test_geometry_takes_fewest_blocks_then_fewest_banks(width, depth, family, cut):
    assert block_geometry(width, depth, family) == cut
    assert block_count(width, depth, family) == cut.columns * cut.banks


def test_generic_blocks_are_estimated_like_ecp5():
    assert block_geometry(40, 700, "generic") == block_geometry(40, 700, "ecp5")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 0}, "a memory needs at least 1 bit and 1 entry, not 0 and 4"),
        ({"depth": 0}, "a memory needs at least 1 bit and 1 entry, not 8 and 0"),
        ({"init": [0] * 5}, "5 initial words do not fit a memory of 4"),
        ({"init": [0, 256]}, "initial word 1, 256, is not an unsigned number of 8 bits"),
        ({"init": [-1]}, "initial word 0, -1, is not an unsigned number of 8 bits"),
        ({"family": "ecp4"}, "family must be one of generic, ecp5, ice40, ice40-up5k, not 'ecp4'"),
    ],
)
def test_wrong_arguments_are_refused(changes, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        BlockRam(**({"width": 8, "depth": 4, "output_register": False} | changes))
