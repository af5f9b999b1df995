"""Surrounding a unit with registers, so that it can be placed and routed alone on a part with few pins.

Every input of the unit but its clock comes from a flip-flop of one long shift register, every output goes to
a flip-flop, and these are folded by a tree of exclusive-ors, registered at every level, into one bit. Three
pins are left, the clock enters by one of them and takes a global net, and the unit's ports see what they see
in a larger design: a register on the other side. The unit's own netlist is untouched, and nothing is
optimized across its ports.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from streamnorm.errors import CheckFailed
from streamnorm_fpga.synthesis.netlist import Netlist

if TYPE_CHECKING:
    from streamnorm_fpga.families import Family

__all__ = ["PREFIX", "Harness", "clock_of", "registers_behind_luts", "surround"]

PREFIX = "harness."
"""Start of the name of every cell that does not belong to the unit."""

_Bit: TypeAlias = "int | str"  # a net's number, or a constant as text, as in yosys' JSON

_XOR4 = f"{0x6996:016b}"


@dataclass(frozen=True)
class Harness:
    """A unit with its surroundings, and how much of it is not the unit.

    Members
    -------
    luts, registers : int
        LUTs and flip-flops around the unit.
    logic_cells : int
        The logic cells these take, where a flip-flop behind a LUT shares its cell.
    """

    netlist: Netlist
    luts: int
    registers: int
    logic_cells: int

    @classmethod
    def bare(cls, netlist: Netlist) -> Harness:
        """A design that has pins of its own: nothing is around it."""
        return cls(netlist, luts=0, registers=0, logic_cells=0)


class _Builder:
    """Adds registers and exclusive-ors to one module."""

    def __init__(self, module: dict[str, Any], family: Family, clock: int) -> None:
        self.cells: dict[str, Any] = module["cells"]
        self.netnames: dict[str, Any] = module["netnames"]
        self.family = family
        self.clock = clock
        self.luts = 0
        self.registers = 0
        nets = [bit for net in self.netnames.values() for bit in net["bits"] if isinstance(bit, int)]
        self._next = 1 + max(nets, default=clock)

    def net(self, name: str) -> int:
        bit = self._next
        self._next += 1
        self.netnames[f"{PREFIX}{name}"] = {"hide_name": 0, "bits": [bit], "attributes": {}}
        return bit

    def cell(
        self, name: str, kind: str, parameters: dict[str, str], inputs: dict[str, _Bit], output: dict[str, int]
    ) -> None:
        self.cells[f"{PREFIX}{name}"] = {
            "hide_name": 0,
            "type": kind,
            "parameters": parameters,
            "attributes": {},
            "port_directions": dict.fromkeys(inputs, "input") | dict.fromkeys(output, "output"),
            "connections": {pin: [bit] for pin, bit in {**inputs, **output}.items()},
        }

    def register(self, name: str, source: _Bit, output: int) -> None:
        self.registers += 1
        cell = self.family.register
        inputs = {cell.clock: self.clock, **cell.tied, cell.data: source}
        self.cell(name, cell.kind, dict(cell.parameters), inputs, {cell.output: output})

    def xor(self, name: str, sources: list[_Bit]) -> int:
        self.luts += 1
        output = self.net(name)
        cell = self.family.lut
        inputs: list[_Bit] = [*sources, *["0"] * (4 - len(sources))]
        pins = dict(zip(cell.inputs, inputs, strict=True))
        self.cell(name, cell.kind, {cell.contents: _XOR4}, pins, {cell.output: output})
        return output


def surround(unit: Netlist, family: Family) -> Harness:
    """Return the unit between registers; its ports become ``clock``, ``scan`` and ``fold``.

    Raises
    ------
    CheckFailed
        If the unit has a bidirectional port, or not exactly one clock.
    """
    if any(unit.ports("inout")):
        raise CheckFailed(f"{unit.top}: bidirectional ports cannot be placed without pins")
    document = copy.copy(unit.document)
    module = copy.deepcopy(unit.module)
    document["modules"] = {**unit.document["modules"], unit.top: module}
    clock = clock_of(unit, family)
    builder = _Builder(module, family, -1 if clock is None else clock)
    if clock is None:
        builder.clock = builder.net("clock")
    scan = builder.net("scan")
    previous = scan
    for name, bits in unit.ports("input"):
        for index, bit in enumerate(bits):
            if isinstance(bit, int) and bit != clock:
                builder.register(f"{name}[{index}]", previous, bit)
                previous = bit
    level: list[_Bit] = []
    seen: set[int] = set()
    for name, bits in unit.ports("output"):
        for index, bit in enumerate(bits):
            if isinstance(bit, int) and bit not in seen:  # a sign extension repeats one bit
                seen.add(bit)
                captured = builder.net(f"{name}[{index}]$q")
                builder.register(f"{name}[{index}]", bit, captured)
                level.append(captured)
    depth = 0
    while len(level) > 1:
        folded: list[_Bit] = []
        for index in range(0, len(level), 4):
            name = f"fold{depth}[{index // 4}]"
            total = builder.xor(f"{name}$xor", level[index : index + 4])
            output = builder.net(name)
            builder.register(name, total, output)
            folded.append(output)
        level = folded
        depth += 1
    # Should the unit have no output that changes, the end of the shift register keeps the netlist alive.
    fold = level[0] if level else previous
    module["ports"] = {
        "clock": {"direction": "input", "bits": [builder.clock]},
        "scan": {"direction": "input", "bits": [scan]},
        "fold": {"direction": "output", "bits": [fold]},
    }
    netlist = Netlist(unit.top, document)
    shared = sum(name.startswith(PREFIX) for name in registers_behind_luts(netlist, family))
    return Harness(
        netlist, luts=builder.luts, registers=builder.registers, logic_cells=builder.luts + builder.registers - shared
    )


def clock_of(unit: Netlist, family: Family) -> int | None:
    """Return the net that clocks a unit, or None if nothing in it is clocked.

    Raises
    ------
    CheckFailed
        If more than one net clocks it, or the clock is no input of the unit.
    """
    clocks: set[int] = set()
    for cell in unit.module["cells"].values():
        kind = cell["type"]
        register = kind.startswith(family.register.kind)
        pins = (family.register.clock,) if register else family.clock_pins.get(kind, ())
        for pin in pins:
            clocks.update(bit for bit in cell["connections"].get(pin, ()) if isinstance(bit, int))
    if not clocks:
        return None
    inputs = {bit for _, bits in unit.ports("input") for bit in bits}
    if len(clocks) > 1 or not clocks <= inputs:
        raise CheckFailed(f"{unit.top}: needs one clock, from an input port; found {len(clocks)} clocks")
    return clocks.pop()


def registers_behind_luts(netlist: Netlist, family: Family) -> list[str]:
    """Return the names of the flip-flops that are the only ones to read the LUT in front of them."""
    readers = netlist.readers()
    cells = netlist.module["cells"]
    register, lut = family.register, family.lut
    alone = {
        bit
        for cell in cells.values()
        if cell["type"] == lut.kind
        for bit in cell["connections"][lut.output]
        if readers[bit] == 1
    }
    return [
        name
        for name, cell in cells.items()
        if cell["type"].startswith(register.kind) and cell["connections"][register.data][0] in alone
    ]
