"""A small unit to change: LayerNorm of int8, and what units with something fused around the norm take of formats."""

from typing import Any

from streamnorm.spec.config import NormConfig

INT8: dict[str, Any] = {"format": "int8", "scale": 0.05}
INT16: dict[str, Any] = {"format": "int16", "scale": 0.0005}
UINT6: dict[str, Any] = {"format": "uint6", "scale": 0.1, "zero_point": 37}
FLOAT_SCALES: dict[str, Any] = {"format": "int8", "scale": "row"}
POWER_SCALES: dict[str, Any] = {**FLOAT_SCALES, "scale_kind": "power-of-two"}


def small_unit(**keys: Any) -> NormConfig:
    """LayerNorm of int8, four lanes, rows of up to 24, epsilon 1e-5, with other keys; one that is None is left out."""
    plain: dict[str, Any] = {
        "norm": "layernorm",
        "lanes": 4,
        "max_length": 24,
        "epsilon": 1e-5,
        "input": INT8,
        "output": {"format": "int8", "scale": 0.04},
    }
    return NormConfig(**{key: of for key, of in {**plain, **keys}.items() if of is not None})
