"""The two-pass unit: a row's beats leave the buffer for a second one, where they wait for the statistic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from streamnorm.fusions import core_unit
from streamnorm.spec.config import NormConfig
from streamnorm.units import dispatch

from ..chains import chain, chained, exclusive_sum
from ..timing import Timing, ends_of
from .context import Context
from .state import State

__all__ = ["TwoPass", "TwoPassTiming"]

Cycles = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class TwoPassTiming(Timing):
    """What the cycle of every handshake of a two-pass unit follows from.

    Attributes
    ----------
    end_to_second : cycles from the acceptance of a row's last beat to its first one's being read for the second pass
    second_limit : beats that have a place in the second buffer
    issue_to_second : cycles from the issue of a beat to the second pass of the one that takes its place
    """

    end_to_second: int
    second_limit: int
    issue_to_second: int

    def __post_init__(self) -> None:
        super().__post_init__()
        # A row is issued from its last beat's second pass on. With so many places, the second buffer never holds back a
        # row that could be issued: not one whose second pass waited for a place is issued the later for it.
        assert self.second_limit >= self.max_beats - 1 + self.end_to_issue + self.issue_to_second
        assert not self.early
        assert self.interval == 1

    @classmethod
    def of(cls, config: NormConfig) -> TwoPassTiming:
        return _timing(config)


@lru_cache(maxsize=128)
def _timing(config: NormConfig) -> TwoPassTiming:
    unit = core_unit(config)
    return TwoPassTiming(
        **ends_of(unit, first=unit.first_buffer, last=unit.second_buffer),
        statistic_beats=config.max_beats,
        end_to_issue=unit.second_to_issue,
        end_to_second=unit.end_to_second,
        second_limit=unit.second_buffer.depth,
        issue_to_second=dispatch.CREDIT_RETURN,
    )


@dataclass(frozen=True)
class TwoPass(Context):
    """The statistic starts with the last beat's second pass, which waits for the row's end and for the rows ahead."""

    timing: TwoPassTiming

    @property
    def in_turn(self) -> bool:
        return False

    @property
    def issues_kept(self) -> int:
        return self.timing.second_limit

    def started(self, state: State, complete: Cycles, taken: Cycles) -> Cycles:
        first = complete + self.timing.end_to_second
        first[0] = max(first[0], state.left[-1] + 1)
        return chain(first, taken) + (taken - 1)

    def first_left(self, started: Cycles, first: Cycles, taken: Cycles) -> Cycles:
        return started - (taken - 1)

    def left(self, state: State, started: Cycles, issues: Cycles, taken: Cycles) -> Cycles:
        room = np.concatenate([state.issues, issues])[: len(issues)] + self.timing.issue_to_second
        rows = exclusive_sum(taken)
        room[rows] = np.maximum(room[rows], started - (taken - 1))
        room[0] = max(room[0], state.left[-1] + 1)
        return chained(room, np.arange(len(room), dtype=np.int64))
