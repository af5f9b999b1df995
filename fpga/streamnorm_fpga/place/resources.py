"""How much of a part a unit takes, the harness around it not counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamnorm_fpga.devices import Device, Family
    from streamnorm_fpga.synthesis.blocks import Blocks
    from streamnorm_fpga.synthesis.netlist import Netlist

    from .harness import Harness

__all__ = ["NAMES", "Resources", "cells_by_block", "cells_of", "room", "shortage"]

NAMES = {
    "comb": "LUTs",
    "ff": "flip-flops",
    "dsp": "multipliers",
    "bram": "block RAMs",
    "logic_cells": "logic cells",
}
"""What the members of :class:`Resources` are called in reports."""

# LUTs that each primitive takes. The write port of a LUT memory blocks two besides the four that hold data.
_COMB = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6, "SB_LUT4": 1}
_DSP = ("MULT18X18D", "SB_MAC16")
_BRAM = ("DP16KD", "PDPW16KD", "SB_RAM40_4K")

_NAMES = {
    "TRELLIS_COMB": "LUTs",
    "TRELLIS_FF": "flip-flops",
    "MULT18X18D": "multipliers",
    "DP16KD": "block RAMs",
    "ICESTORM_LC": "logic cells",
    "ICESTORM_DSP": "multipliers",
    "ICESTORM_RAM": "block RAMs",
}


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Cells of a unit, or of a part.

    Members
    -------
    comb : int
        ECP5: nextpnr's TRELLIS_COMB, four-input LUTs, carries and LUT memories among them. iCE40: SB_LUT4.
    ff, dsp, bram : int
        Flip-flops; MULT18X18D or SB_MAC16; DP16KD or SB_RAM40_4K.
    logic_cells : int or None
        iCE40 only: logic cells, each of which holds a LUT, a carry and a flip-flop, or some of them.
    """

    comb: int
    ff: int
    dsp: int
    bram: int
    logic_cells: int | None = None

    @classmethod
    def of_unit(cls, harness: Harness, device: Device, used: Mapping[str, int]) -> Resources:
        """Count a unit from what nextpnr used, by nextpnr's names, for the unit in its harness."""
        if device.family == "ecp5":
            return cls(
                comb=used.get("TRELLIS_COMB", 0) - harness.luts,
                ff=used.get("TRELLIS_FF", 0) - harness.registers,
                dsp=used.get("MULT18X18D", 0),
                bram=used.get("DP16KD", 0),
            )
        return cls(
            comb=harness.netlist.count("SB_LUT4") - harness.luts,
            ff=harness.netlist.count("SB_DFF") - harness.registers,
            dsp=used.get("ICESTORM_DSP", 0),
            bram=used.get("ICESTORM_RAM", 0),
            logic_cells=used.get("ICESTORM_LC", 0) - harness.logic_cells,
        )

    @classmethod
    def of_part(cls, device: Device) -> Resources:
        """What the part has."""
        cells = device.comb if device.family == "ice40" else None
        return cls(comb=device.comb, ff=device.ff, dsp=device.dsp, bram=device.bram, logic_cells=cells)

    def __add__(self, other: Resources) -> Resources:
        """Both together; logic cells of blocks are not known, so the sum has none."""
        return Resources(
            comb=self.comb + other.comb,
            ff=self.ff + other.ff,
            dsp=self.dsp + other.dsp,
            bram=self.bram + other.bram,
        )

    def to_dict(self) -> dict[str, int]:
        """The counts by name; ``logic_cells`` only where there are such."""
        return {name: count for name, count in asdict(self).items() if count is not None}


def cells_by_block(netlist: Netlist, blocks: Blocks) -> dict[str, Resources]:
    """Count the cells of each block itself, its sub-blocks not among them; blocks in alphabetical order."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, cell in netlist.module["cells"].items():
        kind = cell["type"]
        count = counts[blocks.of(name)]
        count["comb"] += _COMB.get(kind, 0)
        count["ff"] += kind == "TRELLIS_FF" or kind.startswith("SB_DFF")
        count["dsp"] += kind in _DSP
        count["bram"] += kind in _BRAM
    return {
        block: Resources(comb=count["comb"], ff=count["ff"], dsp=count["dsp"], bram=count["bram"])
        for block, count in sorted(counts.items())
        if count.total()
    }


def cells_of(netlist: Netlist, family: Family) -> Resources:
    """Count the cells of a whole netlist, before nextpnr adds its own.

    Logic cells are the least that can do: a flip-flop shares the cell of a LUT that feeds nothing else.
    """
    module = netlist.module
    counts: Counter[str] = Counter(cell["type"] for cell in module["cells"].values())
    comb = sum(count * _COMB.get(kind, 0) for kind, count in counts.items())
    ff = sum(n for kind, n in counts.items() if kind == "TRELLIS_FF" or kind.startswith("SB_DFF"))
    return Resources(
        comb=comb,
        ff=ff,
        dsp=sum(counts[kind] for kind in _DSP),
        bram=sum(counts[kind] for kind in _BRAM),
        logic_cells=comb + ff - _shared_cells(netlist) if family == "ice40" else None,
    )


def _shared_cells(netlist: Netlist) -> int:
    """How many flip-flops of an iCE40 netlist are the only ones to read the LUT in front of them."""
    users: Counter[int | str] = Counter()
    for cell in netlist.module["cells"].values():
        for pin, bits in cell["connections"].items():
            if cell["port_directions"][pin] != "output":
                users.update(bits)
    for _, bits in netlist.ports("output"):
        users.update(bits)
    cells = netlist.module["cells"].values()
    alone = {
        bit
        for cell in cells
        if cell["type"] == "SB_LUT4"
        for bit in cell["connections"]["O"]
        if users[bit] == 1
    }
    return sum(cell["type"].startswith("SB_DFF") and cell["connections"]["D"][0] in alone for cell in cells)


def room(needed: Resources, available: Resources) -> str:
    """Say of every resource how much is needed and available; empty if there is enough of each."""
    has, wants = available.to_dict(), needed.to_dict()
    if all(wants.get(name, 0) <= count for name, count in has.items()):
        return ""
    return "; ".join(
        f"{wants[name]} {NAMES[name]} needed, {count} available"
        for name, count in has.items()
        if name in wants
    )


def shortage(harness: Harness, device: Device, used: Mapping[str, int], available: Mapping[str, int]) -> str:
    """Say in words what there is too little of, empty if nothing; arguments by nextpnr's names."""
    extra = {
        "TRELLIS_COMB": harness.luts,
        "TRELLIS_FF": harness.registers,
        "ICESTORM_LC": harness.logic_cells,
    }
    parts: list[str] = []
    for kind, needed in used.items():
        if needed <= available[kind]:
            continue
        around = extra.get(kind, 0)
        text = f"{needed - around} {_NAMES.get(kind, kind)} needed, {available[kind]} available"
        if needed - around <= available[kind]:
            text += f" but {around} of these are taken by the registers around the unit"
        parts.append(text)
    return "; ".join(parts)
