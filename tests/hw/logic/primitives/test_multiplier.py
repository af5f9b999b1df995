import itertools
import re
from collections import Counter

import pytest
from amaranth.hdl import Shape, signed, unsigned

from hw.logic.primitives.side_by_side import SideBySide, cells, ice40_cells, simulated_verilog
from streamnorm.logic.primitives import FAMILIES, Multiplier, tile_limit
from streamnorm_sim.cells import cell_models

CYCLES = 300


def multipliers(family: str) -> list[Multiplier]:
    """Every signedness, every choice of registers, odd and full widths."""
    limit = tile_limit(family) or 20
    return [
        Multiplier(
            a_shape=Shape(a_width, a_signed),
            b_shape=Shape(b_width, b_signed),
            input_registers=inputs,
            output_registers=outputs,
            family=family,
        )
        for (a_signed, b_signed, inputs, outputs), (a_width, b_width) in zip(
            itertools.product((False, True), repeat=4),
            itertools.cycle([(limit, limit), (9, 5), (1, limit), (limit, 11), (limit - 1, limit)]),
            strict=False,
        )
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_product_is_exact_and_as_late_as_said(family):
    for multiplier in multipliers(family):
        design = SideBySide([multiplier])
        inputs = design.random_inputs(60)
        outputs = design.simulated(inputs)
        for value, output in zip(inputs, outputs[multiplier.latency :], strict=False):
            a = value & (1 << multiplier.a_shape.width) - 1
            b = value >> multiplier.a_shape.width
            a -= multiplier.a_shape.signed * (a >> multiplier.a_shape.width - 1) << multiplier.a_shape.width
            b -= multiplier.b_shape.signed * (b >> multiplier.b_shape.width - 1) << multiplier.b_shape.width
            assert output == a * b & (1 << multiplier.p_shape.width) - 1


@pytest.mark.parametrize("family", ["ecp5", "ice40-up5k"])
def test_emitted_verilog_behaves_like_amaranth(family, tmp_path):
    design = SideBySide(multipliers(family))
    inputs = design.random_inputs(CYCLES)
    assert simulated_verilog(tmp_path, design.emitted(family), design, inputs) == design.simulated(inputs)


def test_ecp5_cells_behave_like_amaranth(tmp_path):
    design = SideBySide(multipliers("ecp5"))
    inputs = design.random_inputs(CYCLES)
    text = design.emitted("ecp5") + cell_models("ecp5")
    assert simulated_verilog(tmp_path, text, design, inputs, "SYNTHESIS") == design.simulated(inputs)


def test_ice40_cells_behave_like_amaranth(tmp_path):
    design = SideBySide(multipliers("ice40-up5k"))
    inputs = design.random_inputs(CYCLES)
    text = design.emitted("ice40-up5k") + ice40_cells()
    # The cells' models start with unknown registers.
    assert simulated_verilog(tmp_path, text, design, inputs, "SYNTHESIS")[2:] == design.simulated(inputs)[2:]


@pytest.mark.parametrize(
    ("family", "synthesis", "cell"), [("ecp5", "synth_ecp5", "MULT18X18D"), ("ice40-up5k", "synth_ice40", "SB_MAC16")]
)
def test_one_tile_each_and_no_register_outside(family, synthesis, cell, tmp_path):
    design = SideBySide(multipliers(family))
    netlist = cells(tmp_path, design.emitted(family), synthesis)
    types = Counter(found["type"] for found in netlist.values() if found["type"] != "$scopeinfo")
    assert types == {cell: len(design.primitives)}


def test_ecp5_registers_are_named_by_strings(tmp_path):
    shape = signed(18)
    tiles = [
        Multiplier(a_shape=shape, b_shape=shape, input_registers=inputs, output_registers=outputs, family="ecp5")
        for inputs, outputs in ((True, True), (True, False), (False, True), (False, False))
    ]
    netlist = cells(tmp_path, SideBySide(tiles).emitted("ecp5"), "synth_ecp5")
    found = [
        tuple(cell["parameters"][f"REG_{port}_CLK"] for port in ("INPUTA", "INPUTB", "OUTPUT"))
        for _, cell in sorted(netlist.items())
        if cell["type"] == "MULT18X18D"
    ]
    assert found == [
        ("CLK0", "CLK0", "CLK0"),
        ("CLK0", "CLK0", "NONE"),
        ("NONE", "NONE", "CLK0"),
        ("NONE", "NONE", "NONE"),
    ]


@pytest.mark.parametrize(("family", "limit"), [("generic", None), ("ecp5", 18), ("ice40", None), ("ice40-up5k", 16)])
def test_tile_limit(family, limit):
    assert tile_limit(family) == limit


def test_too_wide_an_operand_is_refused():
    message = "operand b of a multiplier has 17 bits; a tile of 'ice40-up5k' takes at most 16"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Multiplier(
            a_shape=unsigned(16), b_shape=unsigned(17), input_registers=True, output_registers=True, family="ice40-up5k"
        )


def test_an_empty_operand_is_refused():
    with pytest.raises(ValueError, match=r"^operand a of a multiplier needs at least 1 bit$"):
        Multiplier(a_shape=unsigned(0), b_shape=unsigned(1), input_registers=False, output_registers=False)
