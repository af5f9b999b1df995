"""``streamnorm simulate``: rows through the hardware, every value and every cycle count checked."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import Progress as ProgressBar
from rich.table import Table

from streamnorm.errors import ConfigError
from streamnorm.spec.architectures import ONE_PASS
from streamnorm.spec.values import shown
from streamnorm_cli.beside import add_beside, beside_in, beside_out, require_beside
from streamnorm_cli.options import (
    Commands,
    add_architecture,
    add_common,
    extra,
    file_path,
    formatter,
    print_result,
    read_config,
    refuse_overwriting,
    row_count,
    seed,
)
from streamnorm_cli.tables.area import CYCLE_MEANINGS
from streamnorm_cli.tables.notes import notes
from streamnorm_cli.terminal import progress_console

if TYPE_CHECKING:
    from streamnorm_sim.check.simulate import Progress, Simulation

ENGINES = ("cxxrtl", "pysim", "verilator", "icarus")

_EPILOG = """\
examples:
  streamnorm simulate examples/bert_int8.toml                         random rows, on the fast engine
  streamnorm simulate examples/bert_int8.toml --input x.npy --output y.npy
  streamnorm simulate examples/around/residual_int8.toml --input x.npy --residual f.npy --sum r.npy
  streamnorm simulate examples/around/interpolated_int8.toml --input x.npy --blend t.npy
  streamnorm simulate examples/around/per_token_int8.toml --input x.npy --input-scale s.npy
  streamnorm simulate examples/around/two_results.toml --input x.npy --output y.npy --result second=r.npy
  streamnorm simulate examples/bert_int8.toml --stall 0.3             30 % of the cycles stalled, both sides
  streamnorm simulate examples/bert_int8.toml --stall source:0.5,sink:burst:8/3
  streamnorm simulate examples/bert_int8.toml --engine verilator --rows 10 --waves out.vcd
  streamnorm simulate examples/bert_int8.toml --architecture five-scan   the same bits, more slowly
  streamnorm simulate examples/ice40_int8.toml --gate-level           the netlist that would be placed

