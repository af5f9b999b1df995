"""Units whose rows go through, and whose scales leave beside them: beats wait for a place as in units without a
statistic, rows for one of their scales, too."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from streamnorm.architectures.one_pass import SLOT_RETURN
from streamnorm.fusions import core_unit
from streamnorm.spec.config import NormConfig
from streamnorm.units import ingest

from .buffered.centred import Centred, CentredTiming
from .buffered.unit import Buffered
from .ends import Ends
from .gates.row_slots import RowSlots, ScaleTiming
from .open_cycles import ALWAYS
from .solver import Unit
from .static import Static, StaticTiming

__all__ = ["DeferredTiming", "deferred", "deferred_timing"]


@dataclass(frozen=True)
class DeferredTiming(StaticTiming):
    """What the cycle of every handshake of such a unit follows from.

    Attributes
    ----------
    scales : ScaleTiming, from the acceptance of a row's last beat
    """

    scales: ScaleTiming

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
        scales=ScaleTiming(
            slots=unit.row_slots,
            end_to_pop=ingest.LATENCY + unit.statistic.scale_cycle + unit.scale_queue.latency - 1,
            pop_to_ready=SLOT_RETURN,
        ),
    )


def deferred_timing(config: NormConfig) -> DeferredTiming | CentredTiming:
    """Return the timing of a unit with ``defer``, whether its rows are centred or not."""
    return DeferredTiming.of(config) if config.centred_rows is None else CentredTiming.of(config)


def deferred(config: NormConfig, timing: DeferredTiming | CentredTiming, ends: Ends) -> Unit:
    """Return such a unit."""
    sink = ends.of("scale")
    if isinstance(timing, CentredTiming):
        return Buffered(Centred(timing, ends.source, ends.sink, sink))
    # A receiver that takes every scale never stops the rows.
    return Static(timing, ends.source, ends.sink, None if sink is ALWAYS else RowSlots(timing.scales, sink))
