"""``streamnorm simulate``: rows through the hardware, every value and every cycle count checked."""

import argparse
from pathlib import Path

from .options import Commands, add_common, count, formatter, positive, read_config

ENGINES = ("cxxrtl", "pysim", "verilator", "icarus")

_EPILOG = """\
examples:
  streamnorm simulate examples/bert_int8.toml                         random rows, on the fast engine
  streamnorm simulate examples/bert_int8.toml --input x.npy --output y.npy
  streamnorm simulate examples/bert_int8.toml --stall 0.3             30 % of the cycles stalled, both sides
  streamnorm simulate examples/bert_int8.toml --stall source:0.5,sink:burst:8/3
  streamnorm simulate examples/bert_int8.toml --engine verilator --rows 10 --waves out.vcd

stalls: none, P, random:P or burst:OPEN/CLOSED, for both sides or as source:FORM,sink:FORM; P is the share of
stalled cycles, OPEN and CLOSED are mean lengths of free and stalled runs.
Exit code 4 if a value differs from the golden model, or a cycle count from the plan.
"""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "simulate",
        help="run rows through the hardware and check every value",
        description="Run rows through the generated hardware; report values that differ from the golden\n"
        "model (none should), errors against the exact reference, and the measured beside the planned cycles.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    add_common(parser)
    parser.add_argument(
        "--engine", choices=ENGINES, default=ENGINES[0], help="what simulates the unit (default: %(default)s)"
    )
    rows = parser.add_mutually_exclusive_group()
    rows.add_argument(
        "--input",
        type=Path,
        metavar="X.npy",
        help="rows to run, shape (rows, n): integers of the input format, or floats, which are quantized",
    )
    rows.add_argument(
        "--rows", type=positive, default=200, metavar="R", help="random rows to run (default: %(default)s)"
    )
    parser.add_argument("--stall", default="none", metavar="FORM", help="see below (default: %(default)s)")
    parser.add_argument(
        "--seed", type=count, default=0, help="of random rows and stalls (default: %(default)s)"
    )
    parser.add_argument("--waves", type=Path, metavar="OUT.vcd", help="write every signal's history")
    parser.add_argument("--output", type=Path, metavar="Y.npy", help="write the rows that came out")


def run(args: argparse.Namespace) -> int:
    """Simulate the unit of a configuration."""
    read_config(args)
    raise NotImplementedError
