"""Random configurations of floating-point numbers on either side, for tests of the numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt

from family import PART, keys_of
from streamnorm.errors import ConfigError
from streamnorm.precision.lane import precision_of
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat, IntFormat, NumberFormat

FLOATS = ("bf16", "fp16", "fp32", "fp8_e5m2", "fp8_e4m3fn", "float(3, 4)", "float(6, 9)")
OVERFLOWS = ("infinity", "nan", "saturate")

MEMBERS = (
    "layernorm", "layernorm, floor", "layernorm, root", "groupnorm", "instancenorm",
    "adanorm", "l1norm", "frozen", "rmsnorm", PART, "crmsnorm", "l2norm", "l2norm, floor", "l2norm, root",
)  # fmt: skip
"""Of the family, those that have an arithmetic for floating point."""

LENGTHS = (1, 2, 3, 4, 5, 8, 17, 33, 64, 100, 200)


def drawn_float_format(rng: np.random.Generator) -> FloatFormat:
    """Any named format, or one of few bits; every third one overflows to something else than its name says."""
    name = str(rng.choice(FLOATS))
    try:
        return FloatFormat(name, overflow=str(rng.choice(OVERFLOWS))) if rng.integers(3) == 0 else FloatFormat(name)
    except ConfigError:  # an infinity that the format does not have
        return FloatFormat(name)


def drawn_float_config(seed: int, **fixed: Any) -> NormConfig:
    """A configuration that can be built, floating-point numbers on one side at least, or on both."""
    rng = np.random.default_rng(seed)
    while True:
        try:
            config = _drawn(rng, fixed)
            precision_of(config)
        except ConfigError:
            continue
        return config


def _drawn(rng: np.random.Generator, fixed: dict[str, Any]) -> NormConfig:
    sides = rng.choice(["both", "both", "in", "out"])
    source: NumberFormat = drawn_float_format(rng)
    output: NumberFormat = drawn_float_format(rng)
    if sides == "out":
        source = _integers(rng, float(2.0 ** rng.uniform(-12, 3)))
    if sides == "in":
        output = _integers(rng, float(2.0 ** rng.uniform(-10, -4)))
    length = int(rng.choice(LENGTHS))
    reach = 1.0 if output.is_float else (output.max - output.min) * output.scale / 6
    repeat = int(rng.integers(1, 5)) if rng.integers(3) == 0 else 1
    banks = int(rng.integers(1, 4))
    values = (banks, -(-length // repeat))
    epsilon = float(rng.choice([0.0, 1e-12, 1e-6, 1e-5, 1e-2, 1.0]))
    keys: dict[str, Any] = {
        **keys_of(str(rng.choice(MEMBERS)), longest=length, epsilon=epsilon, reach=1.0),
        "lanes": int(rng.integers(1, 9)),
        "max_length": length,
        "input": source,
        "output": output,
        "banks": banks,
        "parameter_repeat": repeat,
        "gamma": _parameter(rng, rng.normal(0, reach * 2.0 ** rng.uniform(-2, 1), values)),
        "beta": _parameter(rng, rng.normal(0, reach * 2.0 ** rng.uniform(-4, 1), values)),
    }
    return NormConfig(**{**keys, **fixed})


def _integers(rng: np.random.Generator, scale: float) -> IntFormat:
    bits = int(rng.integers(4, 17))
    return IntFormat(bits, scale=scale, zero_point=int(rng.integers(-3, 4)))


def _parameter(rng: np.random.Generator, values: npt.NDArray[np.float64]) -> Any:
    """None, one number, or numbers that bf16 holds, or fp16, or fp32."""
    kind = rng.integers(5)
    if kind < 2:
        return None if kind == 0 else float(values.flat[0])
    held = FloatFormat(("bf16", "fp16", "fp32")[kind - 2])
    array = held.dequantize(held.quantize(values))
    return array if len(array) > 1 else array[0]
