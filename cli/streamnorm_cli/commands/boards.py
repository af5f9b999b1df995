"""``streamnorm boards``: the boards that units can be built for."""

import argparse
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from streamnorm_cli.options import Commands, add_output, extra, formatter, print_json, print_tables
from streamnorm_cli.tables.area import titled_table
from streamnorm_cli.terminal import output_console

if TYPE_CHECKING:
    from streamnorm_fpga.boards import Board

_EPILOG = """\
examples:
  streamnorm boards                                   device, clock, room, and which of the examples fit
  streamnorm boards ulx3s-85f                         one board: serial line, lights, loader, what to know
  streamnorm boards --json | jq '.boards[].name'

An example fits if its cells and those of the board logic do, as synthesis found them (docs/boards.md).
"""


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "boards",
        help="list the boards, their room, and which examples fit",
        description="List the boards that units can be built for.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    parser.add_argument("board", nargs="?", metavar="BOARD", help="tell all of this one")
    add_output(parser, verbose="tell all of every board")


def run(args: argparse.Namespace) -> int:
    """List the boards."""
    with extra("fpga"):
        from streamnorm_fpga.boards import BOARDS, board_named
    boards = [board_named(args.board)] if args.board is not None else list(BOARDS.values())
    if args.json:
        print_json({"boards": [_to_dict(board) for board in boards]})
    elif not args.quiet:
        if args.board or args.verbose:
            print_tables(map(_details, boards))
        else:
            print_tables([_list(boards)])
            output_console().print(_lines(boards))
    return 0


def _to_dict(board: "Board") -> dict[str, Any]:
    from streamnorm_fpga.boards.examples import fitting
    from streamnorm_fpga.place.resources import Resources

    return {
        "name": board.name,
        "title": board.title,
        "part": board.part,
        "target": board.target,
        "clock_mhz": board.clock_mhz,
        "available": Resources.of_part(board.device).to_dict(),
        "uart": {"where": board.uart.where, "rx": board.uart.rx or None, "tx": board.uart.tx or None},
        "lights": [{"label": light.label, "shows": list(light.shows)} for light in board.lights],
        "reset": board.reset,
        "loaders": [
            {"program": loader.program, "arguments": list(loader.arguments), "usb": loader.usb}
            for loader in board.loaders
        ],
        "kept": board.kept,
        "notes": list(board.notes),
        "examples": [{"name": fit.name, "clock_mhz": fit.clock_mhz} for fit in fitting(board)],
    }


def _list(boards: list["Board"]) -> Table:
    from streamnorm_fpga.place.resources import Resources

    table = titled_table("boards")
    table.add_column("board", style="bold", no_wrap=True)
    table.add_column("part", no_wrap=True)
    for heading in ("clock, MHz", "LUTs", "multipliers", "block RAMs"):
        table.add_column(heading, justify="right")
    table.add_column("loader", overflow="fold")
    table.add_column("examples that fit", overflow="fold")
    for board in boards:
        room = Resources.of_part(board.device)
        table.add_row(
            board.name,
            board.part,
            f"{board.clock_mhz:g}",
            f"{room.comb:,}",
            f"{room.dsp:,}",
            f"{room.bram:,}",
            _loaders(board),
            _examples(board),
        )
    table.caption = "name@MHz: fits if clock_mhz in the example's file is lowered to that"
    table.caption_justify = "left"
    return table


def _lines(boards: list["Board"]) -> Table:
    table = titled_table("serial lines")
    table.add_column("board", style="bold", no_wrap=True)
    table.add_column("where", overflow="fold")
    for board in boards:
        table.add_row(board.name, escape(_uart(board)))
    return table


def _details(board: "Board") -> Table:
    from streamnorm_fpga.place.resources import Resources

    room = Resources.of_part(board.device)
    table = titled_table(f"{board.name}: {board.title}")
    table.show_header = False
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("part", f"{board.part}, target {board.target}")
    table.add_row("clock", f"{board.clock_mhz:g} MHz")
    table.add_row("room", f"{room.comb:,} LUTs, {room.dsp:,} multipliers, {room.bram:,} block RAMs")
    table.add_row("serial line", escape(_uart(board)))
    table.add_row("lights", escape(", ".join(_lights(board)) or "none"))
    table.add_row("loader", _loaders(board))
    table.add_row("loaded", "into flash memory" if board.kept else "into the part, gone at the next power cycle")
    for note in board.notes:
        table.add_row("note", escape(note))
    table.add_row("examples", _examples(board))
    return table


def _uart(board: "Board") -> str:
    pins = f" (pins {board.uart.rx}, {board.uart.tx} of the part)" if board.uart.rx else ""
    return f"{board.uart.where}{pins}"


def _lights(board: "Board") -> list[str]:
    return [f"{light.label}: {' or '.join(light.shows)}" for light in board.lights]


def _loaders(board: "Board") -> str:
    return " or ".join(dict.fromkeys(loader.program for loader in board.loaders))


def _examples(board: "Board") -> str:
    from streamnorm_fpga.boards.examples import fitting

    named = [fit.name if fit.clock_mhz is None else f"{fit.name}@{fit.clock_mhz:g}" for fit in fitting(board)]
    return escape(", ".join(named)) or "-"
