"""``streamnorm host``: rows through a unit on a board, or on a board that is simulated."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape

from streamnorm.errors import ConfigError
from streamnorm.spec.values import shown
from streamnorm_cli.beside import add_beside, beside_in, beside_out, require_beside
from streamnorm_cli.board_options import BAUD_DEFAULT, baud, port
from streamnorm_cli.options import (
    Commands,
    add_output,
    extra,
    file_path,
    formatter,
    length,
    print_result,
    read_config,
    refuse_overwriting,
    row_count,
    seed,
)
from streamnorm_cli.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamnorm_fpga.host.report import HostReport

_EPILOG = """\
examples:
  streamnorm host --virtual examples/ice40_int8.toml               no board: its design, simulated
  streamnorm host --virtual examples/ice40_int8.toml --faults 1e-4 the same over a bad line
  streamnorm host --port /dev/ttyUSB0                              what the board is, and its self-test
  streamnorm host --port /dev/ttyUSB0 examples/ulx3s_bert_base.toml
  streamnorm host --port /dev/ttyUSB0 examples/ulx3s_bert_base.toml --input x.npy --output y.npy

Exit code 3 if there is no port, or no board answers; 4 if a value differs from the golden model, a cycle count
from the plan, or the board's self-test has failed. docs/host.md tells more.
"""

_ROWS, _ROWS_VIRTUAL = 200, 40  # a simulated board is much slower


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "host",
        help="run rows on a board and check every value",
        description="Send rows to the unit on a board, compare every element with the golden model and the cycles\n"
        "that the board counts with the plan, and measure the link.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    parser.add_argument(
        "file", type=file_path, nargs="?", metavar="FILE", help="configuration (TOML) that the board's bitstream is of"
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", type=port, metavar="P", help="serial port of the board, such as /dev/ttyUSB0 or COM4")
    where.add_argument(
        "--virtual", action="store_true", help="run the board's design on CXXRTL, behind a pseudo-terminal"
    )
    parser.add_argument(
        "--board", metavar="B", help="the board; its part takes the place of the configuration's target"
    )
    parser.add_argument(
        "--baud",
        type=baud,
        default=BAUD_DEFAULT,
        metavar="N",
        help="bits a second on the serial line, as the bitstream was built for (default: %(default)s)",
    )
    rows = parser.add_mutually_exclusive_group()
    rows.add_argument(
        "--input",
        type=file_path,
        metavar="X.npy",
        help="rows to send, shape (rows, n): integers of the input format, or floats, which are quantized",
    )
    rows.add_argument(
        "--rows",
        type=row_count(0),
        metavar="N",
        help=f"corner and random rows to send (default: {_ROWS}, {_ROWS_VIRTUAL} with --virtual)",
    )
    parser.add_argument("--output", type=file_path, metavar="Y.npy", help="write the rows that came out")
    add_beside(parser)
    parser.add_argument(
        "--lengths",
        type=_lengths,
        default=(),
        metavar="LIST",
        help="of random rows, such as 1,64,768 (default: several)",
    )
    parser.add_argument("--seed", type=seed, default=0, help="of random rows (default: %(default)s)")
    parser.add_argument("--stalls", action="store_true", help="stall the unit's source and sink at random on the board")
    parser.add_argument("--self-test", action="store_true", help="let the board test itself once more, first")
    parser.add_argument(
        "--faults",
        type=_chance,
        default=0.0,
        metavar="P",
        help="with --virtual: chance of each octet to be corrupted, lost, or preceded by garbage",
    )
    add_output(parser)


def _lengths(text: str) -> tuple[int, ...]:
    return tuple(length(part) for part in text.split(","))


def _chance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no chance from 0 to 1")
    return value


def run(args: argparse.Namespace) -> int:
    """Run rows on a board; after the report, raise Reported if something is wrong."""
    _check_usage(args)
    with extra("fpga"):
        report = _session(args)
        from streamnorm_cli.tables.host import tables
    print_result(args, report.to_dict, lambda: tables(report), report.failures)
    return 0


def _session(args: argparse.Namespace) -> "HostReport":
    config = read_config(args) if args.file else None
    if config is not None:
        require_beside(config, args)
    from streamnorm_fpga.boards import board_named
    from streamnorm_fpga.host.session import session

    rows = args.rows
    if rows is None:
        rows = _ROWS_VIRTUAL if args.virtual else _ROWS
    with _progress(args) as progress:
        return session(
            config,
            args.port,
            board=None if args.board is None else board_named(args.board),
            baud=args.baud,
            input=args.input,
            rows=rows,
            lengths=args.lengths,
            seed=args.seed,
            output=args.output,
            beside=beside_in(args),
            outputs_beside=beside_out(args),
            stalls=args.stalls,
            self_test=args.self_test,
            faults=args.faults,
            progress=progress,
        )


def _check_usage(args: argparse.Namespace) -> None:
    """Refuse options that need another one."""
    if args.faults and not args.virtual:
        raise ConfigError("--faults is for --virtual: a real line has its own")
    if args.input and args.lengths:
        raise ConfigError("--lengths is for random rows, not for those of --input")
    written = {"--output": args.output, **{f"--{name}": path for name, path in beside_out(args).items()}}
    refuse_overwriting(written, [args.file], args.input, *beside_in(args).values())
    for option, path in written.items():
        if path and args.rows == 0:
            raise ConfigError(f"{option}: no rows come out with --rows 0")
    if args.file is None:
        needing = {
            "--virtual": args.virtual,
            "--board": args.board is not None,
            "--input": args.input,
            "--output": args.output,
            **{f"--{name}": path for name, path in (beside_in(args) | beside_out(args)).items()},
            "--rows": args.rows,
            "--lengths": args.lengths,
            "--stalls": args.stalls,
        }
        for option, given in needing.items():
            if given:
                raise ConfigError(
                    f"{option} needs FILE, the configuration of the unit: only with it is known what must come out"
                )


@contextmanager
def _progress(args: argparse.Namespace) -> "Iterator[Callable[[str, int, int | None], None]]":
    """Yield what is to be told of each step."""
    with progress_bar(args, counted=True) as bar:
        task = bar.add_task("", total=None)

        def show(what: str, done: int, total: int | None) -> None:
            bar.update(task, description=escape(what), completed=done, total=total)

        yield show
