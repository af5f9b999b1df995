"""Normalizations of ONNX: the expected outputs of its own node tests, from golden model and exact reference.

The rows are quantized to integers. What a unit then may be off by, besides its 1 ulp, is what that changes, see
:func:`onnx_rows.moved`.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from onnx_rows import COMPUTED, TESTS, Floats, Rows, moved
from streamnorm.spec.config import NormConfig
from streamnorm.spec.norms import NORMS
from streamnorm_sim.reference.exact import exact_result
from streamnorm_sim.reference.golden import GoldenModel

FLOAT32 = 2.0**-20
"""What float32 may have done to an expected output, of the largest: some eight roundings."""


def distances(rows: Rows, config: NormConfig) -> tuple[Floats, Floats]:
    """How far golden model and exact reference, not rounded, are from what ONNX expects, in output steps."""
    x = config.input.quantize(rows.x)
    want = rows.y / config.output.scale
    golden = GoldenModel(config).normalize(x, banks=rows.banks)
    exact = exact_result(config, x, banks=rows.banks, as_given=True).scaled
    return np.abs(golden - want), np.abs(exact - want)


def able(name: str) -> Rows:
    """The rows of a test; skipped until there is the norm that computes them."""
    rows = TESTS[name]
    assert rows is not None
    if rows.norm not in NORMS:
        pytest.skip(f"there is no norm {rows.norm!r}")
    return rows


def test_every_operator_has_tests() -> None:
    assert len(TESTS) >= 45
    found = [rows.norm for rows in TESTS.values() if rows is not None]
    assert {norm: found.count(norm) for norm in found} == {
        "layernorm": 24, "rmsnorm": 19, "l2norm": 3, "affine": 2,
    }  # fmt: skip
    assert [name for name, rows in TESTS.items() if rows is None] == [
        "test_l1normalization_axis_0", "test_l1normalization_axis_1", "test_l1normalization_axis_last",
        "test_batchnorm_example_training_mode", "test_batchnorm_epsilon_training_mode",
    ]  # fmt: skip


@pytest.mark.parametrize("name", COMPUTED)
def test_node_test(name: str) -> None:
    rows = able(name)
    config = rows.config()
    by_input = moved(rows, config) / config.output.scale + FLOAT32 * 2**15
    golden, exact = distances(rows, config)
    assert (exact <= by_input).all(), f"{name}: {exact.max()} LSB, {by_input.max()} allowed"
    assert (golden <= 1 + by_input).all(), f"{name}: {golden.max()} LSB, {1 + by_input.max()} allowed"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("test_layer_normalization_3d_axis1_epsilon", {"epsilon": 0.098}),
        ("test_layer_normalization_3d_axis1_epsilon", {"epsilon_placement": "root"}),
        ("test_rms_normalization_3d_axis_negative_1_epsilon", {"epsilon": 0.098}),
        ("test_rms_normalization_4d_axis3", {"norm": "layernorm"}),
        ("test_l2normalization_axis_1", {"norm": "rmsnorm"}),
        ("test_group_normalization_epsilon", {"epsilon": 0.0}),
        ("test_mvn", {"epsilon": 1e-3}),
    ],
)
def test_another_norm_is_told_apart(name: str, changes: dict[str, Any]) -> None:
    """The tolerances are narrow enough that a little less epsilon, or epsilon in another place, is beyond them."""
    rows = able(name)
    config = rows.config(**changes)
    by_input = moved(rows, config) / config.output.scale + FLOAT32 * 2**15
    golden, exact = distances(rows, config)
    assert (exact > by_input).any()
    assert (golden > 1 + by_input).any()


def test_rows_of_the_wrong_axis_are_told_apart() -> None:
    rows = able("test_layer_normalization_4d_axis3")
    turned = replace(rows, x=rows.x.reshape(2, 3, 4, 5).swapaxes(1, 2).reshape(-1, 5))
    config = turned.config()
    assert (distances(turned, config)[0] > 1 + moved(turned, config) / config.output.scale).any()
