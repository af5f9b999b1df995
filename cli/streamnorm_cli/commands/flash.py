"""``streamnorm flash``: bring a bitstream to a board."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from streamnorm.errors import ConfigError
from streamnorm_cli.board_options import BAUD_DEFAULT, add_board
from streamnorm_cli.options import Commands, add_output, extra, file_path, formatter, print_json, read_config
from streamnorm_cli.terminal import output_console

from .build import add_build, build_to, checked_design

if TYPE_CHECKING:
    from streamnorm_fpga.boards import Board

_EPILOG = """\
examples:
  streamnorm flash out/ulx3s_bert_base.bit --board ulx3s-85f
  streamnorm flash examples/icebreaker_rms.toml --board icebreaker      builds first, unless that has been done
  streamnorm flash out/ulx3s_bert_base.bit --board ulx3s-85f --dry-run     only print what would be run

Before anything is touched: is the program for this board there, can it start, is the board plugged in, is the
bitstream for its part. Exit code 3 if a program or library is missing, 4 if board or bitstream are not right.
"""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "flash",
        help="bring a bitstream to a board",
        description="Bring a bitstream, or the one of a configuration, to a board that is plugged in.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    parser.add_argument("file", type=file_path, metavar="FILE", help="bitstream (.bit, .bin) or configuration (TOML)")
    add_board(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=file_path,
        metavar="DIR",
        help="with a configuration: where its bitstream is or will be (default: build/NAME-BOARD)",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the command, touch nothing")
    add_output(parser)
    add_build(parser)


def run(args: argparse.Namespace) -> int:
    """Flash a board."""
    with extra("fpga"):
        from streamnorm_fpga.boards import board_named
        from streamnorm_fpga.families import FAMILIES
        from streamnorm_fpga.flash.flash import check_bitstream, connect, dry_command, load
    board = board_named(args.board)
    suffixes = [f".{family.bitstream}" for family in FAMILIES.values()]
    bitstream = args.file if args.file.suffix in suffixes else None
    if bitstream is None and args.file.suffix != ".toml":
        raise ConfigError(f"{args.file}: is neither a configuration (.toml) nor a bitstream ({', '.join(suffixes)})")
    path = bitstream or _place(args, board)
    if bitstream is not None:
        _refuse_build_options(args)
        check_bitstream(board, path)
    if args.dry_run:
        to_build = bitstream is None and not _is_built(args, board, path)
        if to_build:
            checked_design(args, path.parent)
        _tell(args, board, path, dry_command(board, path), _build_command(args, path.parent) if to_build else None)
        return 0
    connection = connect(board)  # before a build, which takes minutes
    if bitstream is None:
        if not _is_built(args, board, path):
            build_to(args, path.parent)
        check_bitstream(board, path)
    load(connection, path, quiet=args.quiet)
    _tell(args, board, path, [*connection.command, str(path)])
    return 0


def _place(args: argparse.Namespace, board: "Board") -> Path:
    """Where the bitstream of a configuration is, or will be."""
    config = read_config(args)
    directory = args.output or Path("build") / f"{config.name}-{board.name}"
    return directory / f"{config.name}.{board.family.bitstream}"


def _refuse_build_options(args: argparse.Namespace) -> None:
    """Options of a build say nothing of a bitstream that is there."""
    given = {
        "--output": args.output,
        "--seeds": args.seeds,
        "--clock": args.clock,
        "--baud": args.baud != BAUD_DEFAULT,
        "--allow-slow": args.allow_slow,
    }
    for option, value in given.items():
        if value:
            raise ConfigError(f"{option} is for building from a configuration; {args.file} is built already")


def _is_built(args: argparse.Namespace, board: "Board", path: Path) -> bool:
    """Whether an earlier build with the same inputs has left the bitstream of the configuration at its place."""
    from streamnorm_fpga.bitstream.design import board_design
    from streamnorm_fpga.flash.flash import usable_bitstream

    if not path.is_file():
        return False
    design = board_design(read_config(args), board, baud=args.baud, clock_mhz=args.clock)
    return usable_bitstream(path.parent, path.name, design.inputs(), args.seeds) is not None


def _build_command(args: argparse.Namespace, directory: Path) -> list[str]:
    """The command that builds what is to be flashed."""
    command = ["streamnorm", "build", str(args.file), "--board", args.board, "-o", str(directory)]
    if args.seeds:
        command += ["--seeds", ",".join(map(str, args.seeds))]
    if args.clock:
        command += ["--clock", f"{args.clock:g}"]
    if args.baud != BAUD_DEFAULT:
        command += ["--baud", str(args.baud)]
    return [*command, "--allow-slow"] if args.allow_slow else command


def _tell(
    args: argparse.Namespace, board: "Board", bitstream: Path, command: list[str], build: list[str] | None = None
) -> None:
    """Say what was done, or what would be: first ``build``, if there is something to build."""
    if args.json:
        print_json(
            {
                "board": board.name,
                "bitstream": str(bitstream),
                "build": build,
                "command": command,
                "done": not args.dry_run,
                "kept": board.kept,
            }
        )
        return
    if args.quiet:
        return
    console = output_console()
    if args.dry_run:
        for step in (build, command):
            if step is not None:
                console.print(shlex.join(step), markup=False, soft_wrap=True)
        return
    kept = "it stays over a power cycle" if board.kept else "it is gone at the next power cycle"
    console.print(f"{bitstream} is on {board.name}; {kept}", markup=False, soft_wrap=True)
