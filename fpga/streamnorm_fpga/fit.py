"""Synthesizing, placing and routing one unit alone for its target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamnorm_fpga.blocks import Blocks
from streamnorm_fpga.devices import device_for
from streamnorm_fpga.harness import surround
from streamnorm_fpga.place_route import place_and_route
from streamnorm_fpga.report import FitReport
from streamnorm_fpga.resources import Resources
from streamnorm_fpga.synthesis import synthesize
from streamnorm_fpga.tools import NEXTPNR, YOSYS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamnorm_fpga.place_route import Placed

__all__ = ["fit_verilog"]


def fit_verilog(
    text: str,
    top: str,
    target: str,
    clock_mhz: float,
    seeds: Sequence[int] = (1, 2, 3),
    *,
    progress: Callable[[Placed], None] | None = None,
    options: tuple[str, ...] = (),
) -> FitReport:
    """Fit module ``top`` of Verilog ``text`` to ``target``.

    Raises
    ------
    ConfigError
        If ``target`` cannot be placed and routed.
    CheckFailed
        If the module cannot be synthesized, does not fit or cannot be routed.
    ToolMissing
        If yosys or nextpnr is not there.
    """
    device = device_for(target)
    tools = {tool.name: tool.version() for tool in (YOSYS, NEXTPNR[device.family])}
    netlist = synthesize(text, top, device, options=options)
    harness = surround(netlist, device.family)
    placed = place_and_route(
        harness, device, Blocks(netlist), clock_mhz=clock_mhz, seeds=seeds, progress=progress
    )
    return FitReport(
        device=device,
        top=top,
        clock_mhz=clock_mhz,
        unit=Resources.of_unit(harness, device, placed[0].used),
        placed=tuple(placed),
        tools=tools,
    )
