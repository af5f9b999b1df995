"""Which block of a unit a cell of its flat netlist came from.

Cell names alone do not tell: yosys names a cell after one of the nets it drives, and a net that leaves one
block and enters the next has a name in both. Where a cell was written in the Verilog does tell, but only the
kind of block, and a kind may be there many times. Both together single out one. A LUT has no place in the
Verilog; it goes with the register or adder it was named after.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .harness import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamnorm_fpga.families import Family
    from streamnorm_fpga.synthesis.netlist import Netlist

__all__ = ["TOP", "Blocks"]

TOP = "top"
"""How a cell of the unit's top module itself is reported."""

_SOURCE = re.compile(r"(.*):(\d+)\.\d+-(\d+)\.\d+")


class Blocks:
    """The blocks of a synthesized unit.

    Parameters
    ----------
    unit : Netlist
        As synthesized, with the scopes yosys keeps when it flattens.
    family : Family
        Of its cells.
    """

    def __init__(self, unit: Netlist, family: Family) -> None:
        # What nextpnr appends to the name of a cell when it packs it.
        self._packed = re.compile(rf"({family.packed}|\$(lut|comb|ff|nextpnr).*)+$")
        module = unit.module
        self._cells: dict[str, Any] = module["cells"]
        self._sources = {TOP: module["attributes"].get("src", "")}
        for name, cell in self._cells.items():
            if cell["type"] == "$scopeinfo" and cell["parameters"].get("TYPE") == "module":
                self._sources[name] = cell["attributes"].get("module_src", "")
        self._names: dict[int, list[str]] = {}
        for name, net in module["netnames"].items():
            for bit in net["bits"]:
                if isinstance(bit, int):
                    self._names.setdefault(bit, []).append(name)

    def of(self, cell: str) -> str:
        """Return the block of a cell: an instance path, ``top``, or ``port NAME`` for one of the harness."""
        return self.origin(cell) or self._by_name(cell)

    def origin(self, cell: str) -> str | None:
        """Return the block of a cell as :meth:`of` does, or None if only the cell's name gives a hint."""
        if cell.startswith(PREFIX):
            return f"port {cell.removeprefix(PREFIX).partition('[')[0]}"
        for name in _ancestors(self._packed.sub("", cell)):
            if block := self._of_original(name):
                return block
        return None

    def _by_name(self, cell: str) -> str:
        return max((scope for scope in self._sources if _is_inside(cell, scope)), key=len, default=TOP)

    def _of_original(self, cell: str) -> str | None:
        """The block of a cell of the netlist, or None if it has none or the Verilog does not tell it."""
        original = self._cells.get(cell)
        if original is None:
            return None
        written = self._written_in(original["attributes"].get("src", ""))
        if len(written) == 1:
            return written[0]
        outputs = [pin for pin, way in original["port_directions"].items() if way == "output"]
        bits = [bit for pin in outputs for bit in original["connections"].get(pin, ())]
        names = [cell, *(name for bit in bits for name in self._names.get(bit, ()))]
        inside = [scope for scope in written if any(_is_inside(name, scope) for name in names)]
        return max(inside, key=len, default=None)

    def _written_in(self, source: str) -> list[str]:
        """The blocks whose module's text has the first of the places in ``source`` that is in any module."""
        for place in source.split("|"):
            found = _SOURCE.fullmatch(place)
            if found is None:
                continue
            file, line = found[1], int(found[2])
            blocks = [block for block, span in self._sources.items() if _contains(span, file, line)]
            if blocks:
                return blocks
        return []


def _ancestors(cell: str) -> Iterator[str]:
    """The cell, the cell yosys named it after if it had no name of its own, and so on."""
    yield cell
    while "_" in cell:
        cell = cell.rpartition("_")[0]
        yield cell


def _is_inside(name: str, scope: str) -> bool:
    return name.startswith(f"{scope}.")


def _contains(span: str, file: str, line: int) -> bool:
    """Whether a line of a file is in one of the places that ``span`` lists."""
    for place in span.split("|"):
        found = _SOURCE.fullmatch(place)
        if found is not None and found[1] == file and int(found[2]) <= line <= int(found[3]):
            return True
    return False
