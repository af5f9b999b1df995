"""Measure units of floating point beside NumPy and ONNX Runtime, docs/float_truth.json: who is right where they differ.

    python tools/float_truth.py       all of it; some twenty seconds

The truth is the exact reference, in integers. The others are LayerNorm and RMSNorm in two passes as NumPy computes them
in float32, and the operators of ONNX Runtime on a processor, in the rows' own format; both get the same rows, gamma and
beta. `make docs` afterwards brings the figures to docs/float_truth.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from figures import ROOT
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.float_figures import float_figures
from streamnorm_sim.reference.models import golden_model

STORE = ROOT / "docs/float_truth.json"

N, ROWS = 384, 64
REAL_FORMATS = ("bf16", "fp16", "fp32")
UNITS = (("layernorm", "fp32"), ("layernorm", "fp16"), ("rmsnorm", "fp32"))

Floats = npt.NDArray[np.floating[Any]]
_Draw = Callable[[FloatFormat, np.random.Generator], npt.NDArray[np.float64]]
_SHAPE = (ROWS, N)


@dataclass(frozen=True)
class Kind:
    """Rows of a kind: what they are, their epsilon, and how they are drawn."""

    about: str
    epsilon: float
    draw: _Draw


def _signs(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    return rng.choice([-1.0, 1.0], _SHAPE)


def _one_huge(source: FloatFormat, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    rows = rng.normal(0, 1, _SHAPE)
    rows[np.arange(ROWS), rng.integers(N, size=ROWS)] = source.largest / 2
    return rows


def _large_mean(source: FloatFormat, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    means = 100 * rng.uniform(1, 2, (ROWS, 1)) * rng.choice([-1.0, 1.0], (ROWS, 1))
    return means * (1 + 2.0 ** (4 - source.precision) * rng.normal(0, 1, _SHAPE))


KINDS: Mapping[str, Kind] = {
    "normal": Kind("normal deviates", 1e-5, lambda source, rng: rng.normal(0, 1, _SHAPE)),
    "wide": Kind(
        "of both signs, over some twenty binades", 1e-5, lambda source, rng: _signs(rng) * 2 ** rng.normal(0, 4, _SHAPE)
    ),
    "constant": Kind("one number", 1e-5, lambda source, rng: np.repeat(rng.uniform(1, 1000, (ROWS, 1)), N, axis=1)),
    "large mean": Kind("a mean of 100 to 200, a deviation of about a dozen of its steps", 0.0, _large_mean),
    "1 and the next": Kind(
        "1, and the next larger number", 0.0,
        lambda source, rng: 1 + rng.integers(0, 2, _SHAPE) * 2.0**-source.fraction_bits,
    ),
    "one huge": Kind("normal deviates, and half the largest number", 1e-5, _one_huge),
    "largest": Kind("the largest number, of both signs", 1e-5, lambda source, rng: source.largest * _signs(rng)),
    "subnormal": Kind(
        "subnormal numbers of both signs", 0.0,
        lambda source, rng: _signs(rng) * source.scale * rng.integers(0, 1 << source.fraction_bits, _SHAPE),
    ),
}  # fmt: skip
"""Rows by name: what networks have first, then what breaks arithmetic."""


def stored() -> dict[str, Any]:
    """What has been measured: "tools" with their versions, "minilm" by format, "rows" of each unit and kind."""
    return json.loads(STORE.read_text("utf-8"))


def unit(norm: str, number_format: str, epsilon: float) -> NormConfig:
    """A unit from and to a format; gamma and beta are numbers of the format."""
    source, rng = FloatFormat(number_format), np.random.default_rng(5)
    gamma, beta = (
        source.dequantize(source.quantize(values)) for values in (rng.normal(1, 0.2, N), rng.normal(0, 0.2, N))
    )
    return NormConfig(
        norm=norm,
        lanes=4,
        max_length=N,
        input=source,
        output=source,
        epsilon=epsilon,
        gamma=gamma,
        beta=beta if norm == "layernorm" else None,
    )


def numpy_result(config: NormConfig, x: Floats) -> Floats:
    """In two passes, float32 all along, rounded to the rows' own type at the end."""
    rows = x.astype(np.float32)
    one = np.float32(1)
    with np.errstate(all="ignore"):
        centred = rows - rows.mean(axis=1, keepdims=True) if config.formula.centred else rows
        variance = np.mean(centred * centred, axis=1, keepdims=True)
        z = centred * (one / np.sqrt(variance + np.float32(config.epsilon)))
        y = z * np.asarray(config.gamma, np.float32)
        if config.beta is not None:
            y = y + np.asarray(config.beta, np.float32)
        return y.astype(x.dtype)


