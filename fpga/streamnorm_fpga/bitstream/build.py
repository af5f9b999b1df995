"""Building a bitstream: synthesis, placement until the clock is met, packing."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from streamnorm.errors import CheckFailed, ConfigError
from streamnorm_fpga.boards.pll import fabric_clock
from streamnorm_fpga.place.blocks import TOP, Blocks
from streamnorm_fpga.place.harness import Harness
from streamnorm_fpga.place.place_route import DoesNotFit, NotRouted, place_and_route
from streamnorm_fpga.place.refusal import refuse_impossible_on
from streamnorm_fpga.place.resources import Resources, cells_by_block, cells_of, room
from streamnorm_fpga.place.seeds import check_seeds
from streamnorm_fpga.synthesis.mapping import map_to_part

from .design import tool_versions
from .pack import pack
from .report import BuildReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from streamnorm_fpga.boards.board import Board
    from streamnorm_fpga.place.place_route import Placed
    from streamnorm_fpga.synthesis.netlist import Netlist

    from .design import BoardDesign

__all__ = ["REPORT", "SEEDS", "board_netlist", "build", "files_of"]

REPORT = "report.json"
"""Name of the report beside a bitstream."""

SEEDS = (1, 2, 3, 4)
"""Placements tried unless told otherwise."""

_LOWER_CLOCKS = 4  # whole megahertz tried below what was reached, to find a clock the PLL makes


def build(
    design: BoardDesign,
    seeds: Sequence[int] = SEEDS,
    *,
    allow_slow: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> BuildReport:
    """Build the bitstream of a design, with the first seed that meets its clock.

    Parameters
    ----------
    allow_slow : bool
        Take the fastest seed if all miss the clock.
    progress : callable
        Told in words what comes next, and how each seed did.

    Raises
    ------
    ConfigError
        If nextpnr takes no such seed.
    CheckFailed
        If the design does not fit the part, which the plan may tell at once, cannot be routed, or misses its clock with
        every seed.
    ToolMissing
        If a tool is not there.
    """
    check_seeds(seeds)
    board, clock = design.board, design.clock
    refuse_impossible_on(board, design.config, design.asked_mhz, allow_slow=allow_slow)
    device = board.device
    tools = tool_versions(board)
    progress("synthesizing")
    netlist = board_netlist(design)
    cells = cells_of(netlist, board.family)
    if missing := room(cells, Resources.of_part(device)):
        raise DoesNotFit(f"{design.config.name} does not fit {board.name} ({board.part}): {missing}")
    limit = device.bram_limit_mhz
    if cells.bram and limit is not None and limit < clock.mhz and not allow_slow:
        raise CheckFailed(
            f"clock of {clock.mhz:g} MHz on {board.name}: the block RAMs of {board.part} bear {limit:g} MHz at most"
        )
    blocks, harness = Blocks(netlist, board.family), Harness.bare(netlist)
    tried: list[Placed] = []
    failure: NotRouted | None = None
    for seed in seeds:
        progress(f"seed {seed}: placing and routing")
        try:
            [placed] = place_and_route(
                harness, device, blocks, clock_mhz=clock.mhz, seeds=(seed,), constraints=design.pinned.constraints
            ).placed
        except NotRouted as error:  # another seed may be routable
            failure = error
            continue
        progress(f"seed {seed}: {placed.fmax_mhz:.1f} MHz of {clock.mhz:g}")
        tried.append(placed)
        if placed.fmax_mhz >= clock.mhz:
            break
    if not tried:
        raise failure or CheckFailed("no seed to try")
    best = max(tried, key=lambda placed: placed.fmax_mhz)
    if best.fmax_mhz < clock.mhz and not allow_slow:
        raise CheckFailed(_why_missed(design, _relabelled(best, netlist, design)))
    progress("packing")
    return _report(design, netlist, blocks, best, tried, tools)


def board_netlist(design: BoardDesign) -> Netlist:
    """Return the netlist of a design, ready to be placed."""
    return map_to_part(design.sources, design.pinned.top, design.board.device)


def _report(
    design: BoardDesign, netlist: Netlist, blocks: Blocks, best: Placed, tried: Iterable[Placed], tools: dict[str, str]
) -> BuildReport:
    relabel = _Relabel(netlist, design.config.name)
    by_block: dict[str, Resources] = {}
    for block, cells in cells_by_block(netlist, blocks, design.board.family).items():
        name = relabel(block)
        by_block[name] = by_block[name] + cells if name in by_block else cells
    return BuildReport(
        design=design,
        used=Resources.of_unit(Harness.bare(netlist), design.board.device, best.used),
        unit=_sum(cells for block, cells in by_block.items() if _is_unit(block)),
        logic=_sum(cells for block, cells in by_block.items() if not _is_unit(block)),
        by_block=dict(sorted(by_block.items())),
        placed=_relabelled(best, netlist, design),
        missed={placed.seed: placed.fmax_mhz for placed in tried if placed is not best},
        bitstream=pack(design.board, best.configuration),
        tools=tools,
        synthesis_notices=netlist.notices,
    )


def _relabelled(placed: Placed, netlist: Netlist, design: BoardDesign) -> Placed:
    relabel = _Relabel(netlist, design.config.name)
    path = replace(placed.path, blocks=tuple(relabel(block) for block in placed.path.blocks))
    return replace(placed, path=path)


class _Relabel:
    """Names of blocks as ``fit`` has them: the unit's blocks without the path that leads to the unit."""

    def __init__(self, netlist: Netlist, unit: str) -> None:
        self._unit = next(
            (
                name
                for name, cell in netlist.module["cells"].items()
                if cell["type"] == "$scopeinfo" and cell["attributes"].get("module") == unit
            ),
            "",
        )

    def __call__(self, block: str) -> str:
        if block == TOP:
            return "pins"
        if block == self._unit:
            return "unit"
        inner = block.removeprefix(f"{self._unit}.")
        if inner == block:
            return block
        return inner if _is_unit(inner) else f"unit.{inner}"


