"""What placing and routing a unit alone gave: size, clock, what bounds it and what the part allows."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from streamnorm_fpga.resources import Resources

if TYPE_CHECKING:
    from streamnorm_fpga.critical_path import CriticalPath
    from streamnorm_fpga.devices import Device
    from streamnorm_fpga.place_route import Placed

__all__ = ["FitReport"]


@dataclass(frozen=True, kw_only=True)
class FitReport:
    """Result of a fit.

    Members
    -------
    unit : Resources
        What the unit itself takes.
    limit_mhz : float or None
        The part's block RAM clock limit if the unit has a block RAM and the part states one.
    placed : tuple of Placed
        One entry per seed.
    """

    device: Device
    top: str
    clock_mhz: float
    unit: Resources
    placed: tuple[Placed, ...]
    tools: dict[str, str]

    @property
    def limit_mhz(self) -> float | None:
        return self.device.bram_limit_mhz if self.unit.bram else None

    @property
    def worst(self) -> Placed:
        """The seed with the lowest clock."""
        return min(self.placed, key=lambda placed: placed.fmax_mhz)

    @property
    def fmax_min_mhz(self) -> float:
        return self.worst.fmax_mhz

    @property
    def fmax_median_mhz(self) -> float:
        return round(median(placed.fmax_mhz for placed in self.placed), 2)

    @property
    def critical_path(self) -> CriticalPath:
        """The path that bounds the slowest seed."""
        return self.worst.path

    def to_dict(self) -> dict[str, Any]:
        """Return the report for machines; the keys are part of the command line's contract."""
        return {
            "target": self.device.name,
            "part": self.device.part,
            "speed": self.device.speed,
            "top": self.top,
            "clock_mhz": self.clock_mhz,
            "fmax_mhz": {
                "min": self.fmax_min_mhz,
                "median": self.fmax_median_mhz,
                "seeds": {str(placed.seed): placed.fmax_mhz for placed in self.placed},
            },
            **self.unit.to_dict(),
            "available": Resources.of_part(self.device).to_dict(),
            "limit_mhz": self.limit_mhz,
            "critical_path": self.critical_path.to_dict(),
            "seeds": [
                {"seed": placed.seed, "fmax_mhz": placed.fmax_mhz, "critical_path": str(placed.path)}
                for placed in self.placed
            ],
            "tools": self.tools,
        }
