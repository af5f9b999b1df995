"""What streamnorm needs of other people: programs, Python packages, libraries; how each is found, and how to get it."""

import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from streamnorm.errors import ToolMissing

__all__ = [
    "Need",
    "Program",
    "PythonLibrary",
    "PythonPackage",
    "named_program",
    "not_installed",
    "pip_extra",
    "version_of",
]


class Need(Protocol):
    """Something that commands need.

    Members
    -------
    name : str
        What it is called in messages and reports.
    needed_by : str
        The commands that need it.
    """

    @property
    def name(self) -> str: ...

    @property
    def needed_by(self) -> str: ...

    def where(self) -> str:
        """Return where it is.

        Raises
        ------
        ToolMissing
            If it is not there or cannot be used; with what to install.
        """
        ...

    def build(self) -> str:
        """Return its version, where it tells one; it must be there."""
        ...


def pip_extra(extra: str) -> str:
    """Return the command that installs the packages of one of streamnorm's extras."""
    return f"pip install 'streamnorm[{extra}]'"


def not_installed(name: str, install: str, variable: str = "") -> ToolMissing:
    """Return the error for something that is not there; ``variable`` is that of the environment that may name it."""
    otherwise = f", or set ${variable} to the program" if variable else ""
    return ToolMissing(f"{name} is not installed: {install}{otherwise}", install)


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program of the system.

    Members
    -------
    package : str
        The package of Debian and Ubuntu that brings it.
    variable : str
        Environment variable that names another command in its place.
    version_option : str
        What makes it print its version.
    """

    name: str
    package: str
    needed_by: str
    variable: str = ""
    version_option: str = "--version"

    def command(self) -> list[str]:
        """Return the command line that starts it, without arguments.

        Raises
        ------
        ToolMissing
            If it is not there.
        """
        named = shlex.split(os.environ.get(self.variable, "")) if self.variable else []
        if named and shutil.which(named[0]) is None:
            raise _no_program(self.name, self.variable, named[0])
        if not named and shutil.which(self.name) is None:
            raise not_installed(self.name, f"apt install {self.package}")
        return named or [self.name]

    def where(self) -> str:
        self.version()
        return str(shutil.which(self.command()[0]))

    def version(self) -> str:
        """Return what it prints of its version; part of the key of everything built with it.

        Raises
        ------
        ToolMissing
            If it is not there or does not start.
        """
        program = self.command()[0]
        try:
            return version_of(program, self.version_option)
        except (OSError, subprocess.CalledProcessError) as error:
            named = f": ${self.variable} names {program!r}, which" if os.environ.get(self.variable) else ""
            raise ToolMissing(f"{self.name}{named} does not start: {self.version_option}: {_reason(error)}") from None

    def build(self) -> str:
        version = re.search(r"\d+\.\d+[\w.+-]*", self.version())
        return version[0] if version else ""


@dataclass(frozen=True, kw_only=True)
class PythonPackage:
    """A Python package.

    Members
    -------
    name : str
        As PyPI has it.
    module : str
        What is imported.
    extra : str
        Which of streamnorm's extras brings it; empty for what streamnorm cannot be installed without.
    """

    name: str
    module: str
    extra: str
    needed_by: str

    def missing(self) -> ToolMissing:
        """Return the error for a machine that lacks it."""
        return not_installed(self.name, pip_extra(self.extra) if self.extra else f"pip install {self.name}")

    def where(self) -> str:
        try:
            spec = importlib.util.find_spec(self.module)
        except ModuleNotFoundError:  # of the package that the module is in
            spec = None
        # Of another package with a module of this name, the version is not known.
        if spec is None or not spec.origin or not _is_distributed(self.name):
            raise self.missing()
        return str(Path(spec.origin).parent)

    def build(self) -> str:
        return importlib.metadata.version(self.name)


def _is_distributed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class PythonLibrary:
    """Python itself as a shared library, which cocotb loads into simulators."""

    name: str = "libpython"
    needed_by: str

    def where(self) -> str:
        try:
            from find_libpython import find_libpython  # comes with cocotb
        except ModuleNotFoundError:
            raise not_installed("find_libpython", pip_extra("sim")) from None
        library = find_libpython()
        if library is None:
            raise not_installed("the shared library of Python", "apt install libpython3-dev")
        return library

    def build(self) -> str:
        return sysconfig.get_python_version()


def named_program(name: str, variable: str) -> Path | None:
    """Return the program that an environment variable names in place of ``name``, if it does; absolute.

    Raises
    ------
    ToolMissing
        If what it names is no program.
    """
    if not (named := os.environ.get(variable)):
        return None
    program = shutil.which(named)
    if program is None:
        raise _no_program(name, variable, named)
    return Path(program).absolute()


@cache
def version_of(program: str, option: str = "--version") -> str:
    """Return what ``program --version`` prints; OSError or CalledProcessError if it fails."""
    return subprocess.run(
        [program, option],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=True,
    ).stdout


def _reason(error: OSError | subprocess.CalledProcessError) -> str:
    return f"exit code {error.returncode}" if isinstance(error, subprocess.CalledProcessError) else str(error.strerror)


def _no_program(name: str, variable: str, named: str) -> ToolMissing:
    return ToolMissing(f"{name}: ${variable} names {named!r}, which is no program")
