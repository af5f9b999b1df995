"""The numbers that decide in which cycle a beat moves, read off the blocks that become hardware."""

from dataclasses import dataclass
from functools import lru_cache

from streamnorm.architectures.one_pass import SLOT_RETURN, NormUnit
from streamnorm.architectures.two_pass import TwoPassUnit
from streamnorm.fusions import core_unit
from streamnorm.spec.config import NormConfig
from streamnorm.units import dispatch, early_dispatch, ingest
from streamnorm.units.row_buffer import RowBuffer

__all__ = ["FIRST_CYCLE", "NEVER", "ROW_DELAY", "SPACE_DELAY", "Timing", "ends_of"]

FIRST_CYCLE = 2
"""First cycle in which ``s_axis_tready`` can be 1, counted from the first one with ``aresetn`` at 1: the reset is
behind a register, and ready is one."""

SPACE_DELAY = 4
"""Cycles from a beat's acceptance, or its issue, to the ready that knows of it: the event, the count, its comparison
and ready are registers."""

ROW_DELAY = 2
"""Cycles from the acceptance of the beat that completes a row's statistic to the ready that knows of the row: the event
and ready are registers."""

NEVER = -(1 << 40)
"""A cycle before all others: of a beat that there has not been."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What the cycle of every handshake follows from; a row is named by its number, a beat by its own.

    Attributes
    ----------
    lanes, max_beats : elements of a beat; beats of the longest row
    statistic_beats : beats of a row after which its statistic is complete, and it takes a slot, if it has as many;
        where these are fewer than max_beats, the row leaves before its last beat is in
    interval : cycles from row to row in the statistic
    row_slots : rows for which there is a place; ready falls when one is left
    buffer_limit : beats in the row buffer from which ready is 0
    output_depth : entries of the output queue
    end_to_issue : cycles from the beat that completes a row's statistic to the issue of its first, if nothing is in its
        way; from that beat's acceptance, or, in a unit with a second pass, from its being read for that
    beat_to_issue : where a row leaves before its last beat is in, cycles from a beat in to the issue of the beat ahead
        of it in its row; a last beat is issued one cycle later after it has come in; 0: no row does
    release_to_ready : cycles from the issue of a row's first beat to the ready that knows its slot is free
    issue_to_pop : cycles from a beat's issue to its leaving the memory of an empty output queue
    pop_to_output : cycles from there to ``m_axis_tvalid``; as many beats wait in registers behind the memory
    pop_to_issue : cycles from there to the issue of the beat that takes its entry
    """

    lanes: int
    max_beats: int
    statistic_beats: int
    interval: int = 1
    row_slots: int
    buffer_limit: int
    output_depth: int
    end_to_issue: int
    beat_to_issue: int = 0
    release_to_ready: int
    issue_to_pop: int
    pop_to_output: int
    pop_to_issue: int

    def __post_init__(self) -> None:
        # The two facts that the model's order of work rests on: a whole row fits, so that what it waits for is known
        # before it; and the output queue never slows down a receiver that takes a beat in every cycle.
        assert self.buffer_limit > self.max_beats
        assert self.row_slots >= 4
        assert self.output_depth >= self.issue_to_pop + self.pop_to_issue
        # A row whose beats come one after the other also leaves so.
        assert not self.early or self.end_to_issue > self.beat_to_issue

    @property
    def early(self) -> bool:
        """Whether there are rows that leave before their last beat is in."""
        return self.statistic_beats < self.max_beats

    @property
    def issue_to_output(self) -> int:
        """Cycles from a beat's issue to ``m_axis_tvalid``, if no beat is ahead of it."""
        return self.issue_to_pop + self.pop_to_output

    @classmethod
    def of(cls, config: NormConfig) -> "Timing":
        """Return the timing of a configuration's unit (cached).

        Raises
        ------
        ConfigError
            If no datapath reaches the accuracy asked for.
        """
        return _timing(config)


@lru_cache(maxsize=128)
def _timing(config: NormConfig) -> Timing:
    unit = core_unit(config)
    to_write = unit.row_buffer.latency + unit.apply.latency
    return Timing(
        **ends_of(unit, first=unit.row_buffer, last=unit.row_buffer),
        statistic_beats=config.statistic_beats,
        interval=unit.interval,
        end_to_issue=unit.latency - to_write - unit.output_queue.latency,
        beat_to_issue=ingest.LATENCY + early_dispatch.BEAT_TO_ISSUE,
    )


def ends_of(unit: NormUnit | TwoPassUnit, *, first: RowBuffer, last: RowBuffer) -> dict[str, int]:
    """Return what units with a statistic have in common at both ends; ``first`` and ``last`` of their row buffers."""
    return {
        "lanes": unit.config.lanes,
        "max_beats": unit.config.max_beats,
        "row_slots": unit.row_slots,
        "buffer_limit": first.depth - ingest.READY_LAG,
        "output_depth": unit.output_depth,
        "release_to_ready": unit.release_delay + SLOT_RETURN,
        # The first of the queue's cycles is its memory, the others are registers.
        "issue_to_pop": last.latency + unit.apply.latency + 1,
        "pop_to_output": unit.output_queue.latency - 1,
        "pop_to_issue": dispatch.CREDIT_RETURN,
    }
