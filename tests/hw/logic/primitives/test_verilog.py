import pytest
from amaranth.hdl import unsigned

from hw.logic.primitives.side_by_side import SideBySide, verilator
from streamnorm.logic.primitives import BlockRam, Emission, Multiplier, wrapper_modules
from streamnorm.logic.primitives.emission import emits_vendor_cells


def memory(family: str) -> BlockRam:
    return BlockRam(width=8, depth=4, family=family, output_register=True)


def test_text_holds_only_the_modules_used_and_one_copy_of_each():
    text = SideBySide([memory("ecp5"), memory("ecp5")]).emitted("ecp5")
    assert text.count("module streamnorm_ecp5_block_ram ") == 1
    assert "MULT18X18D" not in text


def test_order_does_not_depend_on_the_order_of_use():
    names = "streamnorm_ecp5_multiplier x(); streamnorm_ecp5_block_ram y();"
    assert wrapper_modules(names) == wrapper_modules(" ".join(reversed(names.split())))


def test_nothing_is_wrapped_without_vendor_cells():
    assert wrapper_modules("module top; endmodule") == ""
    assert "streamnorm_" not in SideBySide([memory("generic")]).emitted("generic")


def test_same_design_same_text():
    first, second = (SideBySide([memory("ice40"), memory("ice40")]).emitted("ice40") for _ in range(2))
    assert first == second


def test_ice40_without_tiles_multiplies_in_logic():
    shape = unsigned(20)
    multiplier = Multiplier(a_shape=shape, b_shape=shape, input_registers=True, output_registers=True, family="ice40")
    assert "streamnorm_" not in SideBySide([multiplier]).emitted("ice40")


def test_every_line_is_verilog_2001_of_readable_width():
    names = (
        "streamnorm_ecp5_multiplier streamnorm_ecp5_block_ram streamnorm_ecp5_dual_port_rom streamnorm_ecp5_queue_ram"
    )
    for line in wrapper_modules(f"{names} streamnorm_ice40_multiplier streamnorm_ice40_block_ram").splitlines():
        assert len(line) <= 150
        assert line == line.rstrip()


def test_vendor_cells_need_an_emission():
    assert not emits_vendor_cells(None, "ecp5")
    assert not emits_vendor_cells(Emission("generic"), "generic")
    assert emits_vendor_cells(Emission("ecp5"), "ecp5")


def test_families_do_not_mix():
    with pytest.raises(ValueError, match=r"^a primitive made for 'ecp5' cannot be emitted for 'ice40'$"):
        SideBySide([memory("ecp5")]).emitted("ice40")


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match=r"^family must be one of generic, ecp5, ice40, ice40-up5k, not 'ecp'$"):
        Emission("ecp")


@pytest.mark.parametrize(
    ("module", "parameters"),
    [
        *(
            (
                f"streamnorm_{tile}_multiplier",
                {"A_WIDTH": 7, "A_SIGNED": a, "INPUT_REGISTERS": b, "OUTPUT_REGISTERS": b},
            )
            for tile in ("ecp5", "ice40")
            for a, b in ((0, 0), (1, 1))
        ),
        *(
            ("streamnorm_ecp5_block_ram", {"WIDTH": width, "ADDRESS_WIDTH": address_width, "OUTPUT_REGISTER": register})
            for (width, address_width), register in (((36, 9), 0), ((18, 10), 1), ((9, 11), 1), ((1, 14), 1))
        ),
        *(("streamnorm_ecp5_dual_port_rom", {"OUTPUT_REGISTER": register}) for register in (0, 1)),
        ("streamnorm_ecp5_queue_ram", {}),
        *(
            ("streamnorm_ice40_block_ram", {"WIDTH": width, "ADDRESS_WIDTH": address_width})
            for width, address_width in ((16, 8), (8, 9), (4, 10), (2, 11))
        ),
    ],
)
def test_verilator_has_nothing_to_warn_of(module, parameters, tmp_path):
    (tmp_path / "wrappers.v").write_text(wrapper_modules(module))
    values = [f"-G{name}={value}" for name, value in parameters.items()]
    verilator(tmp_path, "--lint-only", "-Wall", "-Wno-DECLFILENAME", *values, "--top", module, "wrappers.v")
