"""``streamnorm cycles``: cycle counts side by side, of configurations, norms, architectures, lanes and row lengths."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamnorm.errors import ConfigError
from streamnorm.spec.values import counted, shortened, shown
from streamnorm_cli.options import (
    Commands,
    add_output,
    extra,
    file_path,
    formatter,
    print_csv,
    print_json,
    print_tables,
    refuse_overwriting,
    row_count,
    seed,
    whole_number,
)
from streamnorm_cli.progress import progress_bar
from streamnorm_cli.tables.cycles import flat, tables
from streamnorm_cli.terminal import output_console, progress_console

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig
    from streamnorm_sim.cycles.clocks import PlacedClock
    from streamnorm_sim.cycles.counts import CycleCounts

_ROWS = 100
_TIMELINE_ROWS = 3

_EPILOG = """\
examples:
  streamnorm cycles examples/bert_int8.toml                          rows of max_length
  streamnorm cycles examples/bert_int8.toml --lengths 1,64,768 --lanes 1,2,4,8,16 --peers
  streamnorm cycles examples/llama_rms_int16.toml --lengths 64:4096 --compare norms --plot growth.svg
  streamnorm cycles examples/bert_int8.toml --compare architectures --welford --plot bars.svg
  streamnorm cycles examples/bert_int8.toml examples/bert_int8_50mhz.toml --fmax examples/bert_int8.toml=203
  streamnorm cycles examples/short_rows.toml --compare architectures --fmax 195,five-scan=180
  streamnorm cycles examples/bert_int8.toml --stalls source:0.1,sink:burst:20/5 --plot losses.svg
  streamnorm cycles examples/bert_int8.toml --stalls 0.2 --simulate  measured, each cycle compared with the model
  streamnorm cycles examples/bert_int8.toml --rows 1000000 --csv
  streamnorm cycles examples/bert_int8.toml --lengths 768,64,256 --timeline rows.svg

