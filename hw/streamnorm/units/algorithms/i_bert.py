"""I-BERT's statistic and lanes."""

from __future__ import annotations

from typing import ClassVar

from amaranth.hdl import Const, Mux, Value, unsigned

from streamnorm.logic.leading_one import leading_one
from streamnorm.logic.pipeline import Pipeline, Timed

from .integer_layernorm import IntegerStatistic
from .newton import NewtonApply, NewtonStatistic

__all__ = ["IBertApply", "IBertStatistic"]


class IBertStatistic(NewtonStatistic):
    """Mean and factor of a row; the root begins at a power of two and stays once it would not fall.

    It begins at ``2**(p // 2 + 1)``, p the position of V's leading one; of V = 0, which then has the root 0, as well.
    """

    def _start(self, variance: Timed) -> Timed:
        p, target, width = self._p, self._target, self._precision.bits_of("k")
        position = p.registered(leading_one(p, target, variance))

        def power(x: Value) -> Value:
            return Const(2, 2) << x[1:] if len(x) > 1 else Const(2, 2)

        return p.operate("first", target.logic(position.width), [position], unsigned(width), power)

    def _taken(self, q: Pipeline, after: Timed, before: Timed) -> Timed:
        width = before.width
        less = q.add(after, before, unsigned(width + 1), subtract=True, name="falls")
        falls = less.bits(width, width + 1)
        return q.operate("root", q.target.family.mux, [falls, after, before], unsigned(width), Mux)


class IBertApply(NewtonApply):
    """Each lane: less the mean, times the factor, its lowest bit dropped; then requantization."""

    statistic: ClassVar[type[IntegerStatistic]] = IBertStatistic
