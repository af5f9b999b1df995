"""The area of many units, before anything is synthesized: what their plans say, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from streamnorm.plan import Plan
from streamnorm.spec.targets import Target
from streamnorm_fpga.devices import DEVICES
from streamnorm_sim.placed import placed_unit

from .resources import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamnorm.spec.config import NormConfig
    from streamnorm_fpga.families import Device

__all__ = ["Area", "largest_device", "units_area"]


@dataclass(frozen=True)
class Area:
    """What units take together, and how much of a part that is.

    Members
    -------
    dsp, bram : int
        Multipliers and block RAMs, as planned.
    comb : int or None
        LUTs; None unless every unit's were measured.
    device : Device or None
        The largest part of their family; None where they are for no part.
    """

    dsp: int
    bram: int
    comb: int | None
    device: Device | None

    @property
    def shares(self) -> dict[str, float]:
        """Share of the part by what is counted; infinite of what the part does not have."""
        if self.device is None:
            return {}
        taken = {"comb": self.comb, "dsp": self.dsp, "bram": self.bram}
        return {name: _share(count, getattr(self.device, name)) for name, count in taken.items() if count is not None}

    @property
    def share(self) -> float | None:
        """Parts that are needed, of what is scarcest; None where there is no part."""
        return max(self.shares.values(), default=None)

    @property
    def fits(self) -> bool | None:
        """Whether the part has as much of everything that is counted; None where there is no part."""
        return None if self.share is None else self.share <= 1

    def times(self, units: int) -> Area:
        """The area of so many of them."""
        return Area(self.dsp * units, self.bram * units, None if self.comb is None else self.comb * units, self.device)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values; a share of what the part does not have is null."""
        return {
            "multipliers": self.dsp,
            "block_rams": self.bram,
            "luts": self.comb,
            "largest_device": None if self.device is None else self.device.part,
            "shares": {
                NAMES[name].replace(" ", "_").lower(): share if isfinite(share) else None
                for name, share in self.shares.items()
            },
            "fits": self.fits,
        }


def units_area(configs: Sequence[NormConfig]) -> Area:
    """Return the area of one unit of each configuration; the part is that of the first one's target, if any."""
    plans = [Plan.of(config) for config in configs]
    placed = [placed_unit(config) for config in configs]
    return Area(
        dsp=sum(sum(plan.multipliers.values()) for plan in plans),
        bram=sum(sum(plan.block_rams.values()) for plan in plans),
        comb=None if None in placed else sum(unit.comb for unit in placed if unit is not None),
        device=largest_device(configs[0].target) if configs else None,
    )


def largest_device(target: str) -> Device | None:
    """Return the part with most LUTs among those of a target's kind and speed; None if the target is no part."""
    if target not in DEVICES:
        return None
    kind, speed = Target(target, clock_mhz=1.0).primitives, DEVICES[target].speed
    alike = [
        device
        for device in DEVICES.values()
        if device.speed == speed and Target(device.name, clock_mhz=1.0).primitives == kind
    ]
    return max(alike, key=lambda device: device.comb)


def _share(count: int, available: int) -> float:
    return count / available if available else float("inf") if count else 0.0
