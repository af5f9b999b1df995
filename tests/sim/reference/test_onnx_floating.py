"""Normalizations of ONNX in floating point: its own node tests, from the golden model; the unit's are on the ladder.

Rows of float32 and what ONNX expects of them are taken as they are, at ONNX's own tolerances. The same rows in bf16 and
fp16 may be off by what quantizing them changes, and one unit in the last place.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.backend.test.case import node as onnx_nodes

from onnx_floats import ATOL, FORMATS, NOT_YET, RTOL, Unit, units
from onnx_rows import COMPUTED, TESTS, Rows
from streamnorm_sim.reference.golden import GoldenModel

SKIPPED = pytest.mark.skip(reason="the norm has no arithmetic for floating point yet")


def rows_of(name: str) -> Rows:
    rows = TESTS[name]
    assert rows is not None
    return rows


def is_skipped(name: str) -> bool:
    return rows_of(name).norm in NOT_YET


def worst(unit: Unit) -> float:
    codes = GoldenModel(unit.config).normalize(unit.batch.x, unit.batch.lengths, unit.batch.banks)
    return max(errors.max() for errors in unit.errors(codes).values())


@pytest.mark.parametrize("number_format", FORMATS)
@pytest.mark.parametrize("name", [pytest.param(n, marks=SKIPPED) if is_skipped(n) else n for n in COMPUTED])
def test_node_test(name, number_format):
    assert worst(Unit.of({name: rows_of(name)}, number_format)) <= 1


def test_tolerances_are_those_of_onnx():
    """All node tests have the same, which their maker gives them."""
    x = np.ones(1, np.float32)
    onnx_nodes.expect(onnx.helper.make_node("Neg", ["x"], ["y"]), [x], [-x], "test_of_tolerances")
    (case,) = [case for case in onnx_nodes._NodeTestCases if case.name == "test_of_tolerances"]
    assert (case.rtol, case.atol) == (RTOL, ATOL)


def test_every_node_test_is_in_a_unit():
    for number_format in FORMATS:
        of_units = [name for unit in units(number_format, 4).values() for name in unit.tests]
        assert sorted(of_units) == sorted(COMPUTED)


@pytest.mark.parametrize("number_format", ["fp32", "fp16"])
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("test_layer_normalization_3d_axis1_epsilon", {"epsilon": 0.09}),
        ("test_layer_normalization_3d_axis1_epsilon", {"epsilon_placement": "root"}),
        ("test_rms_normalization_3d_axis_negative_1_epsilon", {"epsilon": 0.09}),
        ("test_rms_normalization_4d_axis3", {"norm": "layernorm"}),
        ("test_l2normalization_axis_1", {"norm": "rmsnorm"}),
        ("test_instancenorm_epsilon", {"epsilon": 0.0}),
    ],
)
def test_another_norm_is_told_apart(name: str, changes: dict[str, Any], number_format: str) -> None:
    unit = Unit.of({name: rows_of(name)}, number_format)
    assert worst(replace(unit, config=unit.config.replace(**changes))) > 1


def test_four_steps_of_bf16_are_told_apart():
    unit = Unit.of({"test_layer_normalization_4d_axis2": rows_of("test_layer_normalization_4d_axis2")}, "bf16")
    codes = GoldenModel(unit.config).normalize(unit.batch.x, unit.batch.lengths, unit.batch.banks)
    (errors,) = unit.errors(codes + 4).values()
    assert np.mean(errors > 1) > 0.7
