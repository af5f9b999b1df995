"""Number formats of the elements that stream in and out: a family is a class in a file of its own, entered here."""

from collections.abc import Mapping
from typing import Any

from streamnorm.errors import ConfigError
from streamnorm.spec.values import refuse_unknown, shown

from .floating import FloatFormat
from .integer import IntFormat
from .number_format import NumberFormat

__all__ = ["FAMILIES", "FORMAT_KEYS", "FloatFormat", "IntFormat", "NumberFormat", "as_format", "parse_format"]

FAMILIES: tuple[type[NumberFormat], ...] = (IntFormat, FloatFormat)
"""Every family of formats."""

FORMAT_KEYS = ("format", *dict.fromkeys(key for family in FAMILIES for key in family.keys))
"""Every key that a format's table may have."""


def as_format(key: str, value: object) -> NumberFormat:
    """A format as a user may give it: itself, its name, or a table of `FORMAT_KEYS`.

    Raises
    ------
    ConfigError
        If it is none of these, or the table is not right; the message names ``key``.
    """
    if isinstance(value, NumberFormat):
        return value
    table = {"format": value} if isinstance(value, str) else value
    if not isinstance(table, Mapping):
        raise ConfigError(
            f'{key} = {shown(value)}: must be a format, such as IntFormat("int8", scale=0.05), "int8" or '
            '{"format": "int8", "scale": 0.05}'
        )
    refuse_unknown(table, FORMAT_KEYS, f" in [{key}]")
    if "format" not in table:
        raise ConfigError(f'missing key in [{key}]: format, for example format = "int8"')
    try:
        return parse_format(table["format"], **{name: table[name] for name in table if name != "format"})
    except ConfigError as error:
        raise ConfigError(f"in [{key}]: {error}") from error


def parse_format(name: object, **keys: Any) -> NumberFormat:
    """The format called ``name``, of whatever family, with values for keys of its family.

    Raises
    ------
    ConfigError
        If no format has that name, or a key or its value is not right for it.
    """
    for family in FAMILIES:
        if isinstance(name, str) and family.has(name):
            if others := [key for key in keys if key not in family.keys]:
                takes = ", ".join(family.keys)
                raise ConfigError(f"{others[0]}: does not go with format = {name!r}, which takes {takes}")
            return family.parse(name, **keys)
    raise ConfigError(f"format = {shown(name)}: must be one of {', or '.join(family.names for family in FAMILIES)}")
