"""``streamnorm build``: a bitstream with the unit, a serial link and a self-test, for a board."""

import argparse
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

from streamnorm_cli.board_options import add_board, add_design
from streamnorm_cli.options import Commands, add_common, add_directory, extra, formatter, print_json, read_config
from streamnorm_cli.progress import progress_bar
from streamnorm_cli.tables.area import block_table, path_table, titled_table
from streamnorm_cli.terminal import output_console

from .fit import seed_list

if TYPE_CHECKING:
    from streamnorm_fpga.bitstream.design import BoardDesign
    from streamnorm_fpga.bitstream.report import BuildReport

_EPILOG = """\
examples:
  streamnorm build examples/ulx3s_bert_base.toml --board ulx3s-85f -o out
  streamnorm build examples/icebreaker_rms.toml --board icebreaker -o out --seeds 1-8
  streamnorm build examples/hx8k_layernorm.toml --board hx8k-b-evn -o out --clock 48 --baud 115200
  streamnorm flash out/ulx3s_bert_base.bit --board ulx3s-85f   bring it to the board

The first seed that meets the clock is taken. The same configuration, board, seed and tools give the same bytes.
Exit code 4 if the design does not fit the board or misses its clock. docs/boards.md tells what is built.
"""

REPORT_TEXT = "report.txt"
_REPORT_WIDTH = 110


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "build",
        help="make a bitstream for a board, and a report",
        description="Put the unit on a board, between a serial link and counters and with a self-test,\n"
        "and write the bitstream, the unit's Verilog, the constraints and a report.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    add_common(parser)
    add_board(parser)
    add_directory(parser)
    add_build(parser)


def add_build(parser: argparse.ArgumentParser) -> None:
    """Add the options of a build, for this command and for those that build on their way."""
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=seed_list, dest="seeds", metavar="N", help="the one placement to try")
    seeds.add_argument(
        "--seeds",
        type=seed_list,
        metavar="LIST",
        help="placements to try, such as 1,2,3 or 1-8, until one meets the clock (default: 1-4)",
    )
    add_design(parser)
    parser.add_argument(
        "--allow-slow", action="store_true", help="write the fastest placement's bitstream even if it misses the clock"
    )


def run(args: argparse.Namespace) -> int:
    """Build the bitstream of a configuration."""
    report, paths = build_to(args, args.output)
    if args.json:
        print_json(report.to_dict())
    elif not args.quiet:
        console = output_console()
        console.print(render(report, details=args.verbose))
        for path in paths:
            console.print(f"{escape(str(path))}  [dim]{path.stat().st_size:,} bytes[/dim]", soft_wrap=True)
    return 0


def build_to(args: argparse.Namespace, directory: Path) -> tuple["BuildReport", list[Path]]:
    """Build as the options have it, write the files, and return the report and their paths."""
    from streamnorm.spec.directory_files import write_files

    with extra("fpga"):
        from streamnorm_fpga.bitstream.build import REPORT, SEEDS, build, files_of
    with _progress(args) as progress:
        progress("generating")
        design = checked_design(args, directory)
        report = build(design, args.seeds or SEEDS, allow_slow=args.allow_slow, progress=progress)
    files = files_of(report)
    last = files.pop(REPORT)
    files |= {REPORT_TEXT: _as_text(render(report, details=True)), REPORT: last}
    return report, write_files(directory, files)


def checked_design(args: argparse.Namespace, directory: Path) -> "BoardDesign":
    """Return the design that would be built into ``directory``; raise whatever is known against it without a build."""
    from streamnorm.spec.paths import check_directory

    with extra("fpga"):
        from streamnorm_fpga.bitstream.build import file_names
        from streamnorm_fpga.bitstream.design import board_design
        from streamnorm_fpga.boards import board_named
        from streamnorm_fpga.place.refusal import refuse_impossible_on
    board = board_named(args.board)
    config = read_config(args)
    check_directory(directory)
    clock_mhz = config.clock_mhz if args.clock is None else args.clock
    refuse_impossible_on(board, config, clock_mhz, allow_slow=args.allow_slow)
    design = board_design(config, board, baud=args.baud, clock_mhz=args.clock)
    config.refuse_overwriting(directory / name for name in (*file_names(design), REPORT_TEXT))
    return design


def render(report: "BuildReport", *, details: bool = False) -> RenderableType:
    """Return the report as tables; with ``details``, each block and the critical path step by step."""
    parts: list[RenderableType] = [
        _area(report),
        "",
        block_table(report.by_block, None if details else 2),
        "",
        _clock(report),
        "",
    ]
    if details:
        parts += [path_table(report.placed.seed, report.placed.path), ""]
    parts += [f"[yellow]note:[/yellow] {escape(notice)}" for notice in report.notices]
    return Group(*parts)


def _as_text(content: RenderableType) -> bytes:
    """What a terminal would show, for a file."""
    text = io.StringIO()
    Console(file=text, width=_REPORT_WIDTH, highlight=False, color_system=None).print(content)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines()).encode()


def _area(report: "BuildReport") -> Table:
    from streamnorm_fpga.place.resources import NAMES, Resources

    design = report.design
    table = titled_table(f"{design.config.name} on {design.board.title} ({design.board.part})")
    table.add_column("area")
    for heading in ("unit", "board logic", "all, placed", "available", "share", "free"):
        table.add_column(heading, justify="right")
    used, unit, logic = report.used.to_dict(), report.unit.to_dict(), report.logic.to_dict()
    for key, available in Resources.of_part(design.board.device).to_dict().items():
        table.add_row(
            NAMES[key],
            f"{unit[key]:,}" if key in unit else "",
            f"{logic[key]:,}" if key in logic else "",
            f"{used[key]:,}",
            f"{available:,}",
            f"{used[key] / available:.1%}" if available else "-",
            f"{available - used[key]:,}",
        )
    return table


def _clock(report: "BuildReport") -> Table:
    design, placed = report.design, report.placed
    clock = design.clock
    table = titled_table("clock and link")
    table.show_header = False
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    source = f"PLL, of the board's {design.board.clock_mhz:g}" if clock.module else "the board's own"
    colour = "green" if report.meets_clock else "red"
    table.add_row("clock", f"{clock.mhz:g} MHz ({source}; the plan's is {design.config.clock_mhz:g})")
    table.add_row(
        "reached",
        f"[{colour}]{placed.fmax_mhz:.1f} MHz[/{colour}], margin {report.margin_mhz:+.1f} MHz "
        f"({report.margin_mhz / clock.mhz:+.1%}), seed {placed.seed}",
    )
    if report.limit_mhz is not None:
        table.add_row("limit", f"{report.limit_mhz:g} MHz: what the part's block RAMs bear")
    for seed, fmax in report.missed.items():
        table.add_row("missed", f"{fmax:.1f} MHz with seed {seed}")
    table.add_row("critical path", escape(str(placed.path)))
    table.add_row(
        "serial line", f"{design.baud} baud, {design.bit_cycles} cycles a bit: {escape(design.board.uart.where)}"
    )
    table.add_row("tools", ", ".join(f"{tool} {version}" for tool, version in report.tools.items()))
    table.add_row("bitstream", f"sha256 {report.to_dict()['bitstream']['sha256']}")
    return table


@contextmanager
def _progress(args: argparse.Namespace) -> Iterator[Callable[[str], None]]:
    """Yield what is to be told of each step."""
    with progress_bar(args, counted=False) as bar:
        task = bar.add_task("", total=None)

        def show(step: str) -> None:
            bar.update(task, description=escape(step))
            if not bar.disable and "MHz" in step:
                bar.console.print(step, highlight=False)

        yield show
