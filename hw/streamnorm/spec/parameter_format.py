"""The floating-point formats that gamma and beta may be stored in."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError

from .formats import FloatFormat, NumberFormat, as_format
from .values import shown

__all__ = ["PARAMETER_FORMATS", "first_that_holds", "require_parameter_format"]

PARAMETER_FORMATS = {name: FloatFormat(name) for name in ("bf16", "fp16", "fp32")}
"""By name, the one that takes the smallest multipliers first."""


def first_that_holds(arrays: Iterable[npt.NDArray[np.float64]]) -> FloatFormat:
    """The first format that holds every number of some arrays exactly; the last where none does."""
    together = list(arrays)
    *others, widest = PARAMETER_FORMATS.values()
    for parameter_format in others:
        stored = (parameter_format.dequantize(parameter_format.quantize(array)) for array in together)
        if all(bool((held == array).all()) for held, array in zip(stored, together, strict=True)):
            return parameter_format
    return widest


def require_parameter_format(value: Any, output: NumberFormat) -> FloatFormat:
    """The format that a user gives for gamma and beta, by name or itself.

    Raises
    ------
    ConfigError
        If it is none of :data:`PARAMETER_FORMATS`, or the output is no floating-point format.
    """
    if not output.is_float:
        raise ConfigError(
            f"parameter_format = {shown(value)}: goes with floating-point output only; with {output.name}, gamma_bits "
            "and beta_bits say how gamma and beta are stored"
        )
    found = as_format("parameter_format", value)
    for parameter_format in PARAMETER_FORMATS.values():
        if found == parameter_format:
            return parameter_format
    raise ConfigError(f"parameter_format = {shown(value)}: must be one of {', '.join(PARAMETER_FORMATS)}")
