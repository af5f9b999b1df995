"""What placing and routing a unit alone gave: size, clock, what bounds it and what the part allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from .resources import Resources

if TYPE_CHECKING:
    from streamnorm_fpga.families import Device

    from .critical_path import CriticalPath
    from .place_route import Placed

__all__ = ["FitReport"]


@dataclass(frozen=True, kw_only=True)
class FitReport:
    """Result of a fit.

    Members
    -------
    clock_mhz : float
        The clock asked for.
    unit : Resources
        What the unit itself takes.
    by_block : dict of str to Resources
        The same by block, from the netlist. nextpnr adds cells where a carry chain begins or ends, so that
        ``comb`` of all blocks is somewhat less than ``unit.comb``.
    placed : tuple of Placed
        One entry per seed with which the unit could be routed.
    unrouted : dict of int to str
        The other seeds, and why.
    notices : tuple of str
        What the user should know of this fit, a sentence each.
    tools : dict of str to str
        Versions of yosys and nextpnr.
    architecture : str
        Of the unit.
    """

    device: Device
    top: str
    clock_mhz: float
    unit: Resources
    by_block: dict[str, Resources]
    placed: tuple[Placed, ...]
    tools: dict[str, str]
    unrouted: dict[int, str] = field(default_factory=dict)
    architecture: str = "one-pass"
    notices: tuple[str, ...] = ()

    @property
    def limit_mhz(self) -> float | None:
        """The clock a block RAM of the part bears, if the unit has one and the timing database tells.

        nextpnr does not know this limit: it may report more.
        """
        return self.device.bram_limit_mhz if self.unit.bram else None

    @property
    def worst(self) -> Placed:
        """The seed with the lowest clock."""
        return min(self.placed, key=lambda placed: placed.fmax_mhz)

    @property
    def fmax_median_mhz(self) -> float:
        """The clock that half of the seeds reach."""
        return round(median(placed.fmax_mhz for placed in self.placed), 2)

    @property
    def critical_path(self) -> CriticalPath:
        """The path that bounds the slowest seed."""
        return self.worst.path

    @property
    def meets_clock(self) -> bool:
        """Whether every seed is routed and reaches the clock asked for, and the part's block RAMs bear it."""
        limit = self.limit_mhz
        return (
            not self.unrouted and self.worst.fmax_mhz >= self.clock_mhz and (limit is None or limit >= self.clock_mhz)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the report for machines; the keys are part of the command line's contract."""
        return {
            "name": self.top,
            "architecture": self.architecture,
            "target": self.device.name,
            "part": self.device.part,
            "speed": self.device.speed,
            "clock_mhz": self.clock_mhz,
            "meets_clock": self.meets_clock,
            "fmax_mhz": {
                "min": self.worst.fmax_mhz,
                "median": self.fmax_median_mhz,
                "seeds": {str(placed.seed): placed.fmax_mhz for placed in self.placed},
            },
            "unrouted": {str(seed): why for seed, why in self.unrouted.items()},
            **self.unit.to_dict(),
            "available": Resources.of_part(self.device).to_dict(),
            "limit_mhz": self.limit_mhz,
            "critical_path": self.critical_path.to_dict(),
            "critical_paths": {str(placed.seed): str(placed.path) for placed in self.placed},
            "blocks": {block: used.to_dict() for block, used in self.by_block.items()},
            "tools": self.tools,
            "notices": list(self.notices),
        }
