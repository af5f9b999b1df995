"""Lanes that requantize this project's normalized value by a dyadic number."""

from typing import ClassVar

from streamnorm.logic.pipeline import Pipeline
from streamnorm.spec.config import NormConfig
from streamnorm.units.apply import Apply
from streamnorm.units.dyadic_steps import DyadicSteps
from streamnorm.units.lane_steps import LaneSteps

__all__ = ["DyadicApply"]


class DyadicApply(Apply):
    """Normalizes each lane of a beat by its row's statistic, then requantizes it; a beat a cycle.

    As :class:`Apply` up to z; gamma is a multiplier and a shift then, and beta an integer beside z.
    """

    about: ClassVar[str] = "each lane: times scale, less centre, plus bias, times m / 2^e, round, saturate"

    def _ending(self, p: Pipeline, config: NormConfig, steps: LaneSteps) -> DyadicSteps:
        return DyadicSteps(p, config)
