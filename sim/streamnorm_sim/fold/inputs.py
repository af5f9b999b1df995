"""Checks of the arrays that are folded: each raises a ConfigError that names the array, its file, and the element."""

from numbers import Real

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import ArrayOrFile, finite_reals, given_array
from streamnorm.spec.values import counted, file_name, finite_float

__all__ = [
    "matrix",
    "matrix_or_vector",
    "require_finite",
    "require_no_negative",
    "vector",
    "vector_of",
    "vector_or_number",
]

Reals = NDArray[np.float64]


def vector(key: str, value: ArrayOrFile) -> Reals:
    """Return finite numbers of shape (n,), at least one, as float64."""
    return _of_dimensions(key, value, (1,), "(n,), one dimension")


def vector_of(key: str, value: ArrayOrFile, length: int, of: str) -> Reals:
    """Return finite numbers of shape (length,) as float64; ``of`` is what has that length, for the message."""
    values = vector(key, value)
    if len(values) != length:
        raise ConfigError(f"{key}: has {counted(len(values), 'value')}; must have {length}, as {of}")
    return values


def matrix(key: str, value: ArrayOrFile) -> Reals:
    """Return finite numbers of two dimensions, at least one, as float64."""
    return _of_dimensions(key, value, (2,), "two dimensions, as a linear layer's weight")


def matrix_or_vector(key: str, value: ArrayOrFile) -> Reals:
    """Return finite numbers of one dimension or two, at least one, as float64."""
    return _of_dimensions(key, value, (1, 2), "two dimensions, as a linear layer's weight, or one, as a norm's")


def vector_or_number(key: str, value: ArrayOrFile, length: int, of: str) -> Reals:
    """Return what `vector_of` does, or a number so many times."""
    if isinstance(value, bool):
        raise ConfigError(f"{key} = {value}: must be a number, an array or the name of a .npy file")
    if isinstance(value, Real):
        return np.full(length, finite_float(key, value))
    return vector_of(key, value, length, of)


def require_no_negative(key: str, values: Reals) -> None:
    """Check that no value is below 0."""
    if (values < 0).any():
        index = int(np.argmax(values < 0))
        raise ConfigError(f"{key}[{index}] = {values[index]}: must be at least 0")


def require_finite(what: str, values: Reals) -> Reals:
    """Return what was worked out, if float64 holds it; ``what`` is its name in the message."""
    if not np.isfinite(values).all():
        index = np.argwhere(~np.isfinite(values))[0].tolist()
        raise ConfigError(f"{what}{index}: the result is beyond the range of float64")
    return values


def _of_dimensions(key: str, value: ArrayOrFile, dimensions: tuple[int, ...], allowed: str) -> Reals:
    array, path = given_array(value, key)
    where = key if path is None else f"{key}: {file_name(path)}"
    values = finite_reals(array, where)
    if values.ndim not in dimensions or not values.size:
        raise ConfigError(f"{where}: has shape {values.shape}; must be {allowed}")
    return values
