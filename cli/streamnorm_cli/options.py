"""What the commands share: options, reading the configuration, and printing."""

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.console import RenderableType

from streamnorm.errors import CheckFailed, ConfigError
from streamnorm.spec.architectures import ARCHITECTURES
from streamnorm.spec.values import shown

from .terminal import output_console

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What ``add_subparsers()`` returns; argparse has no public name for it."""

formatter = argparse.RawDescriptionHelpFormatter
"""Keeps the line breaks of the examples at the end of each help."""


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes: FILE, ``--json``, ``-q`` and ``-v``."""
    parser.add_argument("file", type=file_path, metavar="FILE", help="configuration (TOML)")
    add_output(parser, verbose="say more; with a traceback for bugs")


def add_output(parser: argparse.ArgumentParser, *, verbose: str = "with a traceback for bugs") -> None:
    """Add ``--json``, ``-q`` and ``-v``; ``verbose`` is what the last one does."""
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    loudness.add_argument("-v", "--verbose", action="store_true", help=verbose)


def add_directory(parser: argparse.ArgumentParser) -> None:
    """Add ``-o``, the directory that a command writes to."""
    parser.add_argument(
        "-o",
        "--output",
        type=file_path,
        required=True,
        metavar="DIR",
        help="directory to write to; made if it is not there",
    )


def add_architecture(parser: argparse.ArgumentParser) -> None:
    """Add ``--architecture``."""
    parser.add_argument(
        "--architecture", metavar="NAME", help=f"in place of the configuration's; one of {', '.join(ARCHITECTURES)}"
    )


def file_path(text: str) -> Path:
    """Return an argument that has to name a file or directory."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name is no file and no directory")
    return Path(text)


def refuse_overwriting(
    outputs: Mapping[str, Path | None], configs: Iterable[Path | None], *inputs: Path | None
) -> None:
    """Check that no output is a file that the command reads, or that another option writes.

    Parameters
    ----------
    outputs : mapping
        What each option writes, if anything.
    configs : iterable of Path
        Configurations that are read, and with them the files that they name.
    inputs : Path
        What else is read, if anything.

    Raises
    ------
    ConfigError
        Naming the option, the file, and what it is besides.
    """
    from streamnorm.spec.config_file import named_files
    from streamnorm.spec.file_identity import file_identity

    read = [config for config in configs if config is not None]
    taken = {file_identity(given): "this command reads it" for given in (*read, *inputs) if given is not None}
    taken |= {file_identity(named): f"{config} reads it" for config in read for named in named_files(config)}
    for option, output in outputs.items():
        if output is not None:
            if (why := taken.get(file_identity(output))) is not None:
                raise ConfigError(f"{option}: {output}: {why}; choose another name")
            taken[file_identity(output)] = f"{option} writes it too"


def whole_number(least: int, most: float = inf) -> Callable[[str], int]:
    """Return what reads an argument that has to be a whole number from ``least`` to ``most``."""
    allowed = f"of at least {least}" if most == inf else f"from {least} to {most}"

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            if most == inf and text.strip().isdecimal():  # of more digits than Python reads
                raise argparse.ArgumentTypeError(f"{shown(text)} is too large") from None
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{shown(text)} is not a whole number {allowed}")
        return value

    return read


positive = whole_number(1)


def row_count(least: int) -> Callable[[str], int]:
    """Return what reads how many random rows are to run: at least ``least``."""

    def read(text: str) -> int:
        from streamnorm_sim.streams.rows import ROWS_MAX  # with NumPy, which --help need not wait for

        return whole_number(least, ROWS_MAX)(text)

    return read


def length(text: str) -> int:
    """Return an argument that has to be a number of elements of a row."""
    from streamnorm.spec.config import LENGTH_MAX  # as above

    return whole_number(1, LENGTH_MAX)(text)


def seed(text: str) -> int:
    """Return an argument that has to be a seed of random rows and stalls."""
    from streamnorm_sim.streams.seeds import SEED_MAX  # as above

    return whole_number(0, SEED_MAX)(text)


def number(text: str) -> float:
    """Return an argument that has to be a number; that it is in its range is checked elsewhere."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a number") from None


@contextmanager
def options_named(options: Mapping[str, str]) -> Iterator[None]:
    """Let the message of a ConfigError about a value name the option that gave it.

    ``options``: by the option, without its dashes, what the message calls the value.
    """
    named = {key: option for option, key in options.items()}
    try:
        yield
    except ConfigError as error:
        key, equals, rest = str(error).partition(" = ")
        if not equals or key not in named:
            raise
        raise ConfigError(f"--{named[key]} = {rest}") from error


def read_config(args: argparse.Namespace) -> "NormConfig":
    """Return the configuration that FILE holds, in the architecture asked for.

    Raises ConfigError where the file cannot be read or is not right.
    """
    from streamnorm.spec.config import NormConfig  # with NumPy, which --help and usage errors need not wait for

    config = NormConfig.from_toml(args.file)
    architecture = getattr(args, "architecture", None)
    return config if architecture is None else config.replace(architecture=architecture)


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Turn a Python package that is not installed into ToolMissing; ``name``: what of streamnorm brings it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("streamnorm"):
            raise
        from streamnorm_sim.toolchain.needs import not_installed, pip_extra

        raise not_installed(error.name or "a Python package", pip_extra(name)) from error


def print_json(value: Mapping[str, Any]) -> None:
    """Print a result for machines: one JSON object, its keys in the order given."""
    json.dump(value, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


class Reported(CheckFailed):
    """A check failed, and the result that was printed tells of it."""


def print_result(
    args: argparse.Namespace,
    to_dict: Callable[[], Mapping[str, Any]],
    tables: Callable[[], Iterable[RenderableType]],
    failures: Sequence[str] | None = None,
) -> None:
    """Print a result as the options ask: one JSON object, tables with a line after each, or nothing.

    ``failures`` are what the command checked and found wrong, None where it checks nothing: "failures" in the JSON
    object, and where there are any, `Reported` is raised.
    """
    if args.json:
        print_json(to_dict() if failures is None else {**to_dict(), "failures": list(failures)})
    elif not args.quiet:
        print_tables(tables())
    if failures:
        raise Reported("; ".join(failures))


def print_tables(tables: Iterable[RenderableType]) -> None:
    """Print tables with a line after each."""
    console = output_console()
    for table in tables:
        console.print(table)
        console.print()


def print_csv(lines: Iterable[Mapping[str, Any]]) -> None:
    """Print lines for spreadsheets: a column for each key of any of them, in the order in which keys first come."""
    rows = list(lines)
    names = dict.fromkeys(name for line in rows for name in line)
    writer = csv.DictWriter(sys.stdout, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
