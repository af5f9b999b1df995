"""``streamnorm doctor``: what of other people's is there, what needs it, and what to install."""

import argparse
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from streamnorm import __version__
from streamnorm.errors import ToolMissing
from streamnorm_cli.options import Commands, add_output, formatter, print_json, print_tables
from streamnorm_cli.tables.cache import cache_line
from streamnorm_cli.terminal import output_console

if TYPE_CHECKING:
    from streamnorm_sim.toolchain.needs import Need

_EPILOG = """\
examples:
  streamnorm doctor                                   what is there, and what to install for the rest
  streamnorm doctor --json | jq -r '.install[]'       the commands that install what is missing

Exit code 3 if something is missing that every command needs. What only some commands need is told, and is no error.
"""


@dataclass(frozen=True)
class Checked:
    """One thing that commands need, looked for.

    Members
    -------
    found : bool
        Whether it is there and can be used.
    where, version : str
        Where it is; empty where it is not, or tells no version.
    problem, install : str
        What is wrong with it, and the command that helps, if any.
    optional : bool
        There are others that do the same, or few boards take it.
    """

    name: str
    needed_by: str
    found: bool
    where: str = ""
    version: str = ""
    problem: str = ""
    install: str = ""
    optional: bool = False


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "doctor",
        help="tell which tools are there, what needs them, and what to install",
        description="Look for every program, Python package and library that a command may need.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Look for everything, and tell."""
    from streamnorm_sim.toolchain.cache import cache_directory, cache_usage
    from streamnorm_sim.toolchain.table import CORE, SIMULATION

    core = [check(need) for need in CORE]
    complete = all(one.found for one in core)
    needs: list[Need] = list(SIMULATION)
    if complete:  # or else this cannot be imported
        from streamnorm_fpga.needs import fpga_needs

        needs += fpga_needs()
    checked = [*core, *map(check, needs)]
    install = commands_for(one for one in checked if not one.optional)
    for_some = commands_for(one for one in checked if one.optional)
    if args.json:
        print_json(
            {
                "streamnorm": __version__,
                "python": platform.python_version(),
                "needs": [asdict(one) for one in checked],
                "install": install,
                "install_for_some_boards": for_some,
                "cache": {"directory": str(cache_directory()), **cache_usage().to_dict()},
            }
        )
    elif not args.quiet:
        print_tables([table(checked)])
        console = output_console()
        for command in install:
            console.print(f"to have the rest: {escape(command)}", soft_wrap=True)
        for command in for_some:
            console.print(f"only some boards: {escape(command)}", soft_wrap=True)
        console.print(f"built before: {escape(cache_line())}", soft_wrap=True)
    return 0 if complete else ToolMissing.exit_code


def check(need: "Need") -> Checked:
    """Look for one thing."""
    optional = bool(getattr(need, "optional", False))
    try:
        where = need.where()
    except ToolMissing as error:
        return Checked(need.name, need.needed_by, False, problem=str(error), install=error.install, optional=optional)
    try:
        version = need.build()
    except ToolMissing:  # a program that tells none
        version = ""
    return Checked(need.name, need.needed_by, True, where, version, optional=optional)


def commands_for(checked: Iterable[Checked]) -> list[str]:
    """Return the commands that install what is missing, one for pip and one for apt."""
    missing = [one.install for one in checked if not one.found]
    extras = dict.fromkeys(word for line in missing if line.startswith("pip ") for word in line.split()[2:])
    packages = dict.fromkeys(word for line in missing if line.startswith("apt ") for word in line.split()[2:])
    commands = [f"pip install {' '.join(extras)}"] if extras else []
    return [*commands, *([f"sudo apt-get install {' '.join(packages)}"] if packages else [])]


def table(checked: Sequence[Checked]) -> Table:
    """Return a line for each thing."""
    result = Table(box=None, header_style="cyan", pad_edge=False)
    for title in ("", "", "version", "needed by", "where it is, or what to do"):
        result.add_column(title, overflow="fold")
    for one in checked:
        mark = "[green]yes[/]" if one.found else "[dim]no[/]" if one.optional else "[red]no[/]"
        last = f"[dim]{escape(one.where)}[/]" if one.found else escape(one.problem)
        result.add_row(mark, escape(one.name), escape(one.version), escape(one.needed_by), last)
    return result
