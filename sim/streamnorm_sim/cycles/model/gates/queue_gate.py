"""A gate: an output queue and its sink, beat by beat."""

from __future__ import annotations

from dataclasses import dataclass

from ..timing import NEVER
from ..turn import Sink
from .gate import Coming

__all__ = ["QueueGate", "QueueTiming"]


@dataclass(frozen=True)
class QueueTiming:
    """As the same names of :class:`~streamnorm_sim.cycles.model.timing.Timing`."""

    output_depth: int
    issue_to_pop: int
    pop_to_output: int
    pop_to_issue: int


class QueueGate:
    """An output queue: a beat is issued when there is a place for it.

    Parameters
    ----------
    timing : QueueTiming
    sink : Sink
    pops, outputs : the latest ``output_depth`` beats' leaving the queue's memory, the latest ``pop_to_output`` output
        beats' acceptance; absent: there were none
    """

    is_queue = True

    def __init__(
        self, timing: QueueTiming, sink: Sink, pops: list[int] | None = None, outputs: list[int] | None = None
    ) -> None:
        self._timing, self._sink = timing, sink
        self._before = [NEVER] * timing.output_depth if pops is None else pops
        self._outputs_before = [NEVER] * timing.pop_to_output if outputs is None else outputs
        self.pops, self.outputs = list(self._before), list(self._outputs_before)
        self._number = 0

    def begun(self, coming: Coming) -> QueueGate:
        return QueueGate(self._timing, self._sink, self._before, self._outputs_before)

    def earliest(self) -> int:
        return self.pops[self._number] + self._timing.pop_to_issue

    def issued(self, cycle: int, swallowed: int) -> None:
        timing, outputs = self._timing, self.outputs
        # An entry leaves the memory once it is there, and the beats ahead of it leave one register free behind it.
        there = cycle + timing.issue_to_pop
        self.pops.append(max(there, outputs[self._number]))
        outputs.append(self._sink.following(max(there + timing.pop_to_output, outputs[-1] + 1)))
        self._number += 1

    def after(self, beats: int, came: int) -> QueueGate:
        timing = self._timing
        pops = self.pops[beats : beats + timing.output_depth]
        return QueueGate(timing, self._sink, pops, self.outputs[beats : beats + timing.pop_to_output])
