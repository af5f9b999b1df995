"""Bitstreams: made of what nextpnr wrote, and told apart by what they say of their part."""

from __future__ import annotations

import struct
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from streamnorm.errors import CheckFailed, last_line
from streamnorm_fpga.families import FAMILIES

if TYPE_CHECKING:
    from streamnorm_fpga.boards import Board
    from streamnorm_fpga.families import Family

__all__ = ["dfu_suffix", "is_for", "pack", "part_of"]

_FILES = {"configuration": "design.config", "bitstream": "design.bit"}


def pack(board: Board, configuration: str) -> bytes:
    """Return the bitstream for ``board`` of what nextpnr wrote; the same bytes every time.

    Raises
    ------
    CheckFailed
        If the program that makes bitstreams refuses it.
    ToolMissing
        If that program is not there.
    """
    tool = board.family.pack
    with tempfile.TemporaryDirectory(prefix="streamnorm-") as name:
        directory = Path(name)
        (directory / _FILES["configuration"]).write_text(configuration, encoding="utf-8")
        options = [option.format_map(_FILES) for option in board.family.pack_options]
        code, output = tool.run([*board.pack, *options], directory)
        if code != 0:
            raise CheckFailed(f"{tool.name} makes no bitstream for {board.part}: {last_line(output)}")
        bitstream = (directory / _FILES["bitstream"]).read_bytes()
    return bitstream + (dfu_suffix(bitstream, board.dfu) if board.dfu else b"")


def dfu_suffix(content: bytes, identity: str) -> bytes:
    """Return the 16 bytes that tell dfu-util which device a file is for: USB DFU 1.1, appendix B."""
    vendor, product = (int(part, 16) for part in identity.split(":"))
    suffix = struct.pack("<HHHH3sB", 0xFFFF, product, vendor, 0x0100, b"UFD", 16)
    return suffix + struct.pack("<I", zlib.crc32(content + suffix) ^ 0xFFFFFFFF)


def part_of(bitstream: bytes) -> str | None:
    """Return the part that a bitstream says it is for, or None if it is a bitstream of no family."""
    said = _said(bitstream)
    if said is None:
        return None
    family, identity = said
    return family.parts.get(identity) or family.other_part.format(identity)


def is_for(bitstream: bytes, board: Board) -> bool:
    """Whether a bitstream says it is for the part on ``board``.

    ECP5 bitstreams tell the part, iCE40 ones the die: HX8K and LP8K are one, and packages are not told.
    """
    return _said(bitstream) == (board.family, board.device.identity)


def _said(bitstream: bytes) -> tuple[Family, int] | None:
    """The first family that a bitstream may be of, and what it says of its part."""
    for family in FAMILIES.values():
        if (identity := family.identity_of(bitstream)) is not None:
            return family, identity
    return None
