"""What an architecture's unit takes: cycles, multipliers, block RAMs; read off the very blocks that become hardware."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from streamnorm.architectures.one_pass import NormUnit
from streamnorm.architectures.registry import architecture_unit
from streamnorm.architectures.timing import Timing
from streamnorm.spec.architectures import ONE_PASS, Architecture
from streamnorm.spec.config import NormConfig

from .plan import Latency, Plan

__all__ = ["ArchitecturePlan"]


@dataclass(frozen=True, eq=False)
class ArchitecturePlan:
    """Figures of a configuration in an architecture.

    Attributes
    ----------
    config, architecture : what was asked
    timing : of rows of any length
    multipliers : multiplier tiles of statistic and apply (0 where the target builds them from logic)
    block_rams : block RAMs of each memory
    """

    config: NormConfig
    architecture: Architecture
    timing: Timing
    multipliers: dict[str, int]
    block_rams: dict[str, int]

    @staticmethod
    def of(config: NormConfig, architecture: Architecture | str = ONE_PASS) -> ArchitecturePlan:
        """The plan of a configuration in an architecture (cached).

        Raises
        ------
        ConfigError
            If there is no such architecture, or no datapath reaches the accuracy asked for.
        """
        return _plan(config, Architecture.of(architecture))

    def latency(self, n: int) -> Latency:
        """Cycles of rows of ``n`` elements, 1 … max_length; equal to what simulation measures.

        Raises
        ------
        ValueError
            If ``n`` is out of range.
        """
        if not 1 <= n <= self.config.max_length:
            raise ValueError(f"n = {n}: must be 1 … {self.config.max_length}")
        more = -(-n // self.config.lanes) - 1
        timing = self.timing
        first_out = timing.latency + timing.beats_before_output * more
        return Latency(
            L1=more + first_out,
            L2=first_out,
            L3=2 * more + first_out,
            SS=max(timing.interval + timing.interval_beats * more, timing.interval_min),
        )

    def latency_formulas(self) -> dict[str, str]:
        """The same as formulas of ``n``; ``ceil`` rounds up."""
        timing, beats = self.timing, f"ceil(n / {self.config.lanes})"
        passes = timing.beats_before_output
        steady = _formula(timing.interval_beats, beats, timing.interval)
        if timing.interval_min > timing.interval:
            steady = f"max({steady}, {timing.interval_min})"
        return {
            "L1": _formula(passes + 1, beats, timing.latency),
            "L2": _formula(passes, beats, timing.latency),
            "L3": _formula(passes + 2, beats, timing.latency),
            "SS": steady,
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything above as plain numbers, for JSON."""
        return {
            "name": self.config.name,
            "architecture": str(self.architecture),
            "latency_formulas": self.latency_formulas(),
            "latency_at_max_length": vars(self.latency(self.config.max_length)),
            "stages": self.timing.stages,
            "multipliers": self.multipliers,
            "block_rams": self.block_rams,
        }


def _formula(factor: int, beats: str, at_one_beat: int) -> str:
    """``at_one_beat + factor * (beats - 1)``."""
    constant = at_one_beat - factor
    if factor == 0:
        return f"{constant}"
    term = beats if factor == 1 else f"{factor} * {beats}"
    return f"{term} {'-' if constant < 0 else '+'} {abs(constant)}" if constant else term


@lru_cache(maxsize=128)
def _plan(config: NormConfig, architecture: Architecture) -> ArchitecturePlan:
    unit = architecture_unit(config, architecture)
    if not isinstance(unit, NormUnit):
        return ArchitecturePlan(config, architecture, unit.timing, unit.multipliers, unit.block_rams)
    plan = Plan.of(config)
    timing = Timing(
        stages=plan.stages,
        beats_before_output=0,
        interval=1,
        interval_beats=1,
        interval_min=plan.interval,
    )
    multipliers = {
        "statistic": plan.multipliers["moments"] + plan.multipliers["statistic"],
        "apply": plan.multipliers["apply"],
    }
    return ArchitecturePlan(config, architecture, timing, multipliers, plan.block_rams)
