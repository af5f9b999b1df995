"""Placing and routing one unit alone for its target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamnorm_fpga.devices import device_for
from streamnorm_fpga.synthesis.mapping import map_to_part
from streamnorm_sim.toolchain.tools import YOSYS, versions

from .blocks import Blocks
from .harness import surround
from .place_route import place_and_route
from .refusal import refuse_impossible
from .report import FitReport
from .resources import Resources, cells_by_block
from .seeds import check_seeds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamnorm.spec.config import NormConfig

    from .place_route import Placed

__all__ = ["fit", "fit_verilog"]


def fit(
    config: NormConfig, seeds: Sequence[int] = (1, 2, 3), progress: Callable[[Placed | None], None] | None = None
) -> FitReport:
    """Generate the unit of ``config`` and fit it to the configuration's target; see :func:`fit_verilog`."""
    device = device_for(config.target)  # before the unit is generated, which takes seconds
    check_seeds(seeds)
    refuse_impossible(config, device.part, config.clock_mhz)
    from streamnorm.verilog.emit import verilog

    text = verilog(config)
    report = fit_verilog(text, config.name, config.target, config.clock_mhz, seeds, progress=progress)
    return replace(report, architecture=config.architecture)


def fit_verilog(
    text: str,
    top: str,
    target: str,
    clock_mhz: float,
    seeds: Sequence[int] = (1, 2, 3),
    *,
    progress: Callable[[Placed | None], None] | None = None,
    options: tuple[str, ...] = (),
) -> FitReport:
    """Synthesize, place and route module ``top`` of some Verilog, alone on the part.

    Parameters
    ----------
    clock_mhz : float
        The clock nextpnr aims at; the report says whether it was reached.
    seeds : sequence of int
        One placement for each.
    progress : callable
        Called with None once the unit is synthesized, then with the result of each seed as it comes.
    options : tuple of str
        Further options of yosys' synthesis pass.

    Raises
    ------
    ConfigError
        If ``target`` cannot be placed and routed, or nextpnr takes no such seed.
    CheckFailed
        If the module cannot be synthesized, does not fit the part or cannot be routed with any of the seeds.
    ToolMissing
        If yosys or nextpnr is not there.
    """
    device = device_for(target)
    check_seeds(seeds)
    tools = versions(YOSYS, device.family.nextpnr)
    netlist = map_to_part(text, top, device, options=options)
    if progress is not None:
        progress(None)
    blocks = Blocks(netlist, device.family)
    harness = surround(netlist, device.family)
    placements = place_and_route(harness, device, blocks, clock_mhz=clock_mhz, seeds=seeds, progress=progress)
    return FitReport(
        device=device,
        top=top,
        clock_mhz=clock_mhz,
        unit=Resources.of_unit(harness, device, placements.placed[0].used),
        by_block=cells_by_block(netlist, blocks, device.family),
        placed=placements.placed,
        unrouted=placements.unrouted,
        tools=tools,
        notices=netlist.notices,
    )
