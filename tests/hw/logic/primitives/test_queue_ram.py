"""What was fetched waits in its registers, in Amaranth, in the emitted Verilog, and in the device's cells."""

import re
from collections import Counter

import pytest

from hw.logic.primitives.side_by_side import SideBySide, cells, simulated_verilog
from streamnorm.logic.primitives import FAMILIES, QueueRam
from streamnorm_sim.cells import cell_models

CYCLES = 400
SIZES = [(73, 32), (36, 512), (1, 16), (40, 33), (7, 2)]


def memories(family: str) -> list[QueueRam]:
    return [QueueRam(width=width, depth=depth, family=family) for width, depth in SIZES]


def fields(memory: QueueRam, value: int) -> dict[str, int]:
    found = {}
    for name in SideBySide.names(memory, inputs=True):
        width = len(getattr(memory, name))
        found[name] = value & (1 << width) - 1
        value >>= width
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_words_wait_until_they_are_sent_on(family: str) -> None:
    for memory in memories(family):
        design = SideBySide([memory])
        inputs = design.random_inputs(CYCLES)
        words, fetched, out, expected = [0] * memory.depth, 0, 0, []
        for value in inputs:
            at = fields(memory, value)
            expected.append(out)
            out = fetched if at["forward"] else out
            fetched = words[at["read_address"]] if at["fetch"] else fetched
            if at["write_enable"]:
                words[at["write_address"]] = at["write_data"]
        assert design.simulated(inputs) == expected
        assert len(set(expected)) > 1


@pytest.mark.parametrize("defines", [(), ("SYNTHESIS",)])
def test_ecp5s_verilog_and_cells_behave_like_amaranth(defines: tuple, tmp_path) -> None:
    design = SideBySide(memories("ecp5"))
    inputs = design.random_inputs(CYCLES)
    text = design.emitted("ecp5") + (cell_models("ecp5") if defines else "")
    assert simulated_verilog(tmp_path, text, design, inputs, *defines)[2:] == design.simulated(inputs)[2:]


def test_blocks_are_as_many_as_counted(tmp_path) -> None:
    rams = memories("ecp5")
    netlist = cells(tmp_path, SideBySide(rams).emitted("ecp5"), "synth_ecp5")
    types = Counter(found["type"] for found in netlist.values())
    assert types["DP16KD"] == sum(ram.blocks for ram in rams) == 8
    assert types["TRELLIS_FF"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 0}, "a queue's memory has at least 1 bit and 1 to 512 entries, not 0 and 4"),
        ({"depth": 0}, "a queue's memory has at least 1 bit and 1 to 512 entries, not 8 and 0"),
        ({"depth": 513}, "a queue's memory has at least 1 bit and 1 to 512 entries, not 8 and 513"),
        ({"family": "ecp4"}, "family must be one of generic, ecp5, ice40, ice40-up5k, not 'ecp4'"),
    ],
)
def test_wrong_arguments_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        QueueRam(**({"width": 8, "depth": 4} | changes))
