"""I-ViT's statistic and lanes."""

from __future__ import annotations

from typing import ClassVar

from amaranth.hdl import unsigned

from streamnorm.logic.pipeline import Pipeline, Timed

from .integer_layernorm import IntegerStatistic
from .newton import NewtonApply, NewtonStatistic

__all__ = ["IVitApply", "IVitStatistic"]


class IVitStatistic(NewtonStatistic):
    """Mean and factor of a row; the root begins at the same number for every row, and each iteration counts."""

    def _start(self, variance: Timed) -> Timed:
        start = self._algorithm.deviation_start
        assert start is not None
        return self._p.constant(start, unsigned(self._precision.bits_of("k")))

    def _taken(self, q: Pipeline, after: Timed, before: Timed) -> Timed:
        return q.reshape(after, unsigned(before.width))


class IVitApply(NewtonApply):
    """Each lane: less the mean, times the factor, its lowest bit dropped; then requantization."""

    statistic: ClassVar[type[IntegerStatistic]] = IVitStatistic
