"""What building for a board gave."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamnorm_fpga.place.resources import Resources

if TYPE_CHECKING:
    from streamnorm_fpga.place.place_route import Placed

    from .design import BoardDesign

__all__ = ["BuildReport"]


@dataclass(frozen=True, kw_only=True)
class BuildReport:
    """Result of a build.

    Members
    -------
    used : Resources
        What the whole design takes, as nextpnr counts.
    unit, logic : Resources
        The unit, and everything around it, from the netlist; nextpnr's additions are in neither.
    by_block : dict of str to Resources
        The same by block; the unit's blocks begin with ``unit``, those around it with ``board``.
    placed : Placed
        The placement the bitstream is made of.
    missed : dict of int to float
        Clocks of the seeds that were tried before and missed.
    synthesis_notices : tuple of str
        What the user should know of the synthesis.
    """

    design: BoardDesign
    used: Resources
    unit: Resources
    logic: Resources
    by_block: dict[str, Resources]
    placed: Placed
    missed: dict[int, float]
    bitstream: bytes
    tools: dict[str, str]
    synthesis_notices: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Name of the bitstream."""
        return f"{self.design.config.name}.{self.design.board.family.bitstream}"

    @property
    def margin_mhz(self) -> float:
        """How much faster than its clock the design could be; negative if it is too slow."""
        return round(self.placed.fmax_mhz - self.design.clock.mhz, 2)

    @property
    def limit_mhz(self) -> float | None:
        """The clock the block RAMs bear, where the design has some and the timing database tells."""
        return self.design.board.device.bram_limit_mhz if self.used.bram else None

    @property
    def meets_clock(self) -> bool:
        limit = self.limit_mhz
        return self.margin_mhz >= 0 and (limit is None or limit >= self.design.clock.mhz)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know of this build."""
        design, board = self.design, self.design.board
        result: list[str] = []
        if design.asked_target != board.target:
            result.append(
                f"built for {board.target}, the part on the board, in place of the configuration's "
                f"{design.asked_target}: the values are the same, the pipeline may differ"
            )
        if design.clock.mhz != design.asked_mhz:
            result.append(f"the PLL makes {design.clock.mhz:g} MHz, {design.asked_mhz:g} were asked for")
        if design.asked_mhz != design.config.clock_mhz:
            result.append(f"the unit is planned for {design.config.clock_mhz:g} MHz and runs at {design.clock.mhz:g}")
        return (*result, *self.synthesis_notices)

    def to_dict(self) -> dict[str, Any]:
        """Return the report for machines; the keys are part of the command line's contract."""
        design, board = self.design, self.design.board
        return {
            "name": design.config.name,
            "architecture": design.config.architecture,
            "board": board.name,
            "part": board.part,
            "target": board.target,
            "config_target": design.asked_target,
            "digest": design.config.digest(),
            "clock": {
                "board_mhz": board.clock_mhz,
                "pll": bool(design.clock.module),
                "asked_mhz": design.asked_mhz,
                "planned_mhz": design.config.clock_mhz,
                "mhz": design.clock.mhz,
            },
            "fmax_mhz": self.placed.fmax_mhz,
            "margin_mhz": self.margin_mhz,
            "meets_clock": self.meets_clock,
            "limit_mhz": self.limit_mhz,
            "seed": self.placed.seed,
            "missed": {str(seed): fmax for seed, fmax in self.missed.items()},
            "uart": {"baud": design.baud, "bit_cycles": design.bit_cycles, "where": board.uart.where},
            "used": self.used.to_dict(),
            "available": Resources.of_part(board.device).to_dict(),
            "unit": self.unit.to_dict(),
            "board_logic": self.logic.to_dict(),
            "blocks": {block: used.to_dict() for block, used in self.by_block.items()},
            "critical_path": self.placed.path.to_dict(),
            "tools": self.tools,
            "bitstream": {
                "file": self.file,
                "bytes": len(self.bitstream),
                "sha256": hashlib.sha256(self.bitstream).hexdigest(),
            },
            "inputs": design.inputs(),
            "notices": list(self.notices),
        }
