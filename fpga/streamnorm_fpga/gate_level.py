"""A unit as the netlist that would be placed: for an engine to run in place of its Verilog, and for a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from streamnorm.errors import ConfigError
from streamnorm.verilog.emit import netlist_name, verilog
from streamnorm_fpga.devices import DEVICES
from streamnorm_fpga.synthesis.mapping import map_to_part
from streamnorm_fpga.synthesis.structural import script_around, structural_verilog
from streamnorm_sim.cells import GateNetlist
from streamnorm_sim.toolchain.tools import YOSYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamnorm.spec.config import NormConfig
    from streamnorm_fpga.devices import Device

__all__ = ["gate_netlist", "netlist_verilog", "part_of"]


def part_of(config: NormConfig, option: str) -> Device:
    """Return the part that a unit is synthesized for.

    Raises
    ------
    ConfigError
        If the target is no part; the message begins with ``option``, which asks for its gates.
    """
    device = DEVICES.get(config.target)
    if device is None:
        known = ", ".join(DEVICES)
        raise ConfigError(
            f"{option}: target {config.target!r} is no part to synthesize for; set target to one of {known}"
        )
    return device


def gate_netlist(config: NormConfig) -> GateNetlist:
    """Synthesize the unit of a configuration for its target; return the netlist as it would be placed.

    Raises
    ------
    ConfigError
        If the target is no part, or the netlist has cells without model.
    CheckFailed
        If yosys refuses the unit.
    ToolMissing
        If yosys is not there.
    """
    device = part_of(config, "--gate-level")
    netlist = map_to_part(verilog(config), config.name, device)
    return GateNetlist(device.family.name, json.dumps(netlist.document))


def netlist_verilog(config: NormConfig, text: str, *, notice: Callable[[str], None] = lambda _: None) -> str:
    """Synthesize the unit of a configuration for its target; return the netlist as it would be placed, in Verilog.

    For `streamnorm.verilog.emit.generate`.

    Parameters
    ----------
    text : str
        The unit's Verilog.
    notice : callable
        Told what the user should know of the synthesis, a sentence each.

    Raises
    ------
    ConfigError
        If the target is no part.
    CheckFailed
        If yosys refuses the unit.
    ToolMissing
        If yosys is not there.
    """
    device = part_of(config, "--netlist")
    netlist = map_to_part(text, config.name, device)
    for sentence in netlist.notices:
        notice(sentence)
    head = [
        f"The unit as cells of the {device.family.title}, as `streamnorm fit` places them; synthesized by yosys "
        f"{YOSYS.version()}.",
        *(f"Note: {sentence}" for sentence in netlist.notices),
        "",
        f"It takes the place of {config.name}.v. Read like that one, it works, but yosys may change it: ends of carry",
        "chains, open here, get nets and cost cells. With this script it is a black box until the rest is synthesized,",
        "and stays as it is:",
        "",
        *(f"    {command}" for command in script_around(netlist_name(config), device)),
    ]
    return "".join(f"// {line}".rstrip() + "\n" for line in head) + structural_verilog(netlist)
