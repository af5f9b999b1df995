"""``streamnorm fit``: place and route the unit alone, and tell its area and its clock."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from streamnorm.spec.architectures import ONE_PASS
from streamnorm.spec.values import shown
from streamnorm_cli.notices import print_notices
from streamnorm_cli.options import Commands, add_architecture, add_common, formatter, print_result, read_config
from streamnorm_cli.progress import progress_bar
from streamnorm_cli.tables.area import block_table, path_table, titled_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamnorm.spec.config import NormConfig
    from streamnorm_fpga.place.closing import Closing
    from streamnorm_fpga.place.place_route import Placed
    from streamnorm_fpga.place.report import FitReport

_EPILOG = """\
examples:
  streamnorm fit examples/bert_int8.toml
  streamnorm fit examples/bert_int8.toml --seeds 1-8 -v       eight placements, the slowest path step by step
  streamnorm fit examples/bert_int8.toml --check              exit code 4 if a seed misses clock_mhz
  streamnorm fit examples/bert_int8.toml --close              the shallowest pipeline that reaches clock_mhz
  streamnorm fit examples/bert_int8.toml --json | jq .fmax_mhz.min

The registers that stand in for pins are not counted. docs/fit.md tells what the figures mean.
"""

SEEDS_MAX = 1000


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "fit",
        help="place and route the unit alone: area, clock rate, critical path",
        description="Synthesize the unit with yosys, place and route it alone with nextpnr, once per seed,\n"
        "and tell what it takes of its target, the clock it reaches and the path that bounds it.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    add_common(parser)
    add_architecture(parser)
    parser.add_argument(
        "--seeds",
        type=seed_list,
        default=(1, 2, 3),
        metavar="LIST",
        help="placements to try, such as 1,2,3 or 1-8 (default: 1,2,3); one at a time per processor",
    )
    parser.add_argument(
        "--close",
        action="store_true",
        help="raise the margin from 0 until every seed reaches the clock, and tell it; the configuration's own is not "
        "looked at; exit code 4 if no margin does",
    )
    parser.add_argument(
        "--check", action="store_true", help="fail (exit code 4) unless every seed reaches the configuration's clock"
    )


def seed_list(text: str) -> tuple[int, ...]:
    """Return the seeds that an argument such as ``1,2,3`` or ``1-8`` lists, each once, in its order."""
    from streamnorm_fpga.place.seeds import SEED_MAX

    seeds: dict[int, None] = {}
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.strip().isdecimal() or (dash and not last.strip().isdecimal()):
            raise argparse.ArgumentTypeError(f"{shown(text)} is no seed such as 1 and no list such as 1,2,3 or 1-8")
        ends = [each.strip().lstrip("0") or "0" for each in (first, last if dash else first)]
        if any(len(end) > len(str(SEED_MAX)) or int(end) > SEED_MAX for end in ends):
            raise argparse.ArgumentTypeError(f"{shown(part.strip())}: nextpnr takes seeds from 0 to {SEED_MAX}")
        low, high = map(int, ends)
        if low > high:
            raise argparse.ArgumentTypeError(f"{shown(part.strip())} is an empty range of seeds")
        if high - low + len(seeds) >= SEEDS_MAX:
            raise argparse.ArgumentTypeError(f"{shown(text)} lists more than {SEEDS_MAX} seeds")
        seeds.update(dict.fromkeys(range(low, high + 1)))
    return tuple(seeds)


def run(args: argparse.Namespace) -> int:
    """Fit the unit of a configuration."""
    config = read_config(args)
    from streamnorm.plan import Plan
    from streamnorm_fpga import fit

    if args.close:
        return _close(args, config)
    with _progress(args, config.name) as progress:
        report = fit(config, args.seeds, progress)
    architecture = Plan.of(config).architecture
    missed = [] if report.meets_clock else [_why_missed(report)]
    print_notices(args, report.notices)
    print_result(
        args, report.to_dict, lambda: tables(report, architecture, details=args.verbose), missed if args.check else None
    )
    return 0


def _close(args: argparse.Namespace, config: "NormConfig") -> int:
    """Find the margin with which the clock is reached, and tell what was tried."""
    from streamnorm.plan import Plan
    from streamnorm_fpga.place.closing import close

    with _progress(args, config.name) as progress:

        def begin(margin: float) -> None:
            progress(None, f"margin {margin:g}: ")

        closing = close(config, args.seeds, begin=begin, progress=progress)
    best, architecture = closing.best, Plan.of(config).architecture
    missed = (
        []
        if closing.closed
        else [f"no margin reaches it; best with {best.config.margin:g}: {_why_missed(best.report)}"]
    )
    print_notices(args, best.report.notices)
    print_result(
        args,
        closing.to_dict,
        lambda: [*tables(best.report, architecture, details=args.verbose), _tries(closing)],
        missed,
    )
    return 0


def _tries(closing: "Closing") -> Table:
    closed = closing.closed
    if closed is None:
        title = "margins tried: none reaches the clock"
    else:
        title = f"margins tried; margin = {closed.config.margin:g} in the configuration keeps the last one"
    table = titled_table(title)
    for heading in ("margin", "L2, cycles", "LUTs", "flip-flops", "worst, MHz", "median, MHz"):
        table.add_column(heading, justify="right")
    for one in closing.tries:
        said = one.to_dict()
        colour = "green" if said["meets_clock"] else "red"
        worst = f"[{colour}]{said['fmax_mhz']['min']:.1f}[/]" + (" and not routed" if said["unrouted"] else "")
        figures = (f"{said['L2']}", f"{said['comb']:,}", f"{said['ff']:,}", worst, f"{said['fmax_mhz']['median']:.1f}")
        table.add_row(f"{said['margin']:g}", *figures)
    return table


def tables(report: "FitReport", architecture: str, *, details: bool = False) -> list[Table]:
    """Return the report as tables; with ``details``, each block and the critical path step by step."""
    result = [_area(report, architecture), block_table(report.by_block, None if details else 2), _clock(report)]
    if details:
        result.append(path_table(report.worst.seed, report.critical_path))
    return result


def _area(report: "FitReport", architecture: str) -> Table:
    from streamnorm_fpga.place.resources import NAMES

    tools = ", ".join(f"{tool} {version}" for tool, version in report.tools.items())
    named = "" if architecture == ONE_PASS else f", {architecture},"
    table = titled_table(f"{report.top}{named} on {report.device.part}  ({tools})")
    table.add_column("area")
    for heading in ("used", "available", "share"):
        table.add_column(heading, justify="right")
    data = report.to_dict()
    for key, available in data["available"].items():
        share = f"{data[key] / available:.1%}" if available else "-"
        table.add_row(NAMES[key], f"{data[key]:,}", f"{available:,}", share)
    return table


def _clock(report: "FitReport") -> Table:
    limit = report.limit_mhz
    bears = f"; the part's block RAMs bear {limit:g}" if limit is not None else ""
    table = titled_table(f"clock, MHz: {report.clock_mhz:g} asked for{bears}")
    table.add_column("seed")
    table.add_column("reached", justify="right")
    table.add_column("bounded by", overflow="fold")
    for placed in report.placed:
        colour = "green" if placed.fmax_mhz >= report.clock_mhz else "red"
        table.add_row(str(placed.seed), f"[{colour}]{placed.fmax_mhz:.1f}[/{colour}]", escape(str(placed.path)))
    for seed, why in report.unrouted.items():
        table.add_row(str(seed), "[red]not routed[/red]", escape(why))
    table.add_section()
    table.add_row("worst", f"{report.worst.fmax_mhz:.1f}", f"seed {report.worst.seed}")
    table.add_row("median", f"{report.fmax_median_mhz:.1f}", "")
    return table


def _why_missed(report: "FitReport") -> str:
    limit = report.limit_mhz
    if limit is not None and limit < report.clock_mhz:
        part = report.device.part
        return f"clock_mhz = {report.clock_mhz:g}: the block RAMs of {part} bear {limit:g} MHz at most"
    missed = [
        f"seed {placed.seed} reaches {placed.fmax_mhz:.1f} MHz"
        for placed in report.placed
        if placed.fmax_mhz < report.clock_mhz
    ]
    return f"clock_mhz = {report.clock_mhz:g} is missed: {', '.join([*missed, *report.unrouted.values()])}"


@contextmanager
def _progress(args: argparse.Namespace, name: str) -> "Iterator[Callable[..., None]]":
    """Yield what is to be told of each step, as `fit` calls it; with what comes first, a unit's synthesis begins."""
    with progress_bar(args, counted=True) as bar:
        task = bar.add_task(f"synthesizing {escape(name)}", total=len(args.seeds))
        first = ""

        def show(placed: "Placed | None", about: str | None = None) -> None:
            nonlocal first
            if about is not None:
                first = about
                bar.reset(task, description=f"{first}synthesizing {escape(name)}")
                return
            if placed is None:
                bar.update(task, description=f"{first}placing {escape(name)}")
                return
            bar.advance(task)
            if not bar.disable:
                bar.console.print(f"{first}seed {placed.seed}: {placed.fmax_mhz:.1f} MHz", highlight=False)

        yield show
