"""Units without a statistic: a beat waits for a place in the output queue and for what comes with it, then for the
sink."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from streamnorm.fusions import core_unit
from streamnorm.spec.config import NormConfig
from streamnorm.units import ingest

from .buffered.state import newest
from .chains import chained, contiguous, exclusive_sum
from .gates.parameter_gate import ParameterGate
from .gates.row_slots import RowSlots
from .offers import accepted_at_once, solve_turn
from .open_cycles import ALWAYS, OpenCycles
from .rows import Rows
from .solver import FEW, MANY
from .timing import FIRST_CYCLE, NEVER, SPACE_DELAY
from .trace import CycleTrace, Losses, Runs
from .turn import Sink, Waits

__all__ = ["Static", "StaticTiming"]

Cycles = NDArray[np.int64]

_UNSEEN = SPACE_DELAY - 1
"""Beats, one a cycle, that ready does not know of yet."""


@dataclass(frozen=True)
class StaticTiming:
    """What the cycle of every handshake of a static unit follows from.

    Attributes
    ----------
    accepted_to_pop : cycles from a beat's acceptance to its passing by or leaving the memory of an empty output queue
    pop_to_output : cycles from there to ``m_axis_tvalid``
    limit : beats on their way, in the output queue included, from which ready is 0
    """

    accepted_to_pop: int
    pop_to_output: int
    limit: int

    def __post_init__(self) -> None:
        # A sink that takes a beat in every cycle never makes ready fall: what is on its way then is not that much, even
        # if every beat accepted so far were counted, and the latest pops were not.
        assert self.limit >= self.accepted_to_pop + SPACE_DELAY

    @staticmethod
    def of(config: NormConfig) -> StaticTiming:
        """Return the timing of a configuration's unit (cached).

        Raises
        ------
        ConfigError
            If no table reaches the accuracy asked for.
        """
        return _timing(config)


@lru_cache(maxsize=128)
def _timing(config: NormConfig) -> StaticTiming:
    unit = core_unit(config)
    return StaticTiming(
        accepted_to_pop=unit.lanes.latency + unit.output_queue.latency - 1,
        pop_to_output=1,
        limit=unit.output_depth - ingest.READY_LAG,
    )


@dataclass
class _State:
    """Cycles of the latest events, the newest last; :data:`NEVER` in place of those that have not been.

    Attributes
    ----------
    accepted : acceptance of an input beat, also one that was swallowed
    takes : acceptance of the latest beats that were not swallowed and that ready may not know of yet
    pops : the latest beats' leaving or passing by the memory of the output queue; from element _UNSEEN on, what the
        beats to come have to wait for, one after the other
    output : acceptance of an output beat
    fresh : nothing has come in since the reset
    """

    accepted: int
    takes: Cycles
    pops: Cycles
    output: int
    fresh: bool = True

    @property
    def begin(self) -> int:
        """The last cycle that is not counted as lost at the output."""
        return FIRST_CYCLE - 1 if self.output == NEVER else self.output


class Static:
    """Works with arrays over rows while source and sink have no patterns and a row's beats are offered one after the
    other, with arrays over beats elsewhere, and beat by beat where ready falls, or may fall for want of ``slots`` or of
    what comes with a beat. A :class:`~.solver.Unit`.

    Parameters
    ----------
    timing : StaticTiming
    source, sink : OpenCycles
    slots : of scales that leave beside the rows, if these may stop the rows
    parameters : gamma and beta that come with the rows, if they may come late
    first : first cycle in which a beat may be taken
    """

    def __init__(
        self,
        timing: StaticTiming,
        source: OpenCycles,
        sink: OpenCycles,
        slots: RowSlots | None = None,
        parameters: ParameterGate | None = None,
        first: int = FIRST_CYCLE,
    ) -> None:
        self._timing, self._source, self._sink = timing, source, sink
        self._slots, self._parameters, self._first = slots, parameters, first
        never = np.full(timing.limit + _UNSEEN, NEVER, np.int64)
        self._state = _State(accepted=FIRST_CYCLE - 1, takes=never[:_UNSEEN], pops=never, output=NEVER)

    @property
    def by_row(self) -> bool:
        return self._source is ALWAYS and self._sink is ALWAYS and self._slots is None and self._parameters is None

    @property
    def accepted(self) -> int:
        return self._state.accepted

    @property
    def _unhindered(self) -> bool:
        """Whether the next rows wait for nothing but places."""
        begun = self._first == FIRST_CYCLE or not self._state.fresh
        return self._slots is None and self._parameters is None and begun

    def forked(self) -> Self:
        assert self._slots is None
        unit = copy(self)
        unit._state = copy(self._state)
        return unit

    def turn(self, rows: Rows, sink: Sink | None = None) -> _Turn:
        return _Turn(self, rows, self._sink if sink is None else sink)

    def solve(self, rows: Rows) -> list[CycleTrace]:
        parts: list[CycleTrace] = []
        start, few, many = 0, FEW, MANY
        while start < len(rows):
            if self.by_row and self._unhindered and not rows.by_beat:
                return [*parts, self._rows_at_once(rows.part(start, len(rows)))]
            part = self._beats_at_once(rows.part(start, rows.end_of(start, many)))
            if part is not None:
                few, many = FEW, min(2 * many, MANY)
            else:
                # Ready may fall: more and more beats the slow way while it still does after these.
                part = self.solve_in_turn(rows.part(start, rows.end_of(start, few)), self._sink)
                few, many = min(2 * few, MANY), FEW
            parts.append(part)
            start += len(part)
        return parts

    def solve_in_turn(self, rows: Rows, sink: Sink) -> CycleTrace:
        state = self._state
        return solve_turn(self._source, state.accepted, state.fresh, self.turn(rows, sink))

    def _rows_at_once(self, rows: Rows) -> CycleTrace:
        """The sink takes every beat, so ready never falls."""
        state, timing = self._state, self._timing
        offsets = exclusive_sum(rows.beats)
        first = np.full(len(rows), state.accepted + 1, np.int64)
        if rows.offered is not None:
            np.maximum(first, rows.offered, out=first)
        first = chained(first, offsets)
        first_out = first + (timing.accepted_to_pop + timing.pop_to_output)
        last_in, last_out = first + (rows.beats - 1), first_out + (rows.taken - 1)
        losses = Losses(source=int(last_in[-1]) - state.accepted - int(rows.beats.sum()))
        before = np.concatenate([[state.begin], last_out[:-1]])
        losses += self._lost_outputs(first_out, before, int(last_out[-1]), int(rows.taken.sum()))
        tail = slice(-len(state.pops), None)  # a row has at least one beat
        takes = contiguous(first[tail], rows.taken[tail])
        self._advance(int(last_in[-1]), takes, takes + timing.accepted_to_pop, int(last_out[-1]))
        return CycleTrace(
            beats_in=rows.beats,
            beats_out=rows.taken,
            first_in=first,
            last_in=last_in,
            first_out=first_out,
            last_out=last_out,
            losses=losses,
            _inputs=[Runs(first, rows.beats)],
            _outputs=[Runs(first_out, rows.taken)],
        )

    def _beats_at_once(self, rows: Rows) -> CycleTrace | None:
        """The rows up to the first for which ready may fall, as arrays; None if that is the first of them."""
        if not self._unhindered:
            return None
        state = self._state
        accepted = accepted_at_once(self._source, state.accepted, state.fresh, rows)
        before = state.accepted
        trace = self.solve_unhindered(rows, accepted, accepted)
        if trace is None:
            return None
        source = int(trace.last_in[-1]) - before - int(trace.beats_in.sum())
        return replace(trace, losses=trace.losses + Losses(source=source))

    def solve_unhindered(self, rows: Rows, accepted: Cycles, since: Cycles) -> CycleTrace | None:
        if not self._unhindered:
            return None
        state, timing, sink = self._state, self._timing, self._sink
        taken = rows.kept
        takes = accepted if taken is None else accepted[taken]
        order = np.arange(len(takes), dtype=np.int64)
        ranks = sink.rank(takes + (timing.accepted_to_pop + timing.pop_to_output))
        if state.output != NEVER:
            ranks[0] = max(ranks[0], sink.rank(np.array([state.output + 1]))[0])
        outputs = sink.select(chained(ranks, order))
        pops = takes + timing.accepted_to_pop
        np.maximum(pops, np.concatenate([[state.output], outputs[:-1]]), out=pops)
        # Not even if all takes ahead of a beat had been counted.
        room = np.concatenate([state.pops[_UNSEEN:], pops]) + SPACE_DELAY
        ahead = order if taken is None else np.cumsum(taken) - taken
        waits = room[ahead] > since
        if waits.any():
            good = int(np.searchsorted(rows.bounds, np.argmax(waits), side="right")) - 1
            if not good:
                return None
            rows = rows.part(0, good)
            count = int(rows.taken.sum())
            accepted, takes, outputs, pops = accepted[: rows.bounds[-1]], takes[:count], outputs[:count], pops[:count]
        return self._finish(rows, accepted, takes, outputs, pops)

    def _finish(self, rows: Rows, accepted: Cycles, takes: Cycles, outputs: Cycles, pops: Cycles) -> CycleTrace:
        """Make the trace of rows whose beats are all known, with the losses of the output, and advance the state."""
        state = self._state
        last_out, count = int(outputs[-1]), len(outputs)
        earliest = takes + (self._timing.accepted_to_pop + self._timing.pop_to_output)
        losses = self._lost_outputs(earliest, np.concatenate([[state.begin], outputs[:-1]]), last_out, count)
        self._advance(int(accepted[-1]), takes, pops, last_out)
        starts, take_starts = rows.bounds[:-1], exclusive_sum(rows.taken)
        return CycleTrace(
            beats_in=rows.beats,
            beats_out=rows.taken,
            first_in=accepted[starts],
            last_in=accepted[starts + rows.beats - 1],
            first_out=outputs[take_starts],
            last_out=outputs[take_starts + rows.taken - 1],
            losses=losses,
            _inputs=[Runs(accepted)],
            _outputs=[Runs(outputs)],
        )

    def _lost_outputs(self, earliest: Cycles, before: Cycles, last: int, beats: int) -> Losses:
        """What was lost at the output by ``beats`` beats, the latest taken in cycle ``last``.

        ``earliest``: the cycle from which on a beat was there to be taken, for each beat, or for the first one of each
        run of beats that are there one a cycle; ``before``: the cycle in which the beat ahead of it was taken.
        """
        state = self._state
        waits = np.maximum(earliest - 1 - before, 0)
        total = int(waits.sum())
        fill = int(waits[0]) if state.output == NEVER else 0
        return Losses(fill=fill, rows=total - fill, sink=last - state.begin - beats - total)

    def _advance(self, accepted: int, takes: Cycles, pops: Cycles, output: int) -> None:
        state = self._state
        state.accepted, state.output, state.fresh = accepted, output, False
        state.takes, state.pops = newest(state.takes, takes), newest(state.pops, pops)


class _Turn:
    """A :class:`~.turn.Turn`: ready looks at counts of beats that are a few cycles old."""

    def __init__(self, unit: Static, rows: Rows, sink: Sink) -> None:
        self._unit, self.rows, self._sink = unit, rows, sink
        self._slots, self._parameters = unit._slots, unit._parameters and unit._parameters.afresh()
        timing, state = unit._timing, unit._state
        self._to_pop, self._to_output = timing.accepted_to_pop, timing.pop_to_output
        self._pops: list[int] = state.pops.tolist()
        self._known, self._number = len(self._pops), _UNSEEN
        self._third, self._second, self._newest = state.takes.tolist()
        self._output = state.output
        self._takes: list[int] = []
        self._outputs: list[int] = []
        self._beat = 0
        # How many beats of its row follow each beat that is taken; -1: it is swallowed.
        taken = np.repeat(rows.taken, rows.beats)
        place = np.arange(rows.bounds[-1]) - np.repeat(rows.bounds[:-1], rows.beats)
        self._left: list[int] = np.maximum(taken - place - 1, -1).tolist()
        self._swallowed = iter((rows.beats - rows.taken).tolist())
        self.waits = Waits()

    def ready_from(self, cycle: int) -> int:
        pops, number, slots = self._pops, self._number, self._slots
        there = self._unit._first
        if self._parameters is not None and self._left[self._beat] >= 0:
            # A beat is taken a cycle before what goes with it could be issued.
            there = self._parameters.earliest() - 1
        while True:
            # All takes counted is the worst case: mostly it need not be looked at more closely.
            while pops[number] + SPACE_DELAY > cycle:
                seen = cycle - SPACE_DELAY
                unseen = (self._newest > seen) + (self._second > seen) + (self._third > seen)
                room = pops[number - unseen] + SPACE_DELAY
                if room <= cycle:
                    break
                waits = 1 if unseen else room - cycle
                self.waits.add(self._beat, "buffer", waits)
                cycle += waits
            if slots is not None and (waits := slots.waits(cycle)):
                self.waits.add(self._beat, "slots", waits)
            elif there > cycle:
                waits = there - cycle
                self.waits.add(self._beat, "beside", waits)
            else:
                return cycle
            cycle += waits

    def accept(self, cycle: int) -> None:
        left = self._left[self._beat]
        self._beat += 1
        if left < 0:
            return
        self._third, self._second, self._newest = self._second, self._newest, cycle
        self._number += 1
        pop = max(cycle + self._to_pop, self._output)
        self._output = self._sink.following(pop + self._to_output)
        self._takes.append(cycle)
        self._pops.append(pop)
        self._outputs.append(self._output)
        swallowed = 0 if left else next(self._swallowed)
        if self._slots is not None and not left:
            self._slots.row_ends(cycle)
        if self._parameters is not None:
            self._parameters.issued(cycle + 1, swallowed)

    def finish(self, accepted: Cycles) -> CycleTrace:
        if self._parameters is not None:
            self._unit._parameters = self._parameters.after(len(self._takes), len(accepted))
        arrays = (np.array(cycles, np.int64) for cycles in (self._takes, self._outputs, self._pops[self._known :]))
        return self._unit._finish(self.rows, accepted, *arrays)
