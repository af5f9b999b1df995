"""Number formats of the elements that stream in and out: a family is a class in a file of its own, entered here."""

from typing import Any

from streamnorm.errors import ConfigError

from .integer import IntFormat
from .number_format import NumberFormat

__all__ = ["FAMILIES", "FORMAT_KEYS", "IntFormat", "NumberFormat", "parse_format"]

FAMILIES: tuple[type[NumberFormat], ...] = (IntFormat,)
"""Every family of formats."""

FORMAT_KEYS = ("format", *dict.fromkeys(key for family in FAMILIES for key in family.keys))
"""Every key that a format's table may have."""


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
    raise ConfigError(f"format = {name!r}: must be one of {', or '.join(family.names for family in FAMILIES)}")
