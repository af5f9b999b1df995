"""Bringing a bitstream to a board, after everything that can be checked has been."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamnorm.errors import CheckFailed, ConfigError, ToolMissing, last_line
from streamnorm_fpga.bitstream.build import REPORT
from streamnorm_fpga.bitstream.pack import is_for, part_of
from streamnorm_fpga.families import FAMILIES

from .loaders import LOADERS
from .usb import usb_devices

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from streamnorm_fpga.boards.board import Board, Loader

    from .usb import UsbDevice

__all__ = ["Connection", "check_bitstream", "connect", "dry_command", "load", "usable_bitstream"]


@dataclass(frozen=True)
class Connection:
    """A program that can start, and the board it will talk to.

    Members
    -------
    command : tuple of str
        The program and its arguments; the bitstream comes behind.
    device : UsbDevice or None
        None where it cannot be told which devices there are.
    """

    command: tuple[str, ...]
    device: UsbDevice | None


def connect(board: Board, devices: Callable[[], list[UsbDevice] | None] = usb_devices) -> Connection:
    """Find the program for ``board`` and the board itself, without touching it.

    Raises
    ------
    ToolMissing
        If no program for this board is there, or none can start.
    CheckFailed
        If the board is not plugged in, may not be opened, or cannot be told from another device.
    """
    usable: list[tuple[Loader, Path]] = []
    problems: dict[str, None] = {}
    for loader in board.loaders:
        try:
            usable.append((loader, LOADERS[loader.program].check()))
        except ToolMissing as error:
            problems[str(error)] = None
    if not usable:
        raise ToolMissing("; or else ".join(problems))
    present = devices()
    if present is None:  # nothing is known: let the program look
        loader, program = usable[0]
        return Connection((str(program), *loader.arguments), None)
    for loader, program in usable:
        found = [device for device in present if device.identity == loader.usb]
        if len(found) > 1:
            seen = ", ".join(f"{device.product or 'one without a name'} ({device.node})" for device in found)
            raise CheckFailed(
                f"{board.name}: several USB devices are {loader.usb}: {seen}; unplug all but the board, "
                "or the wrong one might be written"
            )
        if found:
            _check_access(board, loader, found)
            return Connection((str(program), *loader.arguments), found[0])
    raise CheckFailed(_not_found(board))


def check_bitstream(board: Board, bitstream: Path) -> None:
    """Raise CheckFailed unless a file is a bitstream for the part on ``board``.

    A report beside it, as ``build`` writes it, tells the board itself: parts of one die have bitstreams that
    look alike. It also tells whether the file is whole.
    """
    content = _read(bitstream)
    report = _report_beside(bitstream)
    if report is not None and not _tells_of(report, content):
        raise CheckFailed(
            f"{bitstream}: is not what {bitstream.parent / REPORT} tells of (its sha256 is another): incomplete or "
            "changed; build it again"
        )
    part = part_of(content)
    if part is None:
        families = " or ".join(family.title for family in FAMILIES.values())
        raise CheckFailed(f"{bitstream}: is no bitstream for {families}")
    if not is_for(content, board):
        raise CheckFailed(f"{bitstream}: is for {part}; {board.name} has {board.part}")
    if report is not None and report.get("board", board.name) != board.name:
        raise CheckFailed(f"{bitstream}: was built for {report['board']}, not for {board.name}")


def usable_bitstream(directory: Path, file: str, inputs: str, seeds: Sequence[int] | None = None) -> Path | None:
    """Return the bitstream ``file`` of an earlier build into ``directory`` if it was made of the same inputs, and with
    one of the seeds, if there are any."""
    bitstream = directory / file
    if not bitstream.is_file():
        return None
    report = _report_beside(bitstream)
    if report is None or not _tells_of(report, bitstream.read_bytes()):
        return None
    if report.get("inputs") != inputs or not report.get("meets_clock"):
        return None
    if seeds is not None and report.get("seed") not in seeds:
        return None
    return bitstream


def dry_command(board: Board, bitstream: Path) -> list[str]:
    """Return what would be run, with the first program that can start, or else that would be preferred."""
    for loader in board.loaders:
        try:
            return [str(LOADERS[loader.program].check()), *loader.arguments, str(bitstream)]
        except ToolMissing:
            continue
    loader = board.loaders[0]
    return [loader.program, *loader.arguments, str(bitstream)]


def load(connection: Connection, bitstream: Path, *, quiet: bool = False) -> None:
    """Bring a bitstream to the board; what the program prints goes to stderr, unless ``quiet``.

    Raises
    ------
    CheckFailed
        If the program fails.
    """
    program = connection.command[0].rpartition("/")[2]
    output = subprocess.PIPE if quiet else 2
    completed = subprocess.run(
        [*connection.command, str(bitstream)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if completed.returncode != 0:
        said = f": {last_line(completed.stdout)}" if quiet else "; what it says is above"
        raise CheckFailed(f"{program} failed with exit code {completed.returncode}{said}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _report_beside(bitstream: Path) -> dict[str, Any] | None:
    """The report beside a bitstream, if it tells of a file of this name."""
    try:
        report = json.loads((bitstream.parent / REPORT).read_bytes())
        told = report["bitstream"]
        return report if told["file"] == bitstream.name and "sha256" in told else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _tells_of(report: dict[str, Any], content: bytes) -> bool:
    return report["bitstream"]["sha256"] == hashlib.sha256(content).hexdigest()


def _check_access(board: Board, loader: Loader, found: Sequence[UsbDevice]) -> None:
    # tinyprog opens a serial port; whether it may is not told by the USB device.
    if loader.program == "tinyprog" or any(device.may_be_opened for device in found):
        return
    vendor, _, product = found[0].identity.partition(":")
    raise CheckFailed(
        f"{board.name}: {found[0].node} may not be opened; write "
        f'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{vendor}", ATTR{{idProduct}}=="{product}", TAG+="uaccess" '
        "to /etc/udev/rules.d/70-fpga.rules, run `sudo udevadm control --reload`, plug the board in again"
    )


def _not_found(board: Board) -> str:
    identities = " or ".join(dict.fromkeys(loader.usb for loader in board.loaders))
    waiting = [note for note in board.notes if note.startswith("to load: ")]
    hint = waiting[0].removeprefix("to load: ") if waiting else "plug it in, with a cable that carries data"
    return f"{board.name} is not there: no USB device {identities}; {hint}"