def onnx_runtime_result(config: NormConfig, x: Floats) -> Floats:
    """LayerNormalization or RMSNormalization as the default build computes it on a processor."""
    named = {"gamma": config.gamma, "beta": config.beta}
    given = {key: np.asarray(values, x.dtype) for key, values in named.items() if values is not None}
    return _session(config.norm, x.dtype.name, config.epsilon, tuple(given)).run(None, {"x": x, **given})[0]


@lru_cache
def _session(norm: str, dtype: str, epsilon: float, parameters: tuple[str, ...]) -> Any:
    import onnxruntime
    from onnx import helper

    operator, opset = {"layernorm": ("LayerNormalization", 17), "rmsnorm": ("RMSNormalization", 23)}[norm]
    number_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def described(name: str, shape: list[int | None]) -> Any:
        return helper.make_tensor_value_info(name, number_type, shape)

    node = helper.make_node(operator, ["x", *parameters], ["y"], axis=-1, epsilon=epsilon)
    inputs = [described("x", [None, N]), *(described(name, [N]) for name in parameters)]
    graph = helper.make_graph([node], norm, inputs, [described("y", [None, N])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def unit_result(config: NormConfig, x: Floats) -> Floats:
    """What the unit gives, to the last bit."""
    return config.output.dequantize(golden_model(config).normalize(config.input.quantize(x))).astype(x.dtype)


OTHERS: Mapping[str, Callable[[NormConfig, Floats], Floats]] = {
    "numpy": numpy_result,
    "onnxruntime": onnx_runtime_result,
}


def measured(norm: str, number_format: str, kind: str, others: tuple[str, ...] = tuple(OTHERS)) -> dict[str, Any]:
    """Errors on rows of a kind: of the unit, and of others.

    Of each "max_ulp" (of the results that are finite), "correctly_rounded" (a share), "not_finite" (results); of others
    also "differs", from the unit, and of these "unit_nearer" and "other_nearer".
    """
    about = KINDS[kind]
    config = unit(norm, number_format, about.epsilon)
    codes = config.input.quantize(about.draw(config.input, np.random.default_rng(6)))
    x = config.input.dequantize(codes).astype({"fp32": np.float32, "fp16": np.float16}[number_format])
    own, own_errors = _errors(config, codes, unit_result(config, x))
    found: dict[str, Any] = {"norm": norm, "format": number_format, "kind": kind, "unit": own}
    for name in others:
        entry, errors = _errors(config, codes, OTHERS[name](config, x))
        found[name] = {
            **entry,
            "differs": int((errors != own_errors).sum()),
            "unit_nearer": int((np.abs(own_errors) < np.abs(errors)).sum()),
            "other_nearer": int((np.abs(errors) < np.abs(own_errors)).sum()),
        }
    return found


def _errors(config: NormConfig, codes: npt.NDArray[np.int64], y: Floats) -> tuple[dict[str, Any], Floats]:
    finite = np.isfinite(y).ravel()
    accuracy = Accuracy.of(config, config.output.quantize(y), codes)
    assert accuracy.errors.size == y.size, "no exact result is beyond the format"
    errors = np.where(finite, accuracy.errors, np.inf)
    entry = {
        "max_ulp": float(np.abs(errors[finite]).max(initial=0.0)),
        "correctly_rounded": accuracy.correctly_rounded,
        "not_finite": int((~finite).sum()),
    }
    return entry, errors


def everything() -> Iterator[tuple[str, str, str]]:
    """Norm, format and kind of rows of all that is measured."""
    for norm, number_format in UNITS:
        for kind in KINDS:
            yield norm, number_format, kind


def main() -> int:
    """Measure, and keep what was found."""
    found = {
        "tools": {name: version(name) for name in OTHERS},
        "minilm": {number_format: float_figures(number_format) for number_format in REAL_FORMATS},
        "rows": [measured(*each) for each in everything()],
    }
    STORE.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
