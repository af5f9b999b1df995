"""What the commands for boards share: options, and what is told of a package that is missing."""

import argparse

from streamnorm.spec.values import shown

BAUD_DEFAULT = 1_000_000
BAUD_MIN, BAUD_MAX = 1200, 12_000_000
"""What serial ports do; a request takes minutes at less."""


def add_board(parser: argparse.ArgumentParser) -> None:
    """Add ``--board``."""
    parser.add_argument("--board", required=True, metavar="B", help="board, of those that `streamnorm boards` lists")


def add_design(parser: argparse.ArgumentParser) -> None:
    """Add what makes the design on a board another one: ``--baud`` and ``--clock``."""
    parser.add_argument(
        "--baud",
        type=baud,
        default=BAUD_DEFAULT,
        metavar="N",
        help="bits a second on the serial line (default: %(default)s)",
    )
    parser.add_argument(
        "--clock",
        type=_megahertz,
        metavar="MHZ",
        help="clock of the board's logic and of the unit, whose pipeline stays as planned "
        "(default: clock_mhz of the configuration)",
    )


def baud(text: str) -> int:
    """Return an argument that has to be a rate of a serial line."""
    try:
        value = int(text) if text.isdecimal() else 0
    except ValueError:  # of more digits than Python reads
        value = 0
    if not BAUD_MIN <= value <= BAUD_MAX:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no rate from {BAUD_MIN} to {BAUD_MAX} bits a second")
    return value


def port(text: str) -> str:
    """Return an argument that has to name a serial port."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name is no serial port")
    return text


def _megahertz(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no clock above 0 and of at most 1000 MHz")
    return value
