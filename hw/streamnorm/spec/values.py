"""Checks of single values that a user gives.

Each raises a ConfigError that names the key, the value and what is allowed.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import date, time
from difflib import get_close_matches
from numbers import Integral, Real
from typing import TypeGuard, TypeVar

from streamnorm.errors import ConfigError

_Kind = TypeVar("_Kind")


def integer_between(key: str, value: object, low: int, high: int, note: str = "") -> int:
    """Return ``value`` if it is an integer (no bool) from ``low`` to ``high``; ``note`` explains these."""
    if not _is_integer(value) or not low <= int(value) <= high:
        raise ConfigError(f"{key} = {shown(value)}: must be an integer from {low} to {high}{note}")
    return int(value)


def integer_at_least(key: str, value: object, low: int) -> int:
    """Return ``value`` if it is an integer (no bool) of at least ``low``."""
    if not _is_integer(value) or int(value) < low:
        raise ConfigError(f"{key} = {shown(value)}: must be an integer of at least {low}")
    return int(value)


def finite_float(key: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """Return ``value`` as a float if it is a finite number (no bool) from ``low`` to ``high``."""
    allowed = "a finite number"
    if low > -math.inf:
        allowed += f" of at least {low:g}" if high == math.inf else f" from {low:g} to {high:g}"
    number = _as_float(key, value, allowed)
    if not low <= number <= high:
        raise ConfigError(f"{key} = {shown(value)}: must be {allowed}")
    return number + 0.0  # no -0.0, which would be another configuration


def positive_float(key: str, value: object) -> float:
    """Return ``value`` as a float if it is a finite number (no bool) greater than 0."""
    allowed = "a finite number greater than 0"
    number = _as_float(key, value, allowed)
    if number <= 0:
        raise ConfigError(f"{key} = {shown(value)}: must be {allowed}")
    return number


def one_of(key: str, value: object, choices: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``choices``."""
    names = list(choices)
    if not isinstance(value, str) or value not in names:
        raise ConfigError(f"{key} = {shown(value)}: must be one of {', '.join(names)}{nearest(value, names)}")
    return value


def refuse_unknown(given: Iterable[str], keys: Sequence[str], where: str = "") -> None:
    """Check that each of the keys given is one of ``keys``; ``where`` is where they stand."""
    for key in given:
        if key not in keys:
            hint = nearest(key, keys) or f"; the keys are {', '.join(keys)}"
            raise ConfigError(f"unknown key {shown(key)}{where}{hint}")


def boolean(key: str, value: object, note: str = "") -> bool:
    """Return ``value`` if it is a bool; ``note`` says what else may have been meant."""
    if not isinstance(value, bool):
        raise ConfigError(f"{key} = {shown(value)}: must be true or false{note}")
    return value


def require_function(key: str, value: object, arguments: str) -> None:
    """Check that ``value`` can be called, or is None; ``arguments`` says in words with what."""
    if value is not None and not callable(value):
        raise ConfigError(f"{key} = {shown(value)}: must be a function of {arguments}, or None")


def instance_of(key: str, value: object, kind: type[_Kind], allowed: str) -> _Kind:
    """Return ``value`` if it is a ``kind``; ``allowed`` says in words what that is."""
    if not isinstance(value, kind):
        raise ConfigError(f"{key} = {shown(value)}: must be {allowed}")
    return value


def shortened(text: str, length: int = 80) -> str:
    """Return ``text``, or its beginning and an ellipsis where it is longer than a message bears."""
    return text if len(text) <= length else f"{text[:length]}…"


def shown(value: object) -> str:
    """Return ``value`` as it was given, for a message; its beginning where it is long."""
    if isinstance(value, date | time):  # of TOML
        value = value.isoformat()
    if isinstance(value, str):
        return repr(shortened(value))
    try:
        return shortened(" ".join(repr(value).split()))  # an array has lines
    except ValueError:  # an integer of more digits than Python writes
        return f"<{type(value).__name__}>"


def file_name(path: object) -> str:
    """Return the name of a file for a message: as it was given where it is one that a person can read."""
    text = str(path)
    return shortened(text, 300) if text.isprintable() else shown(text)


def counted(number: int, noun: str) -> str:
    """Return how many there are: "1 lane", "8 lanes"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def nearest(name: object, names: Iterable[str]) -> str:
    """Return "; did you mean …?" with the names most like ``name``, or nothing where none is alike."""
    close = get_close_matches(name, list(names), n=3) if isinstance(name, str) else []
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _is_integer(value: object) -> TypeGuard[Integral]:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _as_float(key: str, value: object, allowed: str) -> float:
    if not isinstance(value, bool) and isinstance(value, Real):
        try:
            number = float(value)
        except OverflowError:  # an int beyond the range of float64
            number = math.inf
        if math.isfinite(number):
            return number
    raise ConfigError(f"{key} = {shown(value)}: must be {allowed}")
