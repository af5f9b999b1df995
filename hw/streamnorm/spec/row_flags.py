"""What a unit says of a row in its last beat, beside its results: whether it was malformed, and other flags."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from .config import NormConfig

__all__ = ["FLAGS", "flag_bits", "flags_in_words", "flags_of", "of_user", "user_bits", "user_of"]

FLAGS = {
    "nan": "an element of the row came in as NaN",
    "infinite": "one came in infinite",
    "overflow": "a finite result is beyond the output format",
}
"""The flags of a row, by name, the lowest bit's first, and what each says."""

_Bits = TypeVar("_Bits", int, "NDArray[np.integer[Any]]")


def flags_of(config: NormConfig) -> tuple[str, ...]:
    """The names of the flags that rows of a unit have: none where elements are integers on both sides."""
    return tuple(FLAGS) if config.is_floating else ()


def flag_bits(flags: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """The flags of rows as bits, of which rows have each flag, by name."""
    bits = (flags[name] * (1 << bit) for bit, name in enumerate(FLAGS))
    return functools.reduce(operator.or_, bits).astype("uint8")


def user_bits(config: NormConfig) -> int:
    """Bits of ``m_axis_tuser``: the error of the row, and above it its flags."""
    return 1 + len(flags_of(config))


def user_of(error: _Bits, flags: _Bits) -> _Bits:
    """``m_axis_tuser`` of a row's last beat, of the row's error and of its flags as bits."""
    return error | flags << 1


def of_user(user: _Bits) -> tuple[_Bits, _Bits]:
    """The error and the flags that ``m_axis_tuser`` of a row's last beat tells."""
    return user & 1, user >> 1


def flags_in_words(flags: int) -> str:
    """The flags of a row by their names, such as "nan, overflow"."""
    return ", ".join(name for bit, name in enumerate(FLAGS) if flags >> bit & 1) or "none"
