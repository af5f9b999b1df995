import re

import pytest

from streamnorm.errors import CheckFailed
from streamnorm_fpga.devices import device_for
from streamnorm_fpga.synthesis import synthesis
from streamnorm_fpga.synthesis.synthesis import synthesize

ECP5 = device_for("ecp5-12k-6")


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("STREAMNORM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_same_is_synthesized_once(cache, small_verilog, monkeypatch):
    first = synthesize(small_verilog, "small", ECP5)
    monkeypatch.setattr(synthesis, "_run_yosys", lambda *_: pytest.fail("yosys runs again"))
    assert synthesize(small_verilog, "small", ECP5) == first
    assert len(list(cache.iterdir())) == 1


def test_other_text_part_or_options_are_another_netlist(cache, small_verilog):
    synthesize(small_verilog, "small", ECP5)
    synthesize(small_verilog + "// changed\n", "small", ECP5)
    synthesize(small_verilog, "small", ECP5, options=("-nowidelut",))
    synthesize(small_verilog, "small", device_for("ice40-hx1k"))
    assert len(list(cache.iterdir())) == 4
    # Speed grade and size change nothing that yosys does.
    synthesize(small_verilog, "small", device_for("ecp5-85k-8"))
    assert len(list(cache.iterdir())) == 4


def test_hierarchy_stays_in_the_names(small_verilog):
    cells = synthesize(small_verilog, "small", ECP5).module["cells"]
    assert {name for name, cell in cells.items() if cell["type"] == "$scopeinfo"} == {"moments", "apply"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("module unit (input clk", "syntax error, unexpected end of file"),
        ("module unit; absent part (); endmodule", "Module `\\absent' referenced in module `\\unit'"),
        ("module other; endmodule", "Module `unit' not found!"),
        (
            "module unit(input a, b, output o); assign o = a & b; assign o = a | b; endmodule",
            "multiple conflicting drivers for unit.",
        ),
    ],
)
def test_what_yosys_refuses_is_quoted(cache, text, reason):
    with pytest.raises(CheckFailed, match=re.escape(reason)) as error:
        synthesize(text, "unit", ECP5)
    assert str(error.value).startswith("yosys cannot synthesize unit: ")
    assert list(cache.iterdir()) == []