def _is_unit(block: str) -> bool:
    return block == "unit" or block.startswith("unit.")


def _sum(parts: Iterable[Resources]) -> Resources:
    return sum(parts, Resources(comb=0, ff=0, dsp=0, bram=0))


def _why_missed(design: BoardDesign, best: Placed) -> str:
    lower = _closing_clock(design.board, best.fmax_mhz)
    remedy = f"try --clock {lower:g}; " if lower is not None else ""
    return (
        f"{design.config.name} on {design.board.name} misses {design.clock.mhz:g} MHz: best is seed {best.seed} "
        f"with {best.fmax_mhz:.1f} MHz, bounded by {best.path}; {remedy}--allow-slow writes the bitstream all the same"
    )


def _closing_clock(board: Board, fmax_mhz: float) -> float | None:
    """The highest whole number of megahertz, or the board's own clock, that ``fmax_mhz`` allows."""
    fastest = math.floor(fmax_mhz)
    for mhz in (*range(fastest, max(fastest - _LOWER_CLOCKS, 0), -1), board.clock_mhz):
        try:
            if fabric_clock(board, mhz, "pll").mhz <= fmax_mhz:
                return mhz
        except ConfigError:
            continue
    return None


def file_names(design: BoardDesign) -> list[str]:
    """Return the names of what a build leaves behind: bitstream, unit, constraints, and the report."""
    name, family = design.config.name, design.board.family
    return [f"{name}.{family.bitstream}", f"{name}.v", f"{name}.{family.constraints}", REPORT]


def files_of(report: BuildReport) -> dict[str, bytes]:
    """Return what a build leaves behind, by file name, in the order of `file_names`."""
    design = report.design
    written = json.dumps(report.to_dict(), indent=2) + "\n"
    contents = [report.bitstream, design.unit.encode(), design.pinned.constraints.encode(), written.encode()]
    return dict(zip(file_names(design), contents, strict=True))