L1 is first beat in to first beat out, L2 last in to first out, L3 first in to last out, SS from row to row; a wire is
0 cycles, one register 1. These four count no stalls, and rates are those of SS; the batch and what is lost count the
stalls of --stalls. ns and rates are told at the clock that the unit is planned for, and at the one that it reaches when
placed: as measured for some examples and the architectures of bert_int8, or as --fmax says; streamnorm fit measures it.
Architectures: one-pass is what streamnorm generates; two-pass, three-scan and five-scan are made of the same blocks
and give the same bits, with --welford nearly the same.
"""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "cycles",
        help="compare cycle counts of configurations, norms, architectures, lanes and row lengths",
        description="Count cycles: L1, L2, L3, SS, of a batch of rows, and where cycles are lost.\n"
        "The cycle model computes them exactly; --simulate measures them on the hardware instead.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    parser.add_argument("files", nargs="+", type=file_path, metavar="FILE", help="configuration (TOML)")
    parser.add_argument(
        "--lengths",
        type=length_list,
        metavar="LIST",
        help="elements of rows, at most max_length: such as 1,64,768, or 64:768 for 64, its doubles below 768, and "
        "768 (default: max_length)",
    )
    parser.add_argument("--lanes", type=lane_list, metavar="LIST", help="lanes, such as 1,2,4,8 (default: the file's)")
    parser.add_argument(
        "--compare",
        choices=("configs", "norms", "architectures"),
        default="configs",
        help="configs: the files as they are (default); norms: each with every norm that its other keys allow, see "
        "streamnorm norms; architectures: each in one pass, in two, and in three and five scans",
    )
    parser.add_argument(
        "--welford",
        action="store_true",
        help="with --compare architectures: the scans also with mean and variance by Welford's updates",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--model", action="store_true", help="the cycle model (default)")
    way.add_argument("--simulate", action="store_true", help="measure on the hardware, compiled (CXXRTL)")
    parser.add_argument(
        "--rows", type=row_count(2), default=_ROWS, metavar="R", help=f"rows of the batch, 2 or more (default: {_ROWS})"
    )
    parser.add_argument(
        "--stalls", default="none", metavar="FORM", help="of the batch's source and sink, as in simulate"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of random stalls (default: 0)")
    parser.add_argument(
        "--fmax",
        type=clock_list,
        action="append",
        metavar="[WHICH=]MHZ",
        help="clock of the placed units, or of some: WHICH is a FILE, a norm, an architecture or a number of lanes; "
        "of several, by commas, the last one that fits a unit holds",
    )
    parser.add_argument("--peers", action="store_true", help="add other projects' units, as far as measured")
    parser.add_argument(
        "--plot",
        type=file_path,
        metavar="FILE",
        help="draw a picture (.png or .svg): of growth with the length, of bars if there is one length, or with "
        "--stalls of what is lost",
    )
    parser.add_argument(
        "--timeline",
        type=file_path,
        metavar="FILE",
        help="draw which block works on which row and when (.png or .svg): of each unit that is counted, rows of "
        "--lengths one after the other (default: three of max_length), simulated",
    )
    parser.add_argument("--csv", action="store_true", help="print comma-separated values and nothing else")
    add_output(parser, verbose="say more; with a traceback for bugs")


def length_list(text: str) -> tuple[int, ...]:
    """Return the lengths that ``1,64,768`` lists, or ``64:768``: 64, its doubles below 768, and 768."""
    from streamnorm.spec.config import LENGTH_MAX  # with NumPy, which --help need not wait for

    return _number_list(text, LENGTH_MAX, "64:1024")


def lane_list(text: str) -> tuple[int, ...]:
    """Return the lanes that an argument lists; see `length_list`."""
    from streamnorm.spec.config import LANES_MAX  # as above

    return _number_list(text, LANES_MAX, "1:16")


def _number_list(text: str, most: int, example: str) -> tuple[int, ...]:
    numbers, read = [], whole_number(1, most)
    for part in text.split(","):
        first, colon, last = part.partition(":")
        try:
            low, high = read(first), read(last if colon else first)
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentTypeError(
                f"{shown(part)} is neither a whole number from 1 to {most} nor FIRST:LAST, such as {example}"
            ) from error
        if low > high:
            raise argparse.ArgumentTypeError(f"{shown(part)} is an empty range")
        while low < high:
            numbers.append(low)
            low *= 2
        numbers.append(high)
    return tuple(numbers)


def clock_list(text: str) -> tuple[tuple[str, float], ...]:
    """Return what ``195`` says of every unit, ``unit.toml=195,five-scan=180`` of some: names, "" for all, and MHz."""
    clocks = []
    for part in text.split(","):
        which, equals, number = part.rpartition("=")
        try:
            mhz = float(number)
        except ValueError:
            mhz = nan
        if not 0 < mhz < inf or (equals and not which):
            raise argparse.ArgumentTypeError(
                f"{shown(part)} is neither a clock in MHz nor WHICH=MHZ, such as unit.toml=195"
            )
        clocks.append((which, mhz))
    return tuple(clocks)


def run(args: argparse.Namespace) -> int:
    """Count, and print what was counted."""
    if args.json and args.csv:
        raise ConfigError("--json and --csv: one of them only")
    from streamnorm_sim.check.row_files import check_writable

    pictures = {"--plot": args.plot, "--timeline": args.timeline}
    refuse_overwriting(pictures, args.files)
    for option, path in pictures.items():
        if path is not None and path.suffix not in (".png", ".svg"):
            raise ConfigError(f"{option}: {path}: the name must end in .png or .svg")
        check_writable(path)
    if args.welford and args.compare != "architectures":
        raise ConfigError("--welford: only with --compare architectures")
    with extra("sim"):
        from streamnorm_sim.cycles.counts import computed, simulated
        from streamnorm_sim.cycles.peers import peer_counts, peer_shapes
        from streamnorm_sim.streams.stalls import NO_STALL, parse_stalls
    source, sink = parse_stalls(args.stalls)
    stalled = (source, sink) != (NO_STALL, NO_STALL)
    work, notes = _work(args)
    clocks = _clocks(args, work)
    count = simulated if args.simulate else computed
    results: list[CycleCounts] = []
    with _progress(args) as progress:
        for (_, config, length), clock in zip(work, clocks, strict=True):
            lanes = counted(config.lanes, "lane")
            progress(f"{config.name}: {config.norm}, {config.architecture}, {lanes}, n = {length}")
            stalls = {"source": source, "sink": sink, "seed": args.seed}
            counts = count(config, length, args.rows, **stalls)
            results.append(counts if clock is None else replace(counts, placed=clock))
    shapes = {(each.config.norm, each.config.lanes, each.length, each.config.input.bits) for each in results}
    peers = peer_counts(shapes) if args.peers else []
    if args.peers and not peers and not args.quiet:
        known = ", ".join(dict.fromkeys(f"{lanes} x {n}" for _, lanes, n in peer_shapes()))
        progress_console().print(f"--peers: nothing was measured for these; lanes x n are {known}", style="dim")
    if args.plot is not None:
        with extra("sim"):
            from streamnorm_sim.draw.cycle_plot import plot_cycles
            from streamnorm_sim.draw.loss_plot import plot_losses
        if stalled:
            plot_losses(args.plot, results, f"source {source}, sink {sink}")
        else:
            plot_cycles(args.plot, results, peers)
    if args.timeline is not None:
        with extra("sim"):
            from streamnorm_sim.draw.timeline import draw_timeline, record_timeline
        timelines = [
            record_timeline(
                config, args.lengths or (config.max_length,) * _TIMELINE_ROWS, source=source, sink=sink, seed=args.seed
            )
            for config in dict.fromkeys(config for _, config, _ in work)
        ]
        draw_timeline(args.timeline, *timelines)
    lines = [result.to_dict() for result in results]
    if args.json:
        by = "simulation" if args.simulate else "model"
        print_json({"by": by, "counts": lines, "peers": peers, "notes": notes})
    elif args.csv:
        print_csv(map(flat, [*lines, *peers]))
    elif not args.quiet:
        print_tables(tables(results, peers, notes, by_hardware=args.simulate))
        for path in filter(None, (args.plot, args.timeline)):
            output_console().print(f"{path}", soft_wrap=True)
    return 0


def _work(args: argparse.Namespace) -> tuple[list[tuple[Path, "NormConfig", int]], list[str]]:
    """What is to be counted: the file it comes from, the unit, and the length; all is checked before anything is.

    And what has to be said of the norms that were put in place of the file's.
    """
    from streamnorm.spec.config import NormConfig

    work, notes = [], []
    for file in args.files:
        config = NormConfig.from_toml(file)
        lengths = args.lengths or (config.max_length,)
        if max(lengths) > config.max_length:
            raise ConfigError(
                f"--lengths: {max(lengths)} is more than max_length = {config.max_length} of {file}; raise it there"
            )
        if args.welford and not config.formula.has_variance:
            raise ConfigError(f"--welford: {file} is {config.norm}, which has no variance to update; leave it out")
        for normed in _norms(config, notes) if args.compare == "norms" else (config,):
            for lanes in dict.fromkeys(args.lanes or (config.lanes,)):
                changed = normed.replace(lanes=lanes)
                for architecture in _architectures(args, changed):
                    unit = changed.replace(architecture=architecture)
                    work += [(file, unit, length) for length in dict.fromkeys(lengths)]
    # What is named twice, or comes of two files that are alike, is counted once.
    once = {(unit, length): (file, unit, length) for file, unit, length in reversed(work)}
    return list(once.values())[::-1], list(dict.fromkeys(notes))


def _norms(config: "NormConfig", notes: list[str]) -> Iterator["NormConfig"]:
    """A configuration with every norm that goes with its other keys; ``notes`` is added what has to be said of it."""
    from streamnorm.plan import Plan
    from streamnorm.spec.norms import NORMS
    from streamnorm.spec.other_norm import with_norm

    for norm in NORMS:
        try:
            other = with_norm(config, norm)
            Plan.of(other.config)
        except ConfigError as error:
            if norm == config.norm:
                raise
            notes.append(f"{norm} is left out: {error}")
            continue
        if str(other):
            notes.append(f"{norm}: {other}")
        yield other.config


def _clocks(args: argparse.Namespace, work: list[tuple[Path, "NormConfig", int]]) -> list["PlacedClock | None"]:
    """What --fmax says of each unit; None where it says nothing."""
    from streamnorm_sim.cycles.clocks import PlacedClock

    given = [clock for clocks in args.fmax or () for clock in clocks]
    names = [("", str(file), unit.norm, unit.architecture, str(unit.lanes)) for file, unit, _ in work]
    known = list(dict.fromkeys(name for several in names for name in several if name))
    for which, _ in given:
        if which and which not in known:
            raise ConfigError(f"--fmax: {shortened(which)} is none of the units; they are {', '.join(known)}")
    fitting = ([mhz for which, mhz in given if which in several] for several in names)
    return [PlacedClock(clocks[-1], "given") if clocks else None for clocks in fitting]


def _architectures(args: argparse.Namespace, config: "NormConfig") -> list[str]:
    from streamnorm.spec.architectures import ARCHITECTURES, architectures_of

    if args.compare != "architectures":
        return [config.architecture]
    borne = config.computed.architectures
    fitting = [name for name in architectures_of(config.formula, defer=config.defer) if not borne or name in borne]
    return [name for name in fitting if ARCHITECTURES[name].exact or args.welford]


@contextmanager
def _progress(args: argparse.Namespace) -> Iterator[Any]:
    """Show on stderr, if that is a terminal, what is being counted."""
    with progress_bar(args, counted=False) as bar:
        task = bar.add_task("", total=None)
        yield lambda text: bar.update(task, description=text)
