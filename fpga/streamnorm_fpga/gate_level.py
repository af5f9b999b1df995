"""A unit as the netlist that would be placed, for an engine to run in place of its Verilog."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from streamnorm.errors import ConfigError
from streamnorm.verilog.emit import verilog
from streamnorm_fpga.devices import DEVICES
from streamnorm_fpga.synthesis.mapping import map_to_part
from streamnorm_sim.cells import GateNetlist

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["gate_netlist"]


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
    device = DEVICES.get(config.target)
    if device is None:
        known = ", ".join(DEVICES)
        raise ConfigError(f"--gate-level: there are no gates of target {config.target!r}; set target to one of {known}")
    netlist = map_to_part(verilog(config), config.name, device)
    return GateNetlist(device.family.name, json.dumps(netlist.document))
