"""Reading and checking what a user gives for gamma or beta."""

from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError

from .arrays import finite_reals, given_array
from .values import file_name, finite_float


def checked_parameter(
    key: str, value: Any, max_length: int, banks: int, repeat: int = 1, *, signed_zeros: bool = False
) -> npt.NDArray[np.float64] | float | None:
    """Return gamma or beta as None, a float, or a read-only float64 array that owns its memory.

    Parameters
    ----------
    key : str
        "gamma" or "beta", for the messages.
    value : None, number, str, os.PathLike, or array-like
        A string or path names a .npy file.
    max_length, banks, repeat : int
        An array must have the shape ``(values,)`` or ``(banks, values)``, with a value for each ``repeat`` elements. If
        these are several, ``(banks * values,)`` is taken, too, the banks one after the other.
    signed_zeros : bool
        Whether -0.0 is another value than 0.0; else it becomes that, and two such configurations are the same.

    Raises
    ------
    ConfigError
        If the file cannot be read, the kind, type or shape is wrong, or a value is NaN or infinite.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        raise ConfigError(f"{key} = {value}: must be a number, an array or the name of a .npy file")
    if isinstance(value, Real):
        number = finite_float(key, value)
        return float(value) if signed_zeros and number == 0 else number
    array, path = given_array(value, key)
    where = key if path is None else f"{key}: {file_name(path)}"
    return _checked_array(where, array, max_length, banks, repeat, signed_zeros)


def _checked_array(
    where: str, array: npt.NDArray[Any], max_length: int, banks: int, repeat: int, signed_zeros: bool
) -> npt.NDArray[np.float64]:
    real = finite_reals(array, where)
    values, length = -(-max_length // repeat), "max_length" if repeat == 1 else "max_length / parameter_repeat"
    if repeat > 1 and array.shape == (banks * values,) and banks > 1:
        real = real.reshape(banks, values)  # as models have them, channel after channel
    if real.shape not in ((values,), (banks, values)):
        raise ConfigError(
            f"{where}: has shape {array.shape}; must be ({values},) or ({banks}, {values}), "
            f"that is ({length},) or (banks, {length})" + (", rounded up" if max_length % repeat else "")
        )
    # A copy: nobody can change the configuration through the array it was made from.
    values = np.array(real, order="C") if signed_zeros else np.add(real, 0.0, order="C")
    values.flags.writeable = False
    return values
