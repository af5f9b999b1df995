"""ECP5 carry chains without the cells that nextpnr puts at their ends for nothing.

A CCU2C adds two bits. nextpnr puts one before each chain, to bring the carry in, and one behind each chain
whose last carry goes to a net, even if nobody reads that net, as yosys leaves it. Where the result has an odd
number of bits, half of the last CCU2C is free: with all bits moved up by one, the free half comes first and
makes the constant carry itself.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .netlist import Netlist

__all__ = ["trim_carry_chains"]

_INPUTS = "ABCD"
# Contents of a half that makes a carry whatever comes in: with all inputs 1 its sum is 0, and then the carry
# is what the low four bits say.
_CONSTANT_CARRY = {"0": f"{0x0000:016b}", "1": f"{0x000F:016b}"}
_UNCONNECTED = ["x"]


def trim_carry_chains(netlist: Netlist) -> Netlist:
    """Return an ECP5 netlist of the same function whose carry chains take fewer cells once placed."""
    module = deepcopy(netlist.module)
    cells = {name: cell for name, cell in module["cells"].items() if cell["type"] == "CCU2C"}
    users = netlist.readers()
    by_carry_in: dict[int | str, Any] = {}
    for cell in cells.values():
        if isinstance(cell["connections"]["CIN"][0], int):
            by_carry_in[cell["connections"]["CIN"][0]] = cell
    carries = {cell["connections"]["COUT"][0] for cell in cells.values()}
    for cell in cells.values():
        carry_in = cell["connections"]["CIN"][0]
        if carry_in in carries:
            continue  # inside a chain
        chain = [cell]
        while users[chain[-1]["connections"]["COUT"][0]] == 1:
            following = by_carry_in.get(chain[-1]["connections"]["COUT"][0])
            if following is None:
                break
            chain.append(following)
        last = chain[-1]["connections"]
        if users[last["COUT"][0]]:
            continue
        last["COUT"] = _UNCONNECTED
        if carry_in in _CONSTANT_CARRY and not users[last["S1"][0]]:
            _move_up(chain, carry_in)
    return replace(netlist, document={**netlist.document, "modules": {netlist.top: module}})


def _move_up(chain: list[dict[str, Any]], carry: int | str) -> None:
    """Move every bit of a chain up by one half; the last half, which is free, becomes the first one."""
    halves = [_half(cell, index) for cell in chain for index in "01"]
    halves = [halves[-1], *halves[:-1]]
    for position, (contents, inject, pins) in enumerate(halves):
        cell, index = chain[position // 2], str(position % 2)
        cell["parameters"][f"INIT{index}"] = contents
        cell["parameters"][f"INJECT1_{index}"] = inject
        cell["connections"].update({f"{pin}{index}": bits for pin, bits in pins.items()})
    chain[0]["parameters"]["INIT0"] = _CONSTANT_CARRY[str(carry)]
    chain[0]["connections"].update({f"{pin}0": ["1"] for pin in _INPUTS}, CIN=_UNCONNECTED)


def _half(cell: dict[str, Any], index: str) -> tuple[str, str, dict[str, list[int | str]]]:
    pins = {pin: cell["connections"][f"{pin}{index}"] for pin in (*_INPUTS, "S")}
    return cell["parameters"][f"INIT{index}"], cell["parameters"][f"INJECT1_{index}"], pins
