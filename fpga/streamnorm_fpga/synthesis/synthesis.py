"""Verilog or RTLIL to a netlist of device primitives with yosys, kept in a cache addressed by what went in."""

from __future__ import annotations

import gzip
import json
import re
import signal
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamnorm.errors import CheckFailed, last_line
from streamnorm_sim.toolchain.cache import build_once
from streamnorm_sim.toolchain.tools import YOSYS

from .netlist import Netlist

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamnorm_fpga.devices import Device

__all__ = ["synthesize"]

# Two drivers on a wire: the Verilog is wrong, or a pass has connected a wire of the unit to a constant.
_NO_MERE_WARNING = "Driver-driver conflict|multiple conflicting drivers"
_NETLIST = "netlist.json.gz"
_DIED = "died.json"

_FROM_OUTSIDE = {-signal.SIGINT, -signal.SIGTERM, -9}  # 9: killed, which Windows has no name for


class _Died(CheckFailed):
    """yosys ended without saying what is wrong with the design."""

    def __init__(self, message: str, how: str) -> None:
        super().__init__(message)
        self.how = how


def synthesize(
    design: str | Mapping[str, str],
    top: str,
    device: Device,
    *,
    options: tuple[str, ...] = (),
    without_abc9: bool = False,
) -> Netlist:
    """Map a design to the device's primitives, flat, the hierarchy kept in names (``unit.apply.…``).

    The result is taken from the cache where the same texts, top, script and yosys version were seen before. Where
    yosys dies, another way is tried, and the netlist has a notice; the cache remembers both.

    Parameters
    ----------
    design : str or mapping of str to str
        Verilog, or several texts by file name; those that end in ``.il`` are RTLIL.
    options : tuple of str
        Further options of the synthesis pass.
    without_abc9 : bool
        Go the other way at once.

    Raises
    ------
    CheckFailed
        If yosys refuses the design, or dies whatever the way; the message quotes it, or tells what died and how.
    ToolMissing
        If yosys is not there.
    """
    synthesis = " ".join((device.synthesis_command, *options))
    files = {"design.v": design} if isinstance(design, str) else dict(design)
    reads = "; ".join(f"read_{'rtlil' if name.endswith('.il') else 'verilog'} {name}" for name in files)
    whole = f"{synthesis} -top {top}"
    end = f"{whole} -json netlist.json"
    if without_abc9:  # the passes take -noabc9, and use ABC9 all the same
        end = f"{whole} -run :map_luts; {device.family.map_luts}; {end} -run map_cells:"
    script = f"{reads}; {end}"

    def other() -> Netlist:
        return synthesize(design, top, device, options=options, without_abc9=True)

    def build(directory: Path) -> None:
        try:
            document = _run_yosys(files, top, script)
        except _Died as error:
            if without_abc9:
                raise
            try:
                other()
            except _Died as again:
                raise CheckFailed(f"{error}; without ABC9: {again.how}") from again
            (directory / _DIED).write_text(json.dumps(error.how), encoding="utf-8")
        else:
            (directory / _NETLIST).write_bytes(gzip.compress(json.dumps(document).encode(), compresslevel=6, mtime=0))

    place = build_once("netlist", [YOSYS.build(), script, *files.values()], build)
    if (died := place / _DIED).exists():
        how = json.loads(died.read_text(encoding="utf-8"))
        notice = f"synthesized without ABC9, of which yosys dies ({how}); area and clock may be worse"
        return replace(other(), notices=(notice,))
    return Netlist(top, json.loads(gzip.decompress((place / _NETLIST).read_bytes())))


def _run_yosys(files: Mapping[str, str], top: str, script: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="streamnorm-") as name:
        directory = Path(name)
        for file, text in files.items():
            (directory / file).write_text(text, encoding="utf-8")
        code, output = YOSYS.run(["-q", "-e", _NO_MERE_WARNING, "-p", script], directory)
        if code != 0:
            raise _failure(top, code, output)
        document = json.loads((directory / "netlist.json").read_text(encoding="utf-8"))
    # The other modules are the black boxes of every primitive of the family; nextpnr knows these itself.
    return {**document, "modules": {top: document["modules"][top]}}


def _failure(top: str, code: int, output: str) -> CheckFailed:
    """What yosys says is wrong with the design; how it died if it says nothing, or only that ABC did."""
    errors = re.findall(r"^(?:.*: )?ERROR: (.*)$", output, re.MULTILINE)
    refused = [error for error in errors if not error.startswith("ABC")]
    if refused:
        return CheckFailed(f"yosys cannot synthesize {top}: {'; '.join(errors)}")
    how = f"{_ended(code)}: {'; '.join(errors) or last_line(output)}"
    message = f"yosys died of {top}: {how}"
    return CheckFailed(message) if code in _FROM_OUTSIDE else _Died(message, how)


def _ended(code: int) -> str:
    """How a process ended, from its return code."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
