"""Layouts of beats: what there is besides with floating-point numbers."""

import pytest
from amaranth.hdl import unsigned

from hw.units.units import unit
from streamnorm.spec.formats import FloatFormat, IntFormat
from streamnorm.units.streams import parameter_layout, result_layout, row_layout

BF16, FP16 = FloatFormat("bf16"), FloatFormat("fp16")


@pytest.mark.parametrize(
    ("source", "output", "flags"),
    [(IntFormat(8), IntFormat(8), 0), (FP16, IntFormat(8), 3), (IntFormat(8), FP16, 3), (BF16, BF16, 3)],
    ids=lambda value: getattr(value, "name", value),
)
def test_flags_are_there_with_floating_point_numbers_on_either_side(source, output, flags):
    layout = result_layout(unit(input=source, output=output))
    assert ("flags" in layout.members) == bool(flags)
    if flags:
        assert list(layout["flags"].shape.members) == ["nan", "infinite", "overflow"]
    assert layout.size == 3 * output.bits + 3 + 1 + 1 + flags


def test_elements_and_loaded_values_of_floating_point_numbers_are_codes():
    config = unit(input=BF16, output=FP16, storage="ram", parameter_format="bf16")
    assert row_layout(config)["data"].shape.elem_shape == unsigned(16)
    assert result_layout(config)["data"].shape.elem_shape == unsigned(16)
    for name in ("gamma", "beta"):
        assert parameter_layout(config)[name].shape.elem_shape == unsigned(16)
        stored = parameter_layout(unit(input=BF16, storage="ram"))[name].shape.elem_shape
        assert stored.signed
