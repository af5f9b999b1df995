"""The hardware of each algorithm: what stands between a row's moments and its results, a file for each."""

from collections.abc import Callable
from typing import Any, NamedTuple

from streamnorm.spec.config import NormConfig
from streamnorm.units.apply import Apply
from streamnorm.units.statistic import Statistic

from .i_bert import IBertApply, IBertStatistic
from .i_vit import IVitApply, IVitStatistic
from .int8_search import SearchApply, SearchStatistic
from .q_layernorm_dyadic import DyadicApply

__all__ = ["PARTS", "Parts", "parts_of"]


class Parts(NamedTuple):
    """Classes with the parameters, inputs and attributes of `Statistic` and of `Apply`."""

    statistic: Any
    apply: Callable[..., Any]


PARTS: dict[str, Parts] = {
    "streamnorm": Parts(Statistic, Apply),
    "i-bert": Parts(IBertStatistic, IBertApply),
    "i-vit": Parts(IVitStatistic, IVitApply),
    "q-layernorm-dyadic": Parts(Statistic, DyadicApply),
    "int8-search": Parts(SearchStatistic, SearchApply),
}
"""The parts of each of :data:`~streamnorm.spec.algorithms.ALGORITHMS`."""


def parts_of(config: NormConfig) -> Parts:
    """The parts of a configuration's algorithm."""
    return PARTS[config.algorithm]
