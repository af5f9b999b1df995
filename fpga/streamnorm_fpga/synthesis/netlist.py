"""The mapped netlist of a unit, as yosys writes it in JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamnorm.errors import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Netlist"]

_CLOCK_PINS = {  # by cell type; SB_DFF has many variants, whose clock is C
    "TRELLIS_FF": ("CLK",),
    "TRELLIS_DPR16X4": ("WCK",),
    "DP16KD": ("CLKA", "CLKB"),
    "PDPW16KD": ("CLKR", "CLKW"),
    "MULT18X18D": ("CLK0", "CLK1", "CLK2", "CLK3"),
    "ALU54B": ("CLK0", "CLK1", "CLK2", "CLK3"),
    "SB_RAM40_4K": ("RCLK", "WCLK"),
    "SB_MAC16": ("CLK",),
    "SB_SPRAM256KA": ("CLOCK",),
}


@dataclass(frozen=True)
class Netlist:
    """One flat module of device primitives.

    Members
    -------
    top : str
        Name of the module.
    document : dict
        What yosys wrote, without the black boxes of the primitives.
    """

    top: str
    document: dict[str, Any]

    @property
    def module(self) -> dict[str, Any]:
        """The top module: ``ports``, ``cells`` and ``netnames`` in yosys' JSON form."""
        return self.document["modules"][self.top]

    def count(self, prefix: str) -> int:
        """How many cells have a type that starts with ``prefix``."""
        return sum(cell["type"].startswith(prefix) for cell in self.module["cells"].values())

    def ports(self, direction: str) -> Iterator[tuple[str, list[int | str]]]:
        """Yield name and bits (net numbers, or constants as text) of the ports of one direction."""
        for name, port in self.module["ports"].items():
            if port["direction"] == direction:
                yield name, port["bits"]

    def clock(self) -> int | None:
        """Return the net that clocks the unit, or None if nothing in it is clocked.

        Raises
        ------
        CheckFailed
            If more than one net clocks it, or the clock is no input of the unit.
        """
        clocks: set[int] = set()
        for cell in self.module["cells"].values():
            kind = cell["type"]
            pins = ("C",) if kind.startswith("SB_DFF") else _CLOCK_PINS.get(kind, ())
            for pin in pins:
                for bit in cell["connections"].get(pin, ()):
                    if isinstance(bit, int):
                        clocks.add(bit)
        if not clocks:
            return None
        inputs = {bit for _, bits in self.ports("input") for bit in bits}
        if len(clocks) > 1 or not clocks <= inputs:
            raise CheckFailed(f"{self.top}: needs one clock, from an input port; found {len(clocks)} clocks")
        return clocks.pop()
