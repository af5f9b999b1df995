"""How much of a part a unit takes, the harness around it not counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from .harness import registers_behind_luts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamnorm_fpga.families import Device, Family
    from streamnorm_fpga.synthesis.netlist import Netlist

    from .blocks import Blocks
    from .harness import Harness

__all__ = ["NAMES", "Resources", "cells_by_block", "cells_of", "room", "shortage"]

NAMES = {"comb": "LUTs", "ff": "flip-flops", "dsp": "multipliers", "bram": "block RAMs", "logic_cells": "logic cells"}
"""What the members of :class:`Resources` are called in reports."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Cells of a unit, or of a part.

    Members
    -------
    comb : int
        Four-input LUTs. ECP5: nextpnr's TRELLIS_COMB, carries and LUT memories among them.
    ff, dsp, bram : int
        Flip-flops, multipliers, block RAMs.
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
        family, around = device.family, _around(harness)
        counts = cells_of(harness.netlist, family).to_dict()
        counts |= {name: used.get(kind, 0) for name, kind in family.used.items()}
        return cls(**{name: count - around.get(name, 0) for name, count in counts.items()})

    @classmethod
    def of_part(cls, device: Device) -> Resources:
        """What the part has."""
        cells = device.comb if "logic_cells" in device.family.used else None
        return cls(comb=device.comb, ff=device.ff, dsp=device.dsp, bram=device.bram, logic_cells=cells)

    def __add__(self, other: Resources) -> Resources:
        """Both together; logic cells of blocks are not known, so the sum has none."""
        return Resources(
            comb=self.comb + other.comb, ff=self.ff + other.ff, dsp=self.dsp + other.dsp, bram=self.bram + other.bram
        )

    def to_dict(self) -> dict[str, int]:
        """The counts by name; ``logic_cells`` only where there are such."""
        return {name: count for name, count in asdict(self).items() if count is not None}


def cells_by_block(netlist: Netlist, blocks: Blocks, family: Family) -> dict[str, Resources]:
    """Count the cells of each block itself, its sub-blocks not among them; blocks in alphabetical order."""
    kinds: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, cell in netlist.module["cells"].items():
        kinds[blocks.of(name)][cell["type"]] += 1
    counted = {block: _tally(kinds[block], family) for block in sorted(kinds)}
    return {block: cells for block, cells in counted.items() if any(cells.to_dict().values())}


def cells_of(netlist: Netlist, family: Family) -> Resources:
    """Count the cells of a whole netlist, before nextpnr adds its own.

    Logic cells are the least that can do: a flip-flop shares the cell of a LUT that feeds nothing else.
    """
    cells = _tally(Counter(cell["type"] for cell in netlist.module["cells"].values()), family)
    if "logic_cells" not in family.used:
        return cells
    return replace(cells, logic_cells=cells.comb + cells.ff - len(registers_behind_luts(netlist, family)))


def _tally(kinds: Counter[str], family: Family) -> Resources:
    return Resources(
        comb=sum(count * family.comb.get(kind, 0) for kind, count in kinds.items()),
        ff=sum(count for kind, count in kinds.items() if kind.startswith(family.register.kind)),
        dsp=sum(kinds[kind] for kind in family.dsp),
        bram=sum(kinds[kind] for kind in family.bram),
    )


def _around(harness: Harness) -> dict[str, int]:
    """What the harness takes, by the members of :class:`Resources`."""
    return {"comb": harness.luts, "ff": harness.registers, "logic_cells": harness.logic_cells}


def room(needed: Resources, available: Resources) -> str:
    """Say of what there is too little how much is needed and available; empty if there is enough of each."""
    wants = needed.to_dict()
    return "; ".join(
        f"{wants[name]} {NAMES[name]} needed, {count} available"
        for name, count in available.to_dict().items()
        if wants.get(name, 0) > count
    )


def shortage(harness: Harness, device: Device, used: Mapping[str, int], available: Mapping[str, int]) -> str:
    """Say in words what there is too little of, empty if nothing; arguments by nextpnr's names."""
    members = {kind: name for name, kind in device.family.used.items()}
    extra = _around(harness)
    parts: list[str] = []
    for kind, needed in used.items():
        if needed <= available[kind]:
            continue
        member = members.get(kind, kind)
        around = extra.get(member, 0)
        text = f"{needed - around} {NAMES.get(member, member)} needed, {available[kind]} available"
        if needed - around <= available[kind]:
            text += f" but {around} of these are taken by the registers around the unit"
        parts.append(text)
    return "; ".join(parts)
