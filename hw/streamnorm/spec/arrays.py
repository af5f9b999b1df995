"""Arrays as a user may give them: as they are, or as the .npy file that holds them."""

import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError

from .values import file_name

__all__ = ["ArrayOrFile", "given_array"]

ArrayOrFile: TypeAlias = npt.ArrayLike | str | os.PathLike[str]
"""An array, whatever NumPy makes one of, or the name of a .npy file."""


def given_array(value: ArrayOrFile) -> tuple[npt.NDArray[Any], Path | None]:
    """Return an array, not copied if it is one, and the file it was read from, if any.

    Raises
    ------
    ConfigError
        If a file cannot be read, the rows of nested sequences differ in length, or elements are masked.
    """
    if not isinstance(value, str | os.PathLike):
        rows = value if isinstance(value, list | tuple) else [value]
        if any(np.ma.is_masked(each) for each in rows):
            raise ConfigError("elements of the array are masked; .filled(0) gives them a value")
        try:
            return np.asarray(value), None
        except ValueError:
            raise ConfigError("the rows of the array must all have the same length") from None
    if not os.fspath(value):
        raise ConfigError('"" is no file; the name of a .npy file is needed')
    path = Path(value)
    return _read(path), path


def _mapped(path: Path) -> npt.NDArray[Any]:
    """Read from the disk what is looked at, when it is; memory then does not grow with the file."""
    # Never unpickle: a configuration must not be able to run code.
    try:
        return np.asarray(np.lib.format.open_memmap(path, mode="r"))
    except ValueError:  # of no elements, or no array
        with path.open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)


def _read(path: Path) -> npt.NDArray[Any]:
    name = file_name(path)
    try:
        return _mapped(path)
    except FileNotFoundError:
        raise ConfigError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise ConfigError(f"{name}: is a directory; a .npy file is needed") from None
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, MemoryError):
        raise ConfigError(f"{name}: is not a .npy file of numbers") from None
