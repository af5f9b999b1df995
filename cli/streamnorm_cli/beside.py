"""Options for the streams beside the rows and the results: files of what goes in, and of what came out."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from streamnorm.errors import ConfigError

from .options import file_path

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["add_beside", "beside_in", "beside_out", "require_beside"]

_BESIDE_IN = {
    "input_scale": 'the scale of each row, (rows,) or (rows, 1), for scale = "row" in [input]',
    "residual": "rows of the residual, of its shape",
    "gamma": 'gamma of each element, for storage = "stream", of its shape',
    "beta": 'beta of each element, for storage = "stream", of its shape',
    "blend": 'a number from 0 to 1 for each row, (rows,) or (rows, 1), for bank_order = "interpolated"',
}
_BESIDE_OUT = {
    "sum": "the sums that came out, of a residual with emit_sum",
    "scale": 'the scales that came out, (rows, 1), for scale = "row" in [output], or defer: codes of their format',
}


def add_beside(parser: argparse.ArgumentParser) -> None:
    """Declare them, for a command that has --input."""
    for name, about in _BESIDE_IN.items():
        parser.add_argument(
            _option(name), type=file_path, metavar=f"{name[0].upper()}.npy", help=f"with --input: {about}"
        )
    for name, about in _BESIDE_OUT.items():
        parser.add_argument(f"--{name}", type=file_path, metavar=f"{name[0].upper()}.npy", help=f"write {about}")


def beside_in(args: argparse.Namespace) -> dict[str, Path]:
    """The files of what goes in, by the names of the configuration's side inputs."""
    return {name: given for name in _BESIDE_IN if (given := getattr(args, name)) is not None}


def beside_out(args: argparse.Namespace) -> dict[str, Path]:
    """The files for what comes out, by the names of the configuration's side outputs."""
    return {name: given for name in _BESIDE_OUT if (given := getattr(args, name)) is not None}


def require_beside(config: "NormConfig", args: argparse.Namespace) -> None:
    """ConfigError unless there is a file of each side input with --input, and none without."""
    beside = beside_in(args)
    if beside and args.input is None:
        raise ConfigError(f"{_option(next(iter(beside)))}: goes with --input; random rows come with all that they need")
    missing = [side.name for side in config.side_inputs if side.name not in beside]
    if missing and args.input is not None:
        option = _option(missing[0])
        raise ConfigError(f"--input: the unit takes {missing[0]}, too; {option} names the file of its rows")


def _option(name: str) -> str:
    """What a side stream's option is called."""
    return f"--{name.replace('_', '-')}"
