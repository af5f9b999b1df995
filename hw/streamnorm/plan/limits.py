"""What a part has too little of for a unit, and the clock it does not bear: known before anything is synthesized."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor
from typing import Any

from streamnorm.precision.deferred import DeferredPrecision
from streamnorm.precision.floating import FloatPrecision
from streamnorm.precision.precision import Precision
from streamnorm.spec.targets import CAPACITIES, TARGETS, Capacity, Family
from streamnorm.spec.targets.family import FAST

from .luts import LUT_ERROR, estimated_luts
from .plan import Plan

__all__ = ["Limits"]

_MULTIPLIERS, _BLOCK_RAMS = "multipliers", "block RAMs"
_FEWER = {_BLOCK_RAMS: ("fewer lanes", "a smaller max_length", "fewer banks")}
_MANY_ROWS = 64
"""Rows on their way from which on the memories of the queues lie far apart for a fast clock: with 64, units planned for
200 MHz were placed at 190 to 201, with 96 at 174 and 177."""

_WITH_ROOT = Precision | FloatPrecision | DeferredPrecision

_LESS_LOGIC = ("fewer lanes", "a larger min_length")
"""What makes a unit take less: of block RAMs, and of everything else."""


@dataclass(frozen=True)
class Limits:
    """How much of its target a unit takes.

    Multipliers and block RAMs are exact. LUTs (iCE40: logic cells) are estimated, see :mod:`.luts`, and count as too
    many only if they are even if the estimate is too high by `LUT_ERROR`.
    """

    plan: Plan

    @property
    def capacity(self) -> Capacity | None:
        """What the target has; None where it is no part."""
        return CAPACITIES.get(self.plan.config.target)

    @cached_property
    def luts(self) -> int | None:
        """Estimated; None where no such unit was measured."""
        return estimated_luts(self.plan)

    @cached_property
    def least(self) -> Capacity:
        """What the unit surely takes."""
        return Capacity(
            luts=0 if self.luts is None else floor(self.luts / (1 + LUT_ERROR)),
            multipliers=sum(self.plan.multipliers.values()),
            block_rams=sum(self.plan.block_rams.values()),
        )

    @cached_property
    def _short(self) -> dict[str, str]:
        """What the target has too little of, by what it is called, such as "198 of 156 multipliers"."""
        has, least = self.capacity, self.least
        if has is None:
            return {}
        counts = {
            _MULTIPLIERS: ("", least.multipliers, has.multipliers),
            _BLOCK_RAMS: ("", least.block_rams, has.block_rams),
            has.logic: ("at least ", least.luts, has.luts),
        }
        return {
            name: f"{surely}{count} of {available} {name}"
            for name, (surely, count, available) in counts.items()
            if count > available
        }

    def why_not(self, clock_mhz: float | None = None) -> str:
        """Say why the unit cannot exist, at its own clock or at another one; empty if nothing is known against it."""
        return "; ".join([*self._short.values(), *self._too_fast(self._asked(clock_mhz))])

    def refusal(self, clock_mhz: float | None = None) -> str:
        """Return the same with what to change."""
        why = self.why_not(clock_mhz)
        return f"{why}; {self._remedy(self._asked(clock_mhz))}" if why else ""

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know, a sentence each."""
        config, result = self.plan.config, []
        if self.why_not():
            result.append(f"{config.name} cannot exist on {config.target}: {self.refusal()}")
        most = None if self.luts is None else ceil(self.luts * (1 + LUT_ERROR))
        if self.capacity is not None and most is not None and not self._short and most > self.capacity.luts:
            result.append(
                f"{config.name} may not fit {config.target}: about {self.luts} of {self.capacity.luts} "
                f"{self.capacity.logic} (estimated, ± {LUT_ERROR:.0%}); {' or '.join(_LESS_LOGIC)} helps"
            )
        family = config.device.family
        if not self._too_fast(config.clock_mhz) and family.may_miss(
            config.lanes, config.input.bits, config.output.bits, config.clock_mhz
        ):
            result.append(
                f"{config.name} may miss {config.clock_mhz:g} MHz where it is placed: {config.lanes} lanes are many "
                f"for more than {FAST:.0%} of the {family.block_ram_limit_mhz:g} MHz that block RAM allows; fewer "
                "lanes, a lower clock, or fit --close helps"
            )
        if self._is_deep:
            result.append(
                f"{config.name} may miss {config.clock_mhz:g} MHz where it is placed: {self.plan.row_slots} rows may "
                f"be on their way while the steps of its root ({self._root}) stand one behind the other; a larger "
                "min_length shares them, and a lower clock or fit --close helps, too"
            )
        return tuple(result)

    @property
    def _root(self) -> str:
        precision = self.plan.precision
        return precision.root.title if isinstance(precision, _WITH_ROOT) else "none"

    @property
    def _is_deep(self) -> bool:
        """Whether so many rows wait for a root of many steps that their queues may be slower than the clock."""
        precision, limit = self.plan.precision, self.plan.config.device.family.block_ram_limit_mhz
        if not isinstance(precision, _WITH_ROOT) or precision.root.turns == 1 or limit is None:
            return False
        return self.plan.row_slots >= _MANY_ROWS and FAST * limit < self.plan.config.clock_mhz <= limit

    def to_dict(self) -> dict[str, Any]:
        """How much of what the target has is taken, as JSON values; None where that is not known."""
        has = self.capacity
        return {
            "multipliers": {"taken": self.least.multipliers, "available": has and has.multipliers},
            "block_rams": {"taken": self.least.block_rams, "available": has and has.block_rams},
            "luts": {"taken": self.luts, "available": has and has.luts, "relative_error": LUT_ERROR},
            "block_ram_limit_mhz": self.plan.config.device.family.block_ram_limit_mhz,
            "why_not": self.why_not() or None,
        }

    def _asked(self, clock_mhz: float | None) -> float:
        return self.plan.config.clock_mhz if clock_mhz is None else clock_mhz

    def _too_fast(self, clock_mhz: float) -> list[str]:
        limit = self.plan.config.device.family.block_ram_limit_mhz
        if limit is None or clock_mhz <= limit or not self.least.block_rams:
            return []
        return [f"{clock_mhz:g} MHz: block RAM allows {limit:g}"]

    def _remedy(self, clock_mhz: float) -> str:
        family = self.plan.config.device.family
        ways = [way for name in self._short for way in _FEWER.get(name, _LESS_LOGIC)]
        if self._too_fast(clock_mhz):
            ways.append("a lower clock")
        others = [
            name
            for name, other in CAPACITIES.items()
            if _alike(TARGETS[name], family)
            and self.least.luts <= other.luts
            and self.least.multipliers <= other.multipliers
            and self.least.block_rams <= other.block_rams
            and clock_mhz <= (TARGETS[name].block_ram_limit_mhz or clock_mhz)
        ]
        if others:
            ways.append(min(others, key=lambda name: (CAPACITIES[name] != self.capacity, CAPACITIES[name].luts)))
        else:
            ways.append("another family, for no part of this one will do")
        *first, last = dict.fromkeys(ways)
        return f"try {', '.join(first)} or {last}"


def _alike(one: Family, other: Family) -> bool:
    """Whether the same primitives make the unit: then it takes as much of both."""
    return one.primitives == other.primitives
