"""Codes of a floating-point format as arrays of a type that knows what they stand for, and back."""

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.spec.arrays import INTEGERS, as_array, require_array, require_within
from streamnorm.spec.formats import FloatFormat

__all__ = ["codes_of", "float_array", "is_float_array"]

_DTYPES: dict[str, np.dtype[Any]] = {
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "fp16": np.dtype(np.float16),
    "fp32": np.dtype(np.float32),
    "fp8_e5m2": np.dtype(ml_dtypes.float8_e5m2),
    "fp8_e4m3fn": np.dtype(ml_dtypes.float8_e4m3fn),
}
"""The type whose bits are the codes of a format, by the format's name."""


def float_array(source: FloatFormat, codes: ArrayLike) -> NDArray[Any]:
    """Return codes as numbers of the type that has these very bits; in float64 where there is none.

    Raises
    ------
    ConfigError
        If they are no integers, or one is no code of the format.
    """
    array = as_array(codes, "codes")
    require_array("codes are", array, INTEGERS, True, "integers")
    require_within("codes", array, source.min, source.max, f" ({source.name})")
    dtype = _DTYPES.get(source.name)
    if dtype is None:
        return source.dequantize(array)
    return np.ascontiguousarray(array.astype(f"u{dtype.itemsize}")).view(dtype).reshape(array.shape)


def is_float_array(array: NDArray[Any]) -> bool:
    """Whether elements are floating-point numbers, of NumPy or of ml_dtypes."""
    return array.dtype.kind == "f" or array.dtype in _DTYPES.values()


def codes_of(target: FloatFormat, numbers: NDArray[Any]) -> NDArray[np.integer]:
    """Return the codes of floating-point numbers: their bits, where they are of that very format, else the nearest.

    Raises
    ------
    ConfigError
        If they are no real numbers.
    """
    dtype = _DTYPES.get(target.name)
    if dtype is not None and numbers.dtype == dtype:  # None is equal to float64
        return numbers.view(f"u{numbers.dtype.itemsize}")
    return target.quantize(numbers if numbers.dtype.kind in "iuf" else numbers.astype(np.float64))
