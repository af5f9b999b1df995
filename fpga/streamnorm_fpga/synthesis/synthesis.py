"""Verilog or RTLIL to a netlist of device primitives with yosys, kept in a cache addressed by what went in."""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamnorm.errors import CheckFailed
from streamnorm_sim.toolchain.cache import build_once
from streamnorm_sim.toolchain.tools import YOSYS, last_line

from .netlist import Netlist

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamnorm_fpga.devices import Device

__all__ = ["synthesize"]

# Two drivers on a wire: the Verilog is wrong, or a pass has connected a wire of the unit to a constant.
_NO_MERE_WARNING = "Driver-driver conflict|multiple conflicting drivers"
_NETLIST = "netlist.json.gz"


def synthesize(design: str | Mapping[str, str], top: str, device: Device, *, options: tuple[str, ...] = ()) -> Netlist:
    """Map a design to the device's primitives, flat, the hierarchy kept in names (``unit.apply.…``).

    The result is taken from the cache where the same texts, top, script and yosys version were seen before.

    Parameters
    ----------
    design : str or mapping of str to str
        Verilog, or several texts by file name; those that end in ``.il`` are RTLIL.
    options : tuple of str
        Further options of the synthesis pass.

    Raises
    ------
    CheckFailed
        If yosys refuses the design; the message quotes it.
    ToolMissing
        If yosys is not there.
    """
    synthesis = " ".join((device.synthesis_command, *options))
    files = {"design.v": design} if isinstance(design, str) else dict(design)
    reads = "; ".join(f"read_{'rtlil' if name.endswith('.il') else 'verilog'} {name}" for name in files)
    script = f"{reads}; {synthesis} -top {top} -json netlist.json"

    def build(directory: Path) -> None:
        text = json.dumps(_run_yosys(files, top, script))
        (directory / _NETLIST).write_bytes(gzip.compress(text.encode(), compresslevel=6, mtime=0))

    place = build_once("netlist", [YOSYS.build(), script, *files.values()], build)
    return Netlist(top, json.loads(gzip.decompress((place / _NETLIST).read_bytes())))


def _run_yosys(files: Mapping[str, str], top: str, script: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="streamnorm-") as name:
        directory = Path(name)
        for file, text in files.items():
            (directory / file).write_text(text, encoding="utf-8")
        code, output = YOSYS.run(["-q", "-e", _NO_MERE_WARNING, "-p", script], directory)
        if code != 0:
            errors = re.findall(r"^(?:.*: )?ERROR: (.*)$", output, re.MULTILINE)
            reason = "; ".join(errors) or last_line(output)
            raise CheckFailed(f"yosys cannot synthesize {top}: {reason}")
        document = json.loads((directory / "netlist.json").read_text(encoding="utf-8"))
    # The other modules are the black boxes of every primitive of the family; nextpnr knows these itself.
    return {**document, "modules": {top: document["modules"][top]}}
