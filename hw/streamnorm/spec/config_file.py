"""Reading a configuration file into the keywords of NormConfig."""

import codecs
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from streamnorm.errors import ConfigError
from streamnorm.spec.formats import ROW_SCALED, NumberFormat, as_format

from .values import refuse_unknown, shown

_BYTES_MAX = 1 << 20
"""Arrays of thousands of values may stand in a file, and /dev/zero must come to an end."""


def read_keywords(
    path: Path, keys: Sequence[str], required: Callable[[Mapping[str, Any]], Sequence[str]]
) -> dict[str, Any]:
    """Return the keys of the TOML file ``path`` as NormConfig takes them: NumberFormat objects, resolved paths.

    Parameters
    ----------
    path : Path
        The configuration file.
    keys : sequence of str
        Every key that may be there.
    required : function of the table
        Those that must be there.

    Raises
    ------
    ConfigError
        If the file cannot be read or is no TOML, a key is unknown or missing, or a format table is malformed.
        The message does not repeat ``path``.
    """
    table = read_toml(path)
    refuse_unknown(table, keys)
    if missing := [key for key in required(table) if key not in table]:
        raise ConfigError(f"missing key{'s' if len(missing) > 1 else ''}: {', '.join(missing)}")
    for key in ("input", "output"):
        table[key] = _format(key, table[key])
    for where, key, file in _named(path, table):
        if not where[key]:
            raise ConfigError(f'{key} = "": must be a number, an array or the name of a .npy file')
        where[key] = file
    return table


def named_files(path: Path) -> list[Path]:
    """Return the files that a configuration file names for gamma and beta; none where it is no configuration."""
    try:
        table = read_toml(path)
    except ConfigError:
        return []
    return [file for _, _, file in _named(path, table)]


def _named(path: Path, table: dict[str, Any]) -> list[tuple[dict[str, Any], str, Path]]:
    """The tables, keys and files of gamma and beta, those of further results among them."""
    results = table.get("results")
    tables = [table, *(each for each in (results if isinstance(results, list) else []) if isinstance(each, dict))]
    return [
        (each, key, path.parent / each[key])
        for each in tables
        for key in ("gamma", "beta")
        if isinstance(each.get(key), str)
    ]


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds.

    Raises
    ------
    ConfigError
        If it cannot be read or is no TOML. The message does not repeat ``path``.
    """
    if "\0" in str(path):
        raise ConfigError("is no name of a file")
    try:
        with path.open("rb") as file:
            octets = file.read(_BYTES_MAX + 1)  # /dev/zero has no end
        if len(octets) > _BYTES_MAX:
            raise ConfigError(f"is longer than {_BYTES_MAX:,} bytes, which no configuration needs")
        if octets.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ConfigError("begins with a byte order mark; save it as UTF-8 without one")
        return tomllib.loads(octets.decode("utf-8"))
    except FileNotFoundError:
        raise ConfigError("no such file") from None
    except IsADirectoryError:
        raise ConfigError("is a directory; a TOML file is needed") from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        octet = error.object[error.start]
        raise ConfigError(f"is not TOML: byte 0x{octet:02x} in line {line} is not UTF-8; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is not TOML: {error}") from None
    except ConfigError:
        raise
    except ValueError:  # int() takes 4300 digits at most
        raise ConfigError("is not TOML for this purpose: a number of thousands of digits") from None
    except RecursionError:
        raise ConfigError("is not TOML for this purpose: brackets nested too deep") from None


def _format(key: str, table: Any) -> NumberFormat:
    if not isinstance(table, dict):
        raise ConfigError(
            f'{key} = {shown(table)}: must be a table, for example [{key}] with format = "int8", scale = 0.05'
        )
    return as_format(key, table, row_scaled=ROW_SCALED.get(key))
