"""``streamnorm simulate``: rows through the hardware, every value and every cycle count checked."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import Progress as ProgressBar
from rich.table import Table

from streamnorm.errors import ConfigError
from streamnorm.spec.architectures import ONE_PASS
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
  streamnorm simulate examples/bert_int8.toml --stall 0.3             30 % of the cycles stalled, both sides
  streamnorm simulate examples/bert_int8.toml --stall source:0.5,sink:burst:8/3
  streamnorm simulate examples/bert_int8.toml --engine verilator --rows 10 --waves out.vcd
  streamnorm simulate examples/bert_int8.toml --architecture five-scan   the same bits, more slowly
  streamnorm simulate examples/ice40_int8.toml --gate-level           the netlist that would be placed

stalls: none, P, random:P or burst:OPEN/CLOSED, for both sides or as source:FORM,sink:FORM; P is the share of
stalled cycles, at least 0 and below 1; OPEN and CLOSED are mean lengths of free and stalled runs.
Exit code 4 if a value differs from the golden model, or a cycle count from the plan.
"""

_BESIDE_IN = {
    "residual": "rows of the residual",
    "gamma": 'gamma of each element, for storage = "stream"',
    "beta": 'beta of each element, for storage = "stream"',
}
_BESIDE_OUT = {
    "sum": "the sums that came out, of a residual with emit_sum",
    "scale": 'the scales that came out, (rows, 1), for scale = "row" in [output]: codes of their format',
}

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
    for name, about in _BESIDE_IN.items():
        parser.add_argument(
            f"--{name}", type=file_path, metavar=f"{name[0].upper()}.npy", help=f"with --input: {about}, of its shape"
        )
    for name, about in _BESIDE_OUT.items():
        parser.add_argument(f"--{name}", type=file_path, metavar=f"{name[0].upper()}.npy", help=f"write {about}")
    parser.add_argument(
        "--gate-level",
        action="store_true",
        help="synthesize for the configuration's target and run the netlist of its cells, on cxxrtl",
    )


def run(args: argparse.Namespace) -> int:
    """Simulate the unit of a configuration; after the report, raise Reported if something is wrong."""
    config = read_config(args)
    beside = {name: given for name in _BESIDE_IN if (given := getattr(args, name)) is not None}
    outputs_beside = {name: given for name in _BESIDE_OUT if (given := getattr(args, name)) is not None}
    written = {"--output": args.output, "--waves": args.waves}
    written |= {f"--{name}": path for name, path in outputs_beside.items()}
    refuse_overwriting(written, [args.file], args.input, *beside.values())
    if beside and args.input is None:
        raise ConfigError(f"--{next(iter(beside))}: goes with --input; random rows come with all that they need")
    missing = [side.name for side in config.side_inputs if side.name not in beside]
    if missing and args.input is not None:
        raise ConfigError(f"--input: the unit takes {missing[0]}, too; --{missing[0]} names the file of its rows")
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
    for name, of in simulation.accuracy_beside.items():
        table.add_row(f"{name}, max error", f"{of.max_ulp:.4f}", "LSB, of what came out beside the results")
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
