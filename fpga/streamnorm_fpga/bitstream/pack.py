"""Bitstreams: made of what nextpnr wrote, and told apart by what they say of their part."""

from __future__ import annotations

import struct
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from streamnorm.errors import CheckFailed
from streamnorm_fpga.tools import PACK
from streamnorm_sim.toolchain.tools import last_line

if TYPE_CHECKING:
    from streamnorm_fpga.boards import Board

__all__ = ["dfu_suffix", "is_for", "pack", "part_of"]

# Project Trellis, docs/bitstream: a bitstream begins with comments and the preamble; VERIFY_ID is a command of
# eight bytes, the last four of which are the part's IDCODE.
_ECP5_PREAMBLE = b"\xff\xff\xbd\xb3"
_VERIFY_ID = b"\xe2\x00\x00\x00"
_ECP5_PARTS = {
    0x21111043: "LFE5U-12F",
    0x41111043: "LFE5U-25F",
    0x41112043: "LFE5U-45F",
    0x41113043: "LFE5U-85F",
    0x01111043: "LFE5UM-25F",
    0x01112043: "LFE5UM-45F",
    0x01113043: "LFE5UM-85F",
    0x81111043: "LFE5UM5G-25F",
    0x81112043: "LFE5UM5G-45F",
    0x81113043: "LFE5UM5G-85F",
}

# Project IceStorm, docs/format: commands after the preamble; 6 sets the width of a bank, which is the die's.
_ICE40_PREAMBLE = b"\x7e\xaa\x99\x7e"
_ICE40_WIDTH_COMMAND = 6
_ICE40_DIES = {332: "iCE40HX1K", 872: "iCE40HX8K or LP8K", 692: "iCE40UP5K"}
_DIE_OF_TARGET = {"ice40-hx1k": 332, "ice40-hx8k": 872, "ice40-lp8k": 872, "ice40-up5k": 692}


def pack(board: Board, configuration: str) -> bytes:
    """Return the bitstream for ``board`` of what nextpnr wrote; the same bytes every time.

    Raises
    ------
    CheckFailed
        If ecppack or icepack refuses it.
    ToolMissing
        If that program is not there.
    """
    tool = PACK[board.family]
    with tempfile.TemporaryDirectory(prefix="streamnorm-") as name:
        directory = Path(name)
        (directory / "design.config").write_text(configuration)
        code, output = tool.run([*board.pack, "design.config", "design.bit"], directory)
        if code != 0:
            raise CheckFailed(f"{tool.name} makes no bitstream for {board.part}: {last_line(output)}")
        bitstream = (directory / "design.bit").read_bytes()
    return bitstream + (dfu_suffix(bitstream, board.dfu) if board.dfu else b"")


def dfu_suffix(content: bytes, identity: str) -> bytes:
    """Return the 16 bytes that tell dfu-util which device a file is for: USB DFU 1.1, appendix B."""
    vendor, product = (int(part, 16) for part in identity.split(":"))
    suffix = struct.pack("<HHHH3sB", 0xFFFF, product, vendor, 0x0100, b"UFD", 16)
    return suffix + struct.pack("<I", zlib.crc32(content + suffix) ^ 0xFFFFFFFF)


def part_of(bitstream: bytes) -> str | None:
    """Return the part that a bitstream says it is for, or None if it is no ECP5 or iCE40 bitstream."""
    if (idcode := _idcode(bitstream)) is not None:
        return _ECP5_PARTS.get(idcode, f"a part with IDCODE {idcode:#010x}")
    if (width := _bank_width(bitstream)) is not None:
        return _ICE40_DIES.get(width, f"an iCE40 with banks {width} bits wide")
    return None


def is_for(bitstream: bytes, board: Board) -> bool:
    """Whether a bitstream says it is for the part on ``board``.

    ECP5 bitstreams tell the part, iCE40 ones the die: HX8K and LP8K are one, and packages are not told.
    """
    if board.family == "ecp5":
        return _idcode(bitstream) == board.idcode
    return _idcode(bitstream) is None and _bank_width(bitstream) == _DIE_OF_TARGET[board.target]


def _idcode(bitstream: bytes) -> int | None:
    start = bitstream.find(_ECP5_PREAMBLE)
    if start < 0:
        return None
    place = bitstream.find(_VERIFY_ID, start, start + 256)
    code = bitstream[place + 4 : place + 8]
    return int.from_bytes(code, "big") if place >= 0 and len(code) == 4 else None


def _bank_width(bitstream: bytes) -> int | None:
    place = bitstream.find(_ICE40_PREAMBLE, 0, 4096)
    if place < 0:
        return None
    place += len(_ICE40_PREAMBLE)
    while place < len(bitstream):
        command, length = bitstream[place] >> 4, bitstream[place] & 15
        payload = int.from_bytes(bitstream[place + 1 : place + 1 + length], "big")
        if command == _ICE40_WIDTH_COMMAND:
            return payload + 1
        if command == 0 and payload in (1, 3):  # data follow: the width would have come before
            return None
        place += 1 + length
    return None
