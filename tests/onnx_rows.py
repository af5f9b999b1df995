"""The node tests of ONNX as rows: what goes in, what has to come out, and what quantizing the rows may change of that.

They come from the ``onnx`` wheel and have float32 rows, gamma and beta.
"""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx.backend.test.case import node as onnx_nodes

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.norms import NORMS

Floats = npt.NDArray[np.float64]

MODULES = {
    "LayerNormalization": "layernormalization",
    "RMSNormalization": "rmsnormalization",
    "LpNormalization": "lpnormalization",
    "MeanVarianceNormalization": "meanvariancenormalization",
    "GroupNormalization": "groupnormalization",
    "InstanceNormalization": "instance_normalization",
    "BatchNormalization": "batch_normalization",
}

BITS = 16
"""Of the integers that rows are quantized to where nothing else is asked for."""


@dataclass(frozen=True)
class Rows:
    """A node test as rows.

    Attributes
    ----------
    norm, keys : what is configured
    x, y : the rows, and what is expected of them, (rows, n)
    gamma, beta : of each bank and element, (banks, n)
    banks : which bank each row takes
    """

    norm: str
    x: Floats
    y: Floats
    gamma: Floats = field(default_factory=lambda: np.ones((1, 1)))
    beta: Floats = field(default_factory=lambda: np.zeros((1, 1)))
    banks: npt.NDArray[np.int64] | None = None
    keys: dict[str, Any] = field(default_factory=dict)

    def config(self, **changes: Any) -> NormConfig:
        """A unit from and to int16, whose scales are as fine as the rows and what is expected of them allow."""
        banks, n = self.gamma.shape[0], self.x.shape[1]
        shape = (banks, n) if banks > 1 else (n,)
        taken = NORMS[self.norm].keys
        return NormConfig(
            **{
                "norm": self.norm,
                "lanes": 1,
                "max_length": n,
                "input": IntFormat(BITS, scale=_scale(self.x)),
                "output": IntFormat(BITS, scale=_scale(self.y)),
                "gamma": np.broadcast_to(self.gamma, (banks, n)).reshape(shape),
                "beta": np.broadcast_to(self.beta, (banks, n)).reshape(shape),
                "banks": banks,
                **{key: value for key, value in self.keys.items() if key in taken},
                **changes,
            }
        )


def _scale(values: Floats) -> float:
    return float(np.abs(values).max()) / (2 ** (BITS - 1) - 1)


def over_last(x: Floats, y: Floats, axis: int) -> tuple[Floats, Floats]:
    """Everything from an axis on is one row, as LayerNormalization and RMSNormalization have it."""
    n = int(np.prod(x.shape[axis:]))
    return x.reshape(-1, n), y.reshape(-1, n)


def axis_last(values: Floats, axes: tuple[int, ...]) -> Floats:
    """Some axes together are a row, in their order, whatever lies between them."""
    n = int(np.prod([values.shape[axis] for axis in axes]))
    return np.moveaxis(values, axes, range(-len(axes), 0)).reshape(-1, n)


def layer(kind: str, of: dict[str, Any], x: Floats, y: Floats, gamma: Floats, beta: Floats | None = None) -> Rows:
    """y = (x - mean) / sqrt(variance + epsilon) * Scale + B; RMSNormalization without mean and B.

    The root is computed in the type ``stash_type``, 1 being float32.
    """
    assert of.get("stash_type", 1) == onnx.TensorProto.FLOAT
    rows, expected = over_last(x, y, of.get("axis", -1))
    n = rows.shape[1]
    beta = np.zeros(n) if beta is None else beta
    keys = {"epsilon": of.get("epsilon", 1e-5)}
    return Rows(kind, rows, expected, gamma.reshape(1, n), beta.reshape(1, n), keys=keys)


def lp(of: dict[str, Any], x: Floats, y: Floats) -> Rows | None:
    """y = x / sqrt(sum(x**2)) along one axis, without epsilon; 0 where 0 would be divided by 0."""
    if of.get("p", 2) != 2:
        return None  # a sum of magnitudes, without a mean that is subtracted
    axes = (of.get("axis", -1),)
    return Rows("l2norm", axis_last(x, axes), axis_last(y, axes), keys={"epsilon": 0.0})


def mean_variance(of: dict[str, Any], x: Floats, y: Floats) -> Rows:
    """y = (x - mean) / (sqrt(variance) + 1e-9), by default over all axes but the channels'."""
    axes = tuple(of.get("axes", (0, 2, 3)))
    keys = {"epsilon": 1e-9, "epsilon_placement": "root"}
    return Rows("layernorm", axis_last(x, axes), axis_last(y, axes), keys=keys)


def groups(of: dict[str, Any], x: Floats, y: Floats, gamma: Floats, beta: Floats, count: int) -> Rows:
    """LayerNorm of each group of an image's channels, gamma and beta for each channel: a bank for each group."""
    positions = int(np.prod(x.shape[2:]))
    n = x.shape[1] // count * positions
    of_channels = [np.repeat(values, positions).reshape(count, n) for values in (gamma, beta)]
    banks = np.tile(np.arange(count), x.shape[0])
    keys = {"epsilon": of.get("epsilon", 1e-5)}
    return Rows("layernorm", x.reshape(-1, n), y.reshape(-1, n), *of_channels, banks, keys)


