"""Units whose rows leave less their mean, and their scales beside them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from streamnorm.architectures.deferred_output import DeferredOutput
from streamnorm.fusions import core_unit
from streamnorm.spec.config import NormConfig

from ..chains import chained
from ..open_cycles import ALWAYS, OpenCycles
from ..timing import NEVER, Timing
from .one_pass import OnePass
from .state import State

__all__ = ["Centred", "CentredTiming"]

Cycles = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class CentredTiming(Timing):
    """What the cycle of every handshake of such a unit follows from.

    Attributes
    ----------
    end_to_scale : cycles from the acceptance of a row's last beat to its scale's leaving the memory of an empty queue
    issue_to_freed : cycles from the issue of a row's first beat to where its place would be free, were it for that
        alone, as it is where its scale leaves that memory
    """

    end_to_scale: int
    issue_to_freed: int

    @classmethod
    def of(cls, config: NormConfig) -> CentredTiming:
        return _timing(config)


@lru_cache(maxsize=128)
def _timing(config: NormConfig) -> CentredTiming:
    unit, timing = core_unit(config), Timing.of(config)
    return CentredTiming(
        **{**vars(timing), "release_to_ready": timing.release_to_ready + DeferredOutput.LATER},
        end_to_scale=unit.scales.end_to_pop,
        issue_to_freed=unit.release_delay,
    )


@dataclass(frozen=True)
class Centred(OnePass):
    """A row keeps its place until its first beat is issued and its scale has left the memory of its queue.

    Attributes
    ----------
    scales : ``m_axis_scale_tready``
    """

    timing: CentredTiming
    scales: OpenCycles = ALWAYS

    @property
    def by_row(self) -> bool:
        return False

    def freed(self, state: State, complete: Cycles, first: Cycles) -> tuple[Cycles, Cycles]:
        pops, scales = complete + self.timing.end_to_scale, self.scales
        ranks = scales.rank(pops + 1)
        if state.beside != NEVER:
            ranks[0] = max(ranks[0], scales.rank(np.array([state.beside + 1]))[0])
        taken = scales.select(chained(ranks, np.arange(len(ranks), dtype=np.int64)))
        np.maximum(pops, np.concatenate([[state.beside], taken[:-1]]), out=pops)
        return np.maximum(first, pops - self.timing.issue_to_freed), taken
