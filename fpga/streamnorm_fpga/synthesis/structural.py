"""A netlist as a Verilog module of primitives."""

from __future__ import annotations

import json
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamnorm.errors import CheckFailed, last_line
from streamnorm_sim.toolchain.tools import YOSYS

if TYPE_CHECKING:
    from streamnorm_fpga.devices import Device

    from .netlist import Netlist

__all__ = ["script_around", "structural_verilog"]

# nextpnr wants a pin that is on no net to be on "x". In Verilog, no output can be on a constant; and yosys drops a pin
# that is left out. So these outputs are on a wire, and where this is defined, the wire is x, too, which yosys resolves.
_DEFINE = "OPEN_OUTPUTS"
_WIRE = "open_outputs"


def structural_verilog(netlist: Netlist) -> str:
    """Return a netlist as a Verilog module of its name and ports, without comments; names of blocks stay in names.

    Raises
    ------
    CheckFailed
        If yosys, which writes it, fails.
    ToolMissing
        If yosys is not there.
    """
    document, open_count = _with_open_outputs(netlist)
    with tempfile.TemporaryDirectory(prefix="streamnorm-") as name:
        directory = Path(name)
        (directory / "netlist.json").write_text(json.dumps(document), encoding="utf-8")
        script = "read_json netlist.json; opt_clean -purge; write_verilog -noattr netlist.v"
        code, output = YOSYS.run(["-q", "-p", script], directory)
        if code != 0:
            raise CheckFailed(f"yosys cannot write the netlist of {netlist.top}: {last_line(output)}")
        text = (directory / "netlist.v").read_text(encoding="utf-8")
    text = text[text.index("\nmodule ") + 1 :]  # what is before tells where yosys was built
    if not open_count:
        return text
    driven = f"`ifdef {_DEFINE}\n  assign {_WIRE} = {open_count}'bx;\n`endif\n"
    return text.replace("\nendmodule\n", f"\n{driven}endmodule\n")


def script_around(file: str, device: Device) -> list[str]:
    """Return the yosys commands that synthesize ``design.v`` with a netlist, whose cells stay as they are.

    They write ``design.json``. ``file`` is the name of what `structural_verilog` returned.
    """
    return [
        "read_verilog design.v",
        f"read_verilog -lib {file}",
        f"{device.synthesis_command} -top design",
        f"read_verilog -D {_DEFINE} {file}",
        "flatten",
        "opt_clean",
        "write_json design.json",
    ]


def _with_open_outputs(netlist: Netlist) -> tuple[dict[str, Any], int]:
    """What yosys can read again: no scopes, and one wire for all outputs that are on no net; and how many these are."""
    module = netlist.module
    pins = (pin for cell in module["cells"].values() for pin in cell["connections"].values())
    nets = (net["bits"] for net in module["netnames"].values())
    first = 1 + max((bit for bits in (*pins, *nets) for bit in bits if isinstance(bit, int)), default=0)
    numbers = count(first)
    cells = {}
    for name, cell in module["cells"].items():
        if cell["type"] == "$scopeinfo":
            continue
        connections = {
            pin: [next(numbers) if bit == "x" else bit for bit in bits]
            if cell["port_directions"][pin] == "output"
            else bits
            for pin, bits in cell["connections"].items()
        }
        cells[name] = {**cell, "connections": connections}
    opened = list(range(first, next(numbers)))
    wire = {_WIRE: {"hide_name": 0, "bits": opened, "attributes": {}}} if opened else {}
    whole = {**module, "cells": cells, "netnames": {**module["netnames"], **wire}}
    return {**netlist.document, "modules": {netlist.top: whole}}, len(opened)
