"""Files of tensors as NumPy writes them, .npz."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.values import file_name

__all__ = ["npz_bytes", "read_npz"]

_MEMBER = ".npy"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first time that an archive can tell: the same tensors are the same bytes whenever they are written."""


def read_npz(path: Path) -> dict[str, NDArray]:
    """Return the arrays of a .npz file; OSError where it cannot be read, ConfigError where it is none."""
    name = file_name(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return {member.removesuffix(_MEMBER): _array(archive, member) for member in archive.namelist()}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise ConfigError(f"{name}: is not a .npz file, or a damaged one") from None
    except _NoArray as error:
        raise ConfigError(f"{name}: {error.args[0]} is no array of numbers") from None


def npz_bytes(tensors: Mapping[str, NDArray]) -> bytes:
    """Return a .npz file of these arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in tensors.items():
            with archive.open(zipfile.ZipInfo(name + _MEMBER, _EPOCH), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return buffer.getvalue()


class _NoArray(Exception):
    """A member of the archive is no array."""


def _array(archive: zipfile.ZipFile, member: str) -> NDArray:
    try:
        with archive.open(member) as file:
            return np.lib.format.read_array(file, allow_pickle=False)  # never unpickle: it would run code
    except (ValueError, TypeError, SyntaxError, MemoryError, OverflowError) as error:
        raise _NoArray(member) from error
