"""Arguments of a kind of folding: by their places, by name, or both."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamnorm.errors import ConfigError
from streamnorm.spec.values import shown
from streamnorm_cli.options import file_path

__all__ = ["Given", "number_or_file"]


@dataclass(frozen=True)
class Given:
    """Something that a kind takes.

    Attributes
    ----------
    name : the parameter of the function, and with dashes the option
    about : what it is
    is_required : False: it may be left out, and the function's default holds
    read : what makes the argument's text a value
    has_place : True: it is given by its place, and where it is no file that is required, by name if one likes; False:
        by name only
    """

    name: str
    about: str
    is_required: bool = True
    read: Callable[[str], Any] = file_path
    has_place: bool = True

    @property
    def option(self) -> str:
        """The option that gives it by name."""
        return f"--{self.name.replace('_', '-')}"

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare the argument, and the option if there is one."""
        metavar = self.name.upper()
        if not self.has_place:
            parser.add_argument(self.option, dest=self.name, type=self.read, metavar=metavar, help=self.about)
        elif self.is_required and self.read is file_path:
            parser.add_argument(self.name, type=self.read, metavar=metavar, help=self.about)
        else:
            place = f"{self.name}_by_place"
            parser.add_argument(place, nargs="?", type=self.read, metavar=metavar, help=self.about)
            parser.add_argument(self.option, dest=self.name, type=self.read, metavar=metavar, help="the same, by name")

    def value(self, args: argparse.Namespace) -> Any:
        """Return what was given, by its place or by its name; None where it was left out.

        Raises
        ------
        ConfigError
            If it was given twice, or left out and is required.
        """
        by_name, by_place = getattr(args, self.name), getattr(args, f"{self.name}_by_place", None)
        if by_name is not None and by_place is not None:
            raise ConfigError(
                f"{self.name} is given twice: {shown(str(by_place))}, and {self.option} {shown(str(by_name))}"
            )
        value = by_place if by_name is None else by_name
        if value is None and self.is_required:
            named = f"{self.name.upper()}, or {self.option}" if self.has_place else self.option
            raise ConfigError(
                f"the following arguments are required: {named}; streamnorm fold {args.kind} --help tells more"
            )
        return value


def number_or_file(text: str) -> float | Path:
    """Return an argument that is a number, or else the name of a file."""
    try:
        return float(text)
    except ValueError:
        return file_path(text)
