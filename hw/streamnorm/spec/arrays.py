"""Arrays as a user may give them: as they are, or as the .npy file that holds them."""

import os
import warnings
from pathlib import Path
from tokenize import TokenError
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError

from .npy_file import why_unreadable
from .paths import given_path
from .values import file_name, shown

__all__ = [
    "INTEGERS",
    "REALS",
    "ArrayOrFile",
    "as_array",
    "file_of",
    "finite_reals",
    "given_array",
    "require_array",
    "require_within",
]

ArrayOrFile: TypeAlias = npt.ArrayLike | str | os.PathLike[str]
"""An array, whatever NumPy makes one of, or the name of a .npy file."""

INTEGERS, REALS = "iu", "iuf"
"""Kinds of the types that elements may have; bools, complex numbers, dates and Python objects are none of these."""

_DIMENSIONS_MAX = 64  # NumPy's


def given_array(value: ArrayOrFile, key: str = "") -> tuple[npt.NDArray[Any], Path | None]:
    """Return an array, not copied if it is one, and the file it was read from, if any.

    ``key`` is what messages call it, where it is not said before.

    Raises
    ------
    ConfigError
        If a file cannot be read, or as `as_array`.
    """
    if isinstance(value, str | os.PathLike):
        path = given_path(value, "a .npy file", key)
        return _read(path, key), path
    return as_array(value, key), None


def file_of(value: object) -> Path | None:
    """Return the file that an array is given as, or mapped from, as it is now; None where there is none."""
    while isinstance(value, np.ndarray):
        if isinstance(value, np.memmap) and value.filename is not None:
            value = value.filename
            break
        value = value.base
    if not isinstance(value, str | os.PathLike):
        return None
    name = os.fspath(value)
    return Path(name).absolute() if isinstance(name, str) and name else None


def as_array(value: npt.ArrayLike, key: str = "") -> npt.NDArray[Any]:
    """Return an array of any type, not copied if it is one.

    Raises
    ------
    ConfigError
        If nested sequences differ in length, elements are masked, or NumPy makes no array of it.
    """
    at = f"{key}: " if key else ""
    if _has_masked(value):
        raise ConfigError(f"{at}elements of the array are masked; .filled(0) gives them a value")
    try:
        return np.asarray(value)
    except (ValueError, TypeError, OverflowError, RuntimeError) as error:
        if isinstance(value, list | tuple):
            raise ConfigError(f"{at}the rows of the array must all have the same length") from None
        raise ConfigError(f"{at}{shown(value)} is no array: {error}") from None


def require_array(what: str, array: npt.NDArray[Any], kinds: str, fits: bool, allowed: str) -> None:
    """Check type and shape of an array; of no elements, any type will do.

    Parameters
    ----------
    what : str
        What messages begin with: "lengths are".
    kinds : str
        `INTEGERS` or `REALS`.
    fits : bool
        Whether it has the right shape.
    allowed : str
        What it must be, type and shape.

    Raises
    ------
    ConfigError
        If it does not fit, or its elements are of another kind.
    """
    if not fits or (array.dtype.kind not in kinds and array.size):
        raise ConfigError(f"{what} an array of {array.dtype} of shape {array.shape}: must be {allowed}")


def require_within(name: str, values: npt.NDArray[np.integer], low: int, high: int, note: str = "") -> None:
    """Raise a ConfigError that names the first of ``values``, of whatever type, that is not from ``low`` to ``high``.

    To be asked before they are made int64, which would wrap.
    """
    outside = (values < low) | (values > high)
    if outside.any():
        index = tuple(np.argwhere(outside)[0].tolist())
        raise ConfigError(f"{name}{list(index) or ''} = {values[index]}: must be from {low} to {high}{note}")


def finite_reals(value: npt.ArrayLike, key: str = "") -> npt.NDArray[np.float64]:
    """Return finite real numbers, or integers, as float64; not copied if they are that already.

    Raises
    ------
    ConfigError
        If they are no such numbers, or as `as_array`.
    """
    array, at = as_array(value, key), f"{key}: " if key else ""
    if array.dtype.kind not in REALS:
        raise ConfigError(
            f"{at or 'the array '}has elements of type {array.dtype}; floating-point or integer numbers are needed"
        )
    with np.errstate(over="ignore"):  # a long double beyond float64 is infinite there
        real = array.astype(np.float64, copy=False)
    finite = np.isfinite(real)
    if not finite.all():
        index = tuple(np.argwhere(~finite)[0].tolist())
        which = f"element {list(index)}" if index else "the value"
        raise ConfigError(f"{at}{which} is {real[index]}; every value must be finite")
    return real


def _has_masked(value: object, depth: int = 0) -> bool:
    """Whether elements are masked, in whichever of nested sequences; what NumPy makes of these does not tell."""
    if not isinstance(value, list | tuple):
        return isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value)
    if depth > _DIMENSIONS_MAX or set(map(type, value)) <= {int, float}:
        return False
    return any(_has_masked(each, depth + 1) for each in value)


def _mapped(path: Path) -> npt.NDArray[Any]:
    """Read from the disk what is looked at, when it is; memory then does not grow with the file."""
    # Never unpickle: a configuration must not be able to run code.
    try:
        return np.asarray(np.lib.format.open_memmap(path, mode="r"))
    except ValueError:  # of no elements, or no array
        with path.open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)


def _read(path: Path, key: str) -> npt.NDArray[Any]:
    # A header that is odd or of long ago is no matter for the user: it can be read, or the error says why not.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return _read_named(path, f"{key}: {file_name(path)}" if key else file_name(path))


def _read_named(path: Path, name: str) -> npt.NDArray[Any]:
    try:
        return _mapped(path)
    except FileNotFoundError:
        raise ConfigError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise ConfigError(f"{name}: is a directory; a .npy file is needed") from None
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, MemoryError, OverflowError, TypeError, SyntaxError, TokenError):  # of its header, too
        raise ConfigError(f"{name}: {why_unreadable(path)}") from None
