"""Verilog to a netlist of device primitives with yosys, kept in a cache addressed by what went in."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from streamnorm.errors import CheckFailed
from streamnorm_fpga.netlist import Netlist
from streamnorm_fpga.tools import YOSYS

if TYPE_CHECKING:
    from streamnorm_fpga.devices import Device

__all__ = ["cache_directory", "synthesize"]


def cache_directory() -> Path:
    """Where synthesized netlists are kept: ``$STREAMNORM_CACHE``, else ``streamnorm`` in the user's cache."""
    if named := os.environ.get("STREAMNORM_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streamnorm"


def synthesize(verilog: str, top: str, device: Device, *, options: tuple[str, ...] = ()) -> Netlist:
    """Map ``verilog`` to the device's primitives, flat, hierarchy kept in the names (``unit.apply.…``).

    The result is taken from the cache where the same text, top, script and yosys version were seen before.

    Parameters
    ----------
    options : tuple of str
        Further options for the synthesis pass.

    Raises
    ------
    CheckFailed
        If yosys refuses the design; the message quotes it.
    ToolMissing
        If yosys is not there.
    """
    pass_ = " ".join((device.synthesis_command, *options))
    script = f"read_verilog design.v; {pass_} -top {top} -json netlist.json"
    key = hashlib.sha256("\0".join((YOSYS.version(), script, verilog)).encode()).hexdigest()
    cached = cache_directory() / "netlists" / f"{key}.json"
    if cached.exists():
        return Netlist(top, json.loads(cached.read_text()))
    with tempfile.TemporaryDirectory(prefix="streamnorm-") as name:
        directory = Path(name)
        (directory / "design.v").write_text(verilog)
        # Two drivers on a wire are no mere warning: a pass has connected a wire of the unit to a constant.
        code, output = YOSYS.run(["-q", "-e", "Driver-driver conflict", "-p", script], directory)
        if code != 0:
            errors = re.findall(r"^(?:.*: )?ERROR: (.*)$", output, re.MULTILINE)
            reason = "; ".join(errors) or output.strip()[-500:]
            raise CheckFailed(f"yosys cannot synthesize {top}: {reason}")
        text = (directory / "netlist.json").read_text()
    cached.parent.mkdir(parents=True, exist_ok=True)
    # Written under another name first: a second process never sees half a file.
    with tempfile.NamedTemporaryFile("w", dir=cached.parent, suffix=".part", delete=False) as part:
        part.write(text)
    Path(part.name).replace(cached)
    return Netlist(top, json.loads(text))
