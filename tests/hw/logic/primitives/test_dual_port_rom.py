import random
import re
from collections import Counter

import pytest

from hw.logic.primitives.side_by_side import SideBySide, cells, ice40_cells, simulated_verilog
from streamnorm.logic.primitives import FAMILIES, BlockRam, DualPortRom, block_count
from streamnorm_sim.cells import cell_models

CYCLES = 300
SIZES = [(18, 1024), (9, 256), (40, 512), (37, 1000), (7, 3), (3, 1)]


def memories(family: str) -> list[DualPortRom]:
    """Every size with and without output register; one with less contents than words."""
    generator = random.Random(family)
    return [
        DualPortRom(
            width=width,
            depth=depth,
            family=family,
            output_register=output_register,
            init=[generator.getrandbits(width) for _ in range(depth - (depth == 256))],
        )
        for output_register in (False, True)
        for width, depth in SIZES
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_each_port_reads_its_own_address(family: str) -> None:
    for memory in memories(family):
        design = SideBySide([memory])
        inputs = design.random_inputs(CYCLES)
        words = [*memory.init, *[0] * (memory.depth - len(memory.init))]
        bits = len(memory.address_a)
        expected = [words[value & (1 << bits) - 1] | words[value >> bits] << memory.width for value in inputs]
        assert design.simulated(inputs)[memory.latency :] == expected[: -memory.latency]


@pytest.mark.parametrize("family", ["ecp5", "ice40"])
def test_emitted_verilog_behaves_like_amaranth(family: str, tmp_path) -> None:
    design = SideBySide(memories(family))
    inputs = design.random_inputs(CYCLES)
    emitted = simulated_verilog(tmp_path, design.emitted(family), design, inputs)
    assert emitted[2:] == design.simulated(inputs)[2:]


@pytest.mark.parametrize("family", ["ecp5", "ice40"])
def test_cells_behave_like_amaranth(family: str, tmp_path) -> None:
    design = SideBySide(memories(family))
    inputs = design.random_inputs(CYCLES)
    text = design.emitted(family) + (cell_models("ecp5") if family == "ecp5" else ice40_cells())
    assert simulated_verilog(tmp_path, text, design, inputs, "SYNTHESIS")[2:] == design.simulated(inputs)[2:]


@pytest.mark.parametrize(
    ("family", "synthesis", "cell"), [("ecp5", "synth_ecp5", "DP16KD"), ("ice40", "synth_ice40", "SB_RAM40_4K")]
)
def test_blocks_are_as_many_as_counted(family: str, synthesis: str, cell: str, tmp_path) -> None:
    roms = memories(family)
    types = Counter(found["type"] for found in cells(tmp_path, SideBySide(roms).emitted(family), synthesis).values())
    assert types[cell] == sum(rom.blocks for rom in roms)


@pytest.mark.parametrize("family", FAMILIES)
def test_two_readers_take_no_more_blocks_than_a_memory_each(family: str) -> None:
    for rom in memories(family):
        apart = 2 * block_count(rom.width, rom.depth, family)
        assert rom.blocks == apart if family.startswith("ice40") else rom.blocks <= apart
        assert rom.blocks == apart // 2 or rom.width > 18 or family.startswith("ice40")


def test_ecp5_contents_sit_where_those_of_one_reader_do(tmp_path) -> None:
    generator = random.Random(1)
    words = [generator.getrandbits(18) for _ in range(1024)]
    contents = []
    for kind in (BlockRam, DualPortRom):
        memory = kind(width=18, depth=1024, family="ecp5", output_register=True, init=words)
        netlist = cells(tmp_path, SideBySide([memory]).emitted("ecp5"), "synth_ecp5")
        (block,) = [found["parameters"] for found in netlist.values() if found["type"] == "DP16KD"]
        assert (block["REGMODE_A"], block["REGMODE_B"]) == ("OUTREG", "OUTREG")
        contents.append([block[f"INITVAL_{index:02X}"] for index in range(64)])
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 0}, "a memory needs at least 1 bit and 1 entry, not 0 and 4"),
        ({"depth": 0}, "a memory needs at least 1 bit and 1 entry, not 8 and 0"),
        ({"depth": 1025}, "a memory with two read ports has at most 1024 entries, not 1025"),
        ({"init": [0] * 5}, "5 initial words do not fit a memory of 4"),
        ({"init": [256]}, "initial word 0, 256, is not an unsigned number of 8 bits"),
        ({"family": "ecp4"}, "family must be one of generic, ecp5, ice40, ice40-up5k, not 'ecp4'"),
    ],
)
def test_wrong_arguments_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        DualPortRom(**({"width": 8, "depth": 4, "output_register": False, "init": [1]} | changes))
