import struct
import zlib

import pytest

from streamnorm.errors import CheckFailed
from streamnorm_fpga.bitstream.pack import dfu_suffix, is_for, pack, part_of
from streamnorm_fpga.boards import BOARDS


def ecp5(idcode):
    return (
        b"\xff\x00Part: some\x00\xff"
        + b"\xff\xff\xbd\xb3\xff\xff\xff\xff"
        + b"\xe2\x00\x00\x00"
        + idcode.to_bytes(4, "big")
    )


def ice40(width, *, comment=b""):
    head = b"\xff\x00" + comment + b"\x00\xff" + b"\x7e\xaa\x99\x7e"
    frequency, bank, size = b"\x51\x00", b"\x11\x00", b"\x62" + (width - 1).to_bytes(2, "big")
    return head + frequency + b"\x01\x05" + b"\x92\x00\x20" + bank + size + b"\x72\x00\x90" + b"\x01\x01" + bytes(40)


@pytest.mark.parametrize(
    ("bitstream", "part", "boards"),
    [
        (ecp5(0x41113043), "LFE5U-85F", {"ulx3s-85f", "orangecrab-85f"}),
        (ecp5(0x21111043), "LFE5U-12F", {"ulx3s-12f"}),
        (ecp5(0x81113043), "LFE5UM5G-85F", {"ecpix5-85"}),
        (ecp5(0x01113043), "LFE5UM-85F", set()),
        (ecp5(0x12345678), "a part with IDCODE 0x12345678", set()),
        (ice40(332), "iCE40HX1K", {"icestick"}),
        (ice40(872, comment=b"anything"), "iCE40HX8K or LP8K", {"hx8k-b-evn", "tinyfpga-bx"}),
        (ice40(692), "iCE40UP5K", {"icebreaker", "upduino-v3"}),
        (ice40(100), "an iCE40 with banks 100 bits wide", set()),
        (b"", None, set()),
        (b"no bitstream at all" * 50, None, set()),
        (ecp5(0x41113043)[:-3], None, set()),
        (ice40(872)[:12], None, set()),
        (b"\x7e\xaa\x99\x7e\x01\x01" + bytes(99), None, set()),
    ],
)
def test_what_a_bitstream_is_for(bitstream, part, boards):
    assert part_of(bitstream) == part
    assert {board.name for board in BOARDS.values() if is_for(bitstream, board)} == boards


def test_dfu_suffix():
    content = bytes(range(200))
    suffix = dfu_suffix(content, "1209:5af0")
    assert len(suffix) == 16
    device, product, vendor, version, mark, length, crc = struct.unpack("<HHHH3sBI", suffix)
    assert (device, product, vendor, version, mark, length) == (0xFFFF, 0x5AF0, 0x1209, 0x0100, b"UFD", 16)
    # dfu-util checks the whole file but the checksum itself, without the final inversion of CRC-32.
    assert crc == zlib.crc32(content + suffix[:-4]) ^ 0xFFFFFFFF


@pytest.mark.parametrize(("board", "tool"), [("icestick", "icepack"), ("ulx3s-12f", "ecppack")])
def test_what_cannot_be_packed(board, tool):
    with pytest.raises(CheckFailed, match=f"{tool} makes no bitstream for {BOARDS[board].part}: "):
        pack(BOARDS[board], "nonsense\n")