def batch(of: dict[str, Any], x: Floats, y: Floats, *constants: Floats) -> Rows | None:
    """y = a*x + b with a = Scale / sqrt(var + epsilon), b = B - a*mean of each channel: a row has the channels."""
    if of.get("training_mode", 0):
        return None  # of the batch's own statistics, which are of no row
    scale, bias, mean, variance = constants
    a = scale / np.sqrt(variance + of.get("epsilon", 1e-5))
    channels_last = (np.moveaxis(values, 1, -1).reshape(-1, x.shape[1]) for values in (x, y))
    return Rows("affine", *channels_last, a[None], (bias - a * mean)[None])


def as_rows(test: onnx.NodeProto, inputs: list[Floats], y: Floats) -> Rows | None:
    """A node test as rows of a unit; None where no norm of rows computes that."""
    of = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in test.attribute}
    match test.op_type:
        case "LayerNormalization":
            return layer("layernorm", of, inputs[0], y, *inputs[1:])
        case "RMSNormalization":
            return layer("rmsnorm", of, inputs[0], y, *inputs[1:])
        case "LpNormalization":
            return lp(of, inputs[0], y)
        case "MeanVarianceNormalization":
            return mean_variance(of, inputs[0], y)
        case "GroupNormalization":
            return groups(of, inputs[0], y, inputs[1], inputs[2], of["num_groups"])
        case "InstanceNormalization":
            return groups(of, inputs[0], y, inputs[1], inputs[2], inputs[0].shape[1])
        case _:
            return batch(of, inputs[0], y, *inputs[1:])


def node_tests(operator: str) -> Iterator[tuple[str, Rows | None]]:
    """The tests of an operator, from the module of the wheel that states them.

    Importing it runs them, each giving node, inputs and outputs to ``expect``; what is done there otherwise, building
    models, takes seconds, and collecting the tests of all operators ten.
    """
    found: list[tuple[str, Rows | None]] = []

    def expect(test: onnx.NodeProto, inputs: Any, outputs: Any, name: str, **_: Any) -> None:
        if test.op_type == operator:
            x, y = [np.asarray(each, np.float64) for each in inputs], np.asarray(outputs[0], np.float64)
            found.append((name, as_rows(test, x, y)))

    state, own = np.random.get_state(), onnx_nodes.expect
    onnx_nodes.expect = expect
    try:
        with np.errstate(invalid="ignore"):  # 0 / 0, which is 0 then
            importlib.import_module(f"onnx.backend.test.case.node.{MODULES[operator]}")
    finally:
        onnx_nodes.expect = own
        np.random.set_state(state)
    yield from found


TESTS = {name: rows for operator in MODULES for name, rows in node_tests(operator)}
COMPUTED = [name for name, rows in TESTS.items() if rows is not None]


def denominators(rows: Rows) -> Floats:
    """What each row is divided by, in float64, (rows, 1)."""
    epsilon = rows.keys.get("epsilon", 0.0)
    if rows.norm == "affine":
        return np.ones((len(rows.x), 1))
    x = rows.x - rows.x.mean(axis=1, keepdims=True) if rows.norm == "layernorm" else rows.x
    v = (x**2).sum(axis=1, keepdims=True) / (1 if rows.norm == "l2norm" else x.shape[1])
    return np.sqrt(v) + epsilon if rows.keys.get("epsilon_placement") == "root" else np.sqrt(v + epsilon)


def moved(rows: Rows, config: NormConfig) -> Floats:
    """How far quantizing the rows may move each result.

    Let h be what quantizing moves an element by, and H the root of the mean of h² of its row. The mean moves by no more
    than H, and so does the root of a mean square, so the denominator D; that of a sum of n squares by sqrt(n) H.
    z = c / D then moves by (h + H + |z| H) / D with a mean, else by (h + |z| H) / D, where D has become that much
    smaller. A row of zeros stays one.
    """
    gamma, beta = of_each_row(rows, rows.gamma), of_each_row(rows, rows.beta)
    h = np.abs(config.input.dequantize(config.input.quantize(rows.x)) - rows.x)
    off = np.sqrt(np.mean(h**2, axis=1, keepdims=True))
    z = np.where(gamma == 0, 0, np.abs(rows.y - beta) / np.maximum(np.abs(gamma), 1e-30))
    d = denominators(rows)
    moves = np.sqrt(rows.x.shape[1]) * off if rows.norm == "l2norm" else 0 if rows.norm == "affine" else off
    shift = h + off if rows.norm == "layernorm" else h
    with np.errstate(divide="ignore", invalid="ignore"):
        by = (shift + z * moves) / np.maximum(d - moves, 0)
    return np.where(rows.x.any(axis=1, keepdims=True), by, 0.0) * np.abs(gamma)


def of_each_row(rows: Rows, values: Floats) -> Floats:
    """Gamma or beta as (rows, n)."""
    banks = np.zeros(len(rows.x), np.int64) if rows.banks is None else rows.banks
    return np.broadcast_to(values[banks], rows.x.shape)
