"""The mapped netlist of a unit, as yosys writes it in JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Netlist"]


@dataclass(frozen=True)
class Netlist:
    """One flat module of device primitives.

    Members
    -------
    top : str
        Name of the module.
    document : dict
        What yosys wrote, without the black boxes of the primitives.
    notices : tuple of str
        What the user should know of its synthesis, a sentence each.
    """

    top: str
    document: dict[str, Any]
    notices: tuple[str, ...] = ()

    @property
    def module(self) -> dict[str, Any]:
        """The top module: ``ports``, ``cells`` and ``netnames`` in yosys' JSON form."""
        return self.document["modules"][self.top]

    def readers(self) -> Counter[int | str]:
        """Return how many inputs of cells and outputs of the module read each net, or constant."""
        readers: Counter[int | str] = Counter()
        for cell in self.module["cells"].values():
            for pin, bits in cell["connections"].items():
                if cell["port_directions"][pin] != "output":
                    readers.update(bits)
        for port in self.module["ports"].values():
            if port["direction"] != "input":
                readers.update(port["bits"])
        return readers

    def ports(self, direction: str) -> Iterator[tuple[str, list[int | str]]]:
        """Yield name and bits (net numbers, or constants as text) of the ports of one direction."""
        for name, port in self.module["ports"].items():
            if port["direction"] == direction:
                yield name, port["bits"]
