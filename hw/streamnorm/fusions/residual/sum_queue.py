"""Sums that leave as they are normalized."""

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.config import NormConfig

from .sum_output import SumOutput

__all__ = ["SumQueue"]


class SumQueue(SumOutput):
    """Queues the sums as they are; a beat a cycle.

    Everything else is as of :class:`.SumOutput`.
    """

    def _results(self, p: Pipeline, config: NormConfig, sums: list[Timed]) -> list[Timed]:
        return sums
