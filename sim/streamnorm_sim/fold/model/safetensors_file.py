"""Files of tensors as Hugging Face writes them, .safetensors."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.values import file_name

__all__ = ["read_safetensors"]

_TYPES = {
    **{"F64": "float64", "F32": "float32", "F16": "float16", "BOOL": "bool", "C64": "complex64"},
    **{f"{sign}{bits}": f"{kind}int{bits}" for sign, kind in (("I", ""), ("U", "u")) for bits in (8, 16, 32, 64)},
}
"""Types of the format that NumPy has."""

_OTHERS = {
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
}
"""Types that NumPy lacks, and what the package calls them; a tensor of these can be left as it is."""

_LENGTH_BYTES = 8
_METADATA = "__metadata__"


def read_safetensors(path: Path) -> tuple[dict[str, NDArray], Callable[[Mapping[str, NDArray]], bytes]]:
    """Return the arrays of a .safetensors file, and what makes the bytes of one with others.

    OSError where the file cannot be read, ConfigError where it is none, ToolMissing without the package.
    """
    try:
        from safetensors import SafetensorError, deserialize
    except ModuleNotFoundError as error:
        from streamnorm_sim.toolchain.table import SAFETENSORS

        raise SAFETENSORS.missing() from error
    content = path.read_bytes()
    name = file_name(path)
    try:
        stored: dict[str, dict[str, Any]] = dict(deserialize(content))
    except SafetensorError as error:
        raise ConfigError(f"{name}: is not a .safetensors file: {error}") from None
    unknown = [tensor for tensor, each in stored.items() if each["dtype"] not in {**_TYPES, **_OTHERS}]
    if unknown:
        of_type = stored[unknown[0]]["dtype"]
        raise ConfigError(f"{name}: {unknown[0]}: is of type {of_type}, which is not known here")
    tensors = {tensor: _array(each) for tensor, each in stored.items()}
    metadata = _metadata(content)

    def with_tensors(others: Mapping[str, NDArray]) -> bytes:
        kept = {tensor: stored[tensor] for tensor, array in others.items() if array is tensors.get(tensor)}
        return _bytes(others, kept, metadata)

    return tensors, with_tensors


def _array(stored: Mapping[str, Any]) -> NDArray:
    data, shape, dtype = stored["data"], stored["shape"], stored["dtype"]
    if dtype in _TYPES:
        return np.frombuffer(data, np.dtype(_TYPES[dtype]).newbyteorder("<")).reshape(shape)
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
    return np.frombuffer(data, "V1").reshape(shape)


def _metadata(content: bytes) -> dict[str, str] | None:
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    return json.loads(content[_LENGTH_BYTES : _LENGTH_BYTES + length]).get(_METADATA)


def _bytes(
    tensors: Mapping[str, NDArray], kept: Mapping[str, Mapping[str, Any]], metadata: dict[str, str] | None
) -> bytes:
    from safetensors import TensorSpec, serialize

    specs, held = {}, []  # memory that the package reads by its address
    for name, array in tensors.items():
        if name in kept:
            data, dtype = kept[name]["data"], kept[name]["dtype"]
            values, type_name = np.frombuffer(data, np.uint8), {**_TYPES, **_OTHERS}[dtype]
        else:
            values = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            type_name = array.dtype.name
        held.append(values)
        specs[name] = TensorSpec(
            dtype=type_name, shape=list(array.shape), data_ptr=values.ctypes.data, data_len=values.nbytes
        )
    return bytes(serialize(specs, metadata=metadata))
