"""Number formats of the elements that stream in and out: a family is a class in a file of its own, entered here."""

from collections.abc import Mapping
from typing import Any

from streamnorm.errors import ConfigError
from streamnorm.spec.values import refuse_unknown, shown

from .floating import FloatFormat
from .integer import IntFormat
from .number_format import NumberFormat
from .row_scaled import PER_ROW, RowScaledFormat
from .row_scaled_input import RowScaledInput
from .scale_word import ScaleWord

__all__ = [
    "FAMILIES", "FORMAT_KEYS", "ROW_SCALED", "FloatFormat", "IntFormat", "NumberFormat", "RowScaledFormat",
    "RowScaledInput", "ScaleWord", "as_format", "parse_format",
]  # fmt: skip

FAMILIES: tuple[type[NumberFormat], ...] = (IntFormat, FloatFormat)
"""Every family of formats."""

FORMAT_KEYS = ("format", *dict.fromkeys(key for family in FAMILIES for key in family.keys))
"""Every key that a format's table may have."""

ROW_SCALED: dict[str, type[RowScaledFormat | RowScaledInput]] = {"input": RowScaledInput, "output": RowScaledFormat}
"""What a table with ``scale = "row"`` is, by the key of the configuration that may be one."""

_ROW_SCALED_KEYS = ("format", *RowScaledFormat.keys, "zero_point")


def as_format(
    key: str, value: object, *, row_scaled: type[RowScaledFormat | RowScaledInput] | None = None
) -> NumberFormat:
    """A format as a user may give it: itself, its name, or a table of `FORMAT_KEYS`.

    ``row_scaled``: what a table with ``scale = "row"`` is; None where it may be none.

    Raises
    ------
    ConfigError
        If it is none of these, or the table is not right; the message names ``key``.
    """
    if isinstance(value, NumberFormat):
        if isinstance(value, RowScaledFormat | RowScaledInput) and type(value) is not row_scaled:
            why = _ONLY_RESULTS if row_scaled is None else f"must be a {row_scaled.__name__}"
            raise ConfigError(f"{key}: a scale for each row: {why}")
        return value
    table = {"format": value} if isinstance(value, str) else value
    if not isinstance(table, Mapping):
        raise ConfigError(
            f'{key} = {shown(value)}: must be a format, such as IntFormat("int8", scale=0.05), "int8" or '
            '{"format": "int8", "scale": 0.05}'
        )
    per_row = _has_scale_of_rows(table)
    if per_row and row_scaled is None:
        raise ConfigError(f'in [{key}]: scale = "row": {_ONLY_RESULTS}')
    if row_scaled is not None and not per_row:
        _refuse_half_of_row_scaled(key, table, row_scaled)
    refuse_unknown(table, _ROW_SCALED_KEYS if per_row else FORMAT_KEYS, f" in [{key}]")
    if "format" not in table:
        raise ConfigError(f'missing key in [{key}]: format, for example format = "int8"')
    keys = {name: table[name] for name in table if name != "format"}
    try:
        if per_row and row_scaled is not None:
            return row_scaled.parse(table["format"], **keys)
        return parse_format(table["format"], **keys)
    except ConfigError as error:
        raise ConfigError(f"in [{key}]: {error}") from error


def parse_format(name: object, **keys: Any) -> NumberFormat:
    """The format called ``name``, of whatever family, with values for keys of its family; with a ``scale`` of "row", a
    `RowScaledFormat`.

    Raises
    ------
    ConfigError
        If no format has that name, or a key or its value is not right for it.
    """
    if _has_scale_of_rows(keys):
        return RowScaledFormat.parse(name, **keys)
    for family in FAMILIES:
        if isinstance(name, str) and family.has(name):
            if others := [key for key in keys if key not in family.keys]:
                takes = ", ".join(family.keys)
                raise ConfigError(f"{others[0]}: does not go with format = {name!r}, which takes {takes}")
            return family.parse(name, **keys)
    raise ConfigError(f"format = {shown(name)}: must be one of {', or '.join(family.names for family in FAMILIES)}")


_ONLY_RESULTS = "only input and output may have one"


def _refuse_half_of_row_scaled(
    key: str, table: Mapping[str, Any], row_scaled: type[RowScaledFormat | RowScaledInput]
) -> None:
    """ConfigError if a table is nearly one with a scale for each row."""
    scale = table.get("scale")
    if isinstance(scale, str):
        raise ConfigError(
            f'in [{key}]: scale = {shown(scale)}: must be a number, or "{PER_ROW}": each row has its own then'
        )
    for name in table:
        if name in row_scaled.keys and name not in FORMAT_KEYS:
            raise ConfigError(f'in [{key}]: {name}: only goes with scale = "{PER_ROW}", a scale for each row')


def _has_scale_of_rows(keys: Mapping[str, Any]) -> bool:
    scale = keys.get("scale")
    return isinstance(scale, str) and scale == PER_ROW