stalls: none, P, random:P or burst:OPEN/CLOSED, for both sides or as source:FORM,sink:FORM; P is the share of
stalled cycles, at least 0 and below 1; OPEN and CLOSED are mean lengths of free and stalled runs.
Exit code 4 if a value differs from the golden model, or a cycle count from the plan.
"""


def _named_file(text: str) -> tuple[str, Path]:
    """The name of a further result, and the file it goes to."""
    name, equals, path = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{shown(text)} must be NAME=FILE, such as second=y.npy")
    return name, file_path(path)


_STAGES = {
    "synthesize": "synthesizing",
    "build": "building",
    "run": "running",
    "check": "checking",
    "measure": "measuring cycles",
}


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "simulate",
        help="run rows through the hardware and check every value",
        description="Run rows through the generated hardware; report values that differ from the golden\n"
        "model (none should), errors against the exact reference, and measured beside planned cycles.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    add_common(parser)
    parser.add_argument(
        "--engine", choices=ENGINES, default=ENGINES[0], help="what simulates the unit (default: %(default)s)"
    )
    add_architecture(parser)
    rows = parser.add_mutually_exclusive_group()
    rows.add_argument(
        "--input",
        type=file_path,
        metavar="X.npy",
        help="rows to run, shape (rows, n): integers of the input format, or floats, which are quantized",
    )
    rows.add_argument(
        "--rows", type=row_count(1), default=200, metavar="R", help="random rows to run (default: %(default)s)"
    )
    parser.add_argument("--stall", default="none", metavar="FORM", help="see below (default: %(default)s)")
    parser.add_argument("--seed", type=seed, default=0, help="of random rows and stalls (default: %(default)s)")
    parser.add_argument("--waves", type=file_path, metavar="OUT.vcd", help="write every signal's history")
    parser.add_argument("--output", type=file_path, metavar="Y.npy", help="write the rows that came out")
    add_beside(parser)
    parser.add_argument(
        "--result",
        type=_named_file,
        action="append",
        default=[],
        metavar="NAME=Y.npy",
        help="write what came out of a further result of [[results]], by its name; once for each",
    )
    parser.add_argument(
        "--gate-level",
        action="store_true",
        help="synthesize for the configuration's target and run the netlist of its cells, on cxxrtl",
    )


def run(args: argparse.Namespace) -> int:
    """Simulate the unit of a configuration; after the report, raise Reported if something is wrong."""
    config = read_config(args)
    beside, outputs_beside = beside_in(args), beside_out(args)
    written = {"--output": args.output, "--waves": args.waves}
    written |= {f"--{name}": path for name, path in outputs_beside.items()}
    for name, path in args.result:
        if name not in config.by_result:
            named = ", ".join(config.by_result) or "none"
            raise ConfigError(f"--result {shown(name)}: the unit has no further result of that name; it has {named}")
        if name in outputs_beside:
            raise ConfigError(f"--result {name}: is there twice")
        outputs_beside[name] = written[f"--result {name}"] = path
    refuse_overwriting(written, [args.file], args.input, *beside.values())
    require_beside(config, args)
    if args.gate_level and args.engine != ENGINES[0]:
        raise ConfigError(f"--gate-level runs on {ENGINES[0]} only, not on {args.engine}")
    with extra("sim"), _progress(args) as progress:
        from streamnorm_sim.check.simulate import simulate

        netlist = None
        if args.gate_level:
            from streamnorm_fpga.gate_level import gate_netlist

            progress("synthesize", 0.0)
            netlist = gate_netlist(config)
        simulation = simulate(
            config,
            engine=args.engine,
            rows=args.rows if args.input is None else args.input,
            beside=beside,
            stall=args.stall,
            seed=args.seed,
            waves=args.waves,
            output=args.output,
            outputs_beside=outputs_beside,
            progress=progress,
            netlist=netlist,
        )
    print_result(args, simulation.to_dict, lambda: tables(simulation), simulation.failures)
    return 0


def tables(simulation: "Simulation") -> list[Table]:
    """Return the report as tables: the values, then the cycle counts, then the notices."""
    return [_values(simulation), _cycles(simulation), *notes(simulation.notices)]


def _values(simulation: "Simulation") -> Table:
    from streamnorm.plan import Plan

    accuracy, given = simulation.accuracy, simulation.accuracy_as_given
    netlist = f", {simulation.netlist} netlist" if simulation.netlist else ""
    chosen = Plan.of(simulation.config).architecture
    architecture = "" if chosen == ONE_PASS else f", {chosen}"
    title = (
        f"{simulation.config.name}{architecture} on {simulation.engine}{netlist}, seed {simulation.seed}, "
        f"stalls {simulation.stall}"
    )
    table = _table(title)
    table.show_header = False
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(justify="right")
    table.add_column(style="dim", overflow="fold")
    colour = "red" if simulation.mismatches else "green"
    from streamnorm.spec.formats.element_text import error_unit

    unit = error_unit(simulation.config.output)
    part = "" if simulation.exact_rows == simulation.rows else f", over {simulation.exact_rows:,} of the rows"
    for name, value, meaning in (
        ("rows", f"{simulation.rows:,}", f"with {simulation.elements:,} elements"),
        ("mismatches", f"[{colour}]{simulation.mismatches:,}[/]", "elements that differ from the golden model"),
        ("max error", f"{accuracy.max_ulp:.4f}", f"{unit}, against the exact result{part}; 0.5 is the best there is"),
        ("mean error", f"{accuracy.mean_ulp:.4f}", f"{unit}; 0.25 where nothing but rounding is lost"),
        ("correctly rounded", f"{accuracy.correctly_rounded:.3%}", "of the elements"),
        ("… as given", f"{given.max_ulp:.4f}", "max error with gamma and beta as given, not as stored"),
        ("", f"{given.correctly_rounded:.3%}", "of the elements are then correctly rounded"),
        ("cycles", f"{simulation.cycles:,}", f"simulated at {simulation.cycles_per_second:,.0f} a second"),
    ):
        table.add_row(name, value, meaning)
    formats = {side.name: side.number for side in simulation.config.side_outputs}
    for name, of in simulation.accuracy_beside.items():
        beside = "ulp" if formats[name].is_float else "LSB"
        table.add_row(f"{name}, max error", f"{of.max_ulp:.4f}", f"{beside}, of what came out beside the results")
    if simulation.scale_error is not None:
        bound = Plan.of(simulation.config).scale_error_bound
        meaning = f"of the exact scale, in rows that are not all zeros; {bound:.3g} is allowed"
        table.add_row("scale, max error", f"{simulation.scale_error:.3g}", meaning)
    return table


def _cycles(simulation: "Simulation") -> Table:
    table = _table(f"cycles, rows of {simulation.config.max_length} elements, no stalls")
    table.add_column("")
    table.add_column("measured", justify="right")
    table.add_column("planned", justify="right")
    table.add_column("")
    for name, measured in simulation.measured.to_dict().items():
        planned = getattr(simulation.planned, name)
        colour = "green" if measured == planned else "red"
        table.add_row(name, f"[{colour}]{measured:g}[/]", str(planned), f"[dim]{CYCLE_MEANINGS[name]}[/]")
    return table


def _table(title: str) -> Table:
    return Table(title=escape(title), title_justify="left", title_style="bold", box=None, header_style="cyan")


@contextmanager
def _progress(args: argparse.Namespace) -> "Iterator[Progress]":
    """Show on stderr, if that is a terminal, how far the work is; yield what is to be told of it."""
    console = progress_console()
    hidden = args.quiet or not console.is_terminal
    with ProgressBar(console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=1.0)

        def show(stage: str, share: float) -> None:
            bar.update(task, description=_STAGES[stage], completed=share)

        yield show
