"""Gate-level netlists as a design to simulate: the cells' models, and what of a netlist they cover."""

import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from streamnorm.errors import ConfigError

__all__ = ["FAMILIES", "CellModels", "GateNetlist", "cell_models"]


@dataclass(frozen=True, kw_only=True)
class CellModels:
    """The models of a device family's cells.

    Attributes
    ----------
    read : str
        Commands of yosys that read the models: those that come with it, then our own, in ``cells.v``.
    own : tuple of str
        Files of our own, in this folder.
    kinds : tuple of str
        The cells they cover: what the types begin with that synthesis may use.
    tied : mapping of str to mapping of str to tuple of str
        What a model does not cover, although it has the pin: by type and pin, what the pin must be tied to.
    """

    read: str
    own: tuple[str, ...] = ()
    kinds: tuple[str, ...]
    tied: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


FAMILIES = {
    "ecp5": CellModels(
        # yosys has an empty DP16KD, which ours replaces.
        read="read_verilog -defer -D NO_INCLUDES +/ecp5/cells_sim.v; read_verilog -defer -overwrite cells.v",
        own=("mult18x18d.v", "dp16kd.v"),
        kinds=("LUT4", "PFUMX", "L6MUX21", "CCU2C", "TRELLIS_FF", "TRELLIS_DPR16X4", "MULT18X18D", "DP16KD"),
        tied={
            "MULT18X18D": {
                **dict.fromkeys(("SOURCEA", "SOURCEB", "RST0"), ("0",)),
                **dict.fromkeys(("SIGNEDA", "SIGNEDB"), ("0", "1")),
            },
            "DP16KD": dict.fromkeys(
                ("WEB", "RSTA", "RSTB", *(f"CS{port}{bit}" for port in "AB" for bit in range(3))), ("0",)
            ),
        },
    ),
    "ice40": CellModels(
        read="read_verilog -defer +/ice40/cells_sim.v",
        kinds=("SB_LUT4", "SB_CARRY", "SB_DFF", "SB_RAM40_4K", "SB_MAC16"),
    ),
}
"""Device families whose cells have models, by name."""


@dataclass(frozen=True)
class GateNetlist:
    """A mapped netlist in place of a unit's RTL.

    Parameters
    ----------
    family : str
        One of `FAMILIES`.
    text : str
        JSON as yosys writes it, with one flat module: the unit, with the ports of its Verilog.

    Raises
    ------
    ConfigError
        If the family has no models, the text is no such JSON, or a cell is used in a way that its model does not
        cover: of a type without model, or with a pin tied otherwise than the model's file allows.
    """

    family: str
    text: str

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ConfigError(f"family {self.family!r}: cells of {', '.join(FAMILIES)} have models")
        models = FAMILIES[self.family]
        for name, cell in self._module["cells"].items():
            kind = cell["type"]
            if not kind.startswith((*models.kinds, "$scopeinfo")):
                raise ConfigError(f"cell {name}: there is no model of {kind} ({self.family})")
            for pin, allowed in models.tied.get(kind, {}).items():
                bits = cell["connections"].get(pin, [])
                if not set(bits) <= set(allowed):
                    raise ConfigError(
                        f"cell {name}: pin {pin} of {kind} must be tied to {' or '.join(allowed)}; "
                        "its model covers nothing else"
                    )

    @cached_property
    def _module(self) -> dict[str, Any]:
        try:
            (module,) = json.loads(self.text)["modules"].values()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError("the netlist is no JSON of yosys with one module") from error
        return module

    def files(self) -> dict[str, str]:
        """Return name and text of the files that `script` reads."""
        cells = {}
        for name, cell in self._module["cells"].items():
            if cell["type"] == "$scopeinfo":
                continue  # no hardware
            # An output that is connected to "x" is open, which yosys does not take as it wrote it.
            connections = {
                pin: bits
                for pin, bits in cell["connections"].items()
                if cell["port_directions"][pin] != "output" or any(isinstance(bit, int) for bit in bits)
            }
            cells[name] = {**cell, "connections": connections}
        document = {"modules": {"top": {**self._module, "cells": cells}}}
        return {"netlist.json": json.dumps(document), "cells.v": cell_models(self.family)}

    def script(self, *, names: bool = False) -> str:
        """Return yosys commands that leave one flat module ``top`` of yosys' own cells, no logic changed.

        What the cells' parameters make constant is folded. Names of nets within the unit are lost, unless
        ``names``.
        """
        clean = "opt_clean" if names else "opt_clean -purge"
        return (
            f"read_json netlist.json; {FAMILIES[self.family].read}; hierarchy -check -top top; "
            # Of each model, before there are thousands. A lookup table of single bits is one short expression.
            "proc; memory_collect; splitcells *LUT4*; splitnets *LUT4*; opt_expr -mux_bool; opt_clean; "
            f"flatten -noscopeinfo; {clean}; opt_expr; {clean}; "
            # Otherwise a bus whose bits depend on each other (a carry chain's) looks like a loop.
            f"splitnets -driver; {clean}"
        )


def cell_models(family: str) -> str:
    """Return the Verilog of the models of a family that do not come with yosys."""
    folder = importlib.resources.files(__name__)
    return "".join(folder.joinpath(name).read_text("utf-8") for name in FAMILIES[family].own)
