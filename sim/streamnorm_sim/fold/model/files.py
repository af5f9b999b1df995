"""Files of named tensors: reading them, and the bytes of such a file with some tensors changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from numpy.typing import NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.values import file_name

from .npz import npz_bytes, read_npz
from .safetensors_file import read_safetensors

__all__ = ["FORMATS", "TensorFile", "read_tensors"]


@dataclass(frozen=True)
class TensorFile:
    """A file of named tensors, read.

    Attributes
    ----------
    tensors : its arrays by name; bfloat16 as float32, other numbers that NumPy has no type for as bytes without meaning
    with_tensors : the bytes of a file of the same kind with other tensors; those that are the very arrays of
        ``tensors`` as they were stored, and what the file holds beside tensors
    """

    tensors: dict[str, NDArray]
    with_tensors: Callable[[Mapping[str, NDArray]], bytes]


def _npz(path: Path) -> TensorFile:
    return TensorFile(read_npz(path), npz_bytes)


def _safetensors(path: Path) -> TensorFile:
    return TensorFile(*read_safetensors(path))


FORMATS: dict[str, Callable[[Path], TensorFile]] = {".npz": _npz, ".safetensors": _safetensors}
"""What reads a file, by the end of its name."""


def read_tensors(path: Path) -> TensorFile:
    """Read a file of named tensors, of the kind that its name tells.

    Raises
    ------
    ConfigError
        If the kind is not known, the file cannot be read or holds no tensors.
    ToolMissing
        If the package that reads it is not installed.
    """
    name = file_name(path)
    read = FORMATS.get(path.suffix)
    if read is None:
        raise ConfigError(f"{name}: is no file of named tensors; its name must end with {' or '.join(FORMATS)}")
    try:
        found = read(path)
    except FileNotFoundError:
        raise ConfigError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise ConfigError(f"{name}: is a directory; a {path.suffix} file is needed") from None
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror or error}") from None
    if not found.tensors:
        raise ConfigError(f"{name}: holds no tensors")
    return found
