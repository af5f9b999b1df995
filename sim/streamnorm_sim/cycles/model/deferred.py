"""Units whose rows go through, and whose scales leave beside them: beats wait for a place as in units without a
statistic, rows for one of their scales, too."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache

from streamnorm.architectures.one_pass import SLOT_RETURN
from streamnorm.fusions import core_unit
from streamnorm.spec.config import NormConfig
from streamnorm.units import ingest

from .ends import Ends
from .open_cycles import ALWAYS, OpenCycles
from .static import Static, StaticTiming
from .timing import NEVER, ROW_DELAY

__all__ = ["DeferredTiming", "RowSlots", "deferred"]


@dataclass(frozen=True)
class DeferredTiming(StaticTiming):
    """What the cycle of every handshake of such a unit follows from.

    Attributes
    ----------
    row_slots : rows for whose scales there is a place; ready falls when one is left
    end_to_scale : cycles from the acceptance of a row's last beat to its scale's leaving the memory of an empty queue
    """

    row_slots: int
    end_to_scale: int

    @staticmethod
    def of(config: NormConfig) -> DeferredTiming:
        return _timing(config)


@lru_cache(maxsize=128)
def _timing(config: NormConfig) -> DeferredTiming:
    unit = core_unit(config)
    return DeferredTiming(
        accepted_to_pop=ingest.LATENCY + unit.output_queue.latency - 1,
        pop_to_output=1,
        limit=unit.output_depth - ingest.READY_LAG,
        row_slots=unit.row_slots,
        end_to_scale=ingest.LATENCY + unit.statistic.scale_cycle + unit.scale_queue.latency - 1,
    )


class RowSlots:
    """The places of the rows' scales, and their receiver."""

    def __init__(self, timing: DeferredTiming, sink: OpenCycles) -> None:
        self._timing, self._sink = timing, sink
        # From which cycle on ready knows of the places that rows to come take, that of the latest row ahead of them.
        self._known = deque([NEVER] * timing.row_slots, maxlen=timing.row_slots)
        self._ended = self._taken = NEVER

    def waits(self, cycle: int) -> int:
        """Return for how many cycles from this one on ready is 0 at least."""
        seen = self._ended <= cycle - ROW_DELAY
        known = self._known[seen]
        if known <= cycle:
            return 0
        return known - cycle if seen else 1

    def row_ends(self, cycle: int) -> None:
        """The last beat of a row that is not swallowed is accepted."""
        pop = max(cycle + self._timing.end_to_scale, self._taken)
        self._ended, self._taken = cycle, self._sink.following(pop + 1)
        self._known.append(pop + SLOT_RETURN)


def deferred(config: NormConfig, timing: DeferredTiming, ends: Ends) -> Static:
    """Return the solver of such a unit."""
    sink = ends.of("scale")
    # A receiver that takes every scale never stops the rows.
    return Static(timing, ends.source, ends.sink, None if sink is ALWAYS else RowSlots(timing, sink))
