"""Units whose rows wait for their statistic in a buffer that holds any of them."""

from copy import copy
from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..gates.gate import Gate
from ..offers import solve_turn
from ..rows import Rows
from ..solver import FEW, MANY
from ..trace import CycleTrace, Losses
from ..turn import Sink
from . import by_beat, by_row
from .admission import Admission, rows_at_once
from .context import Context
from .state import State

__all__ = ["Buffered"]

Cycles = NDArray[np.int64]


class Buffered:
    """Works with arrays over rows while ready stays at 1, the sink takes every beat and a row's beats are offered one
    after the other; with arrays over beats where the latter two do not hold; and where ready falls, row by row or beat
    by beat. A :class:`~streamnorm_sim.cycles.model.solver.Unit`."""

    def __init__(self, context: Context, gates: tuple[Gate, ...] = ()) -> None:
        self._context, self._gated = context, bool(gates)
        self._state = State.after_reset(context.timing, context.issues_kept, gates)

    @property
    def by_row(self) -> bool:
        return self._context.by_row and not self._gated

    def solve(self, rows: Rows) -> list[CycleTrace]:
        context, state = self._context, self._state
        by_row_now = self.by_row and not rows.by_beat
        in_turn = by_row_now and context.in_turn
        unhindered = by_row.solve_unhindered if by_row_now else by_beat.solve_unhindered
        parts: list[CycleTrace] = []
        start, many, few = 0, MANY, FEW

        while start < len(rows):
            stop = min(start + many, len(rows)) if by_row_now else rows.end_of(start, many)
            part = unhindered(context, state, rows.part(start, stop))
            if part is not None:
                parts.append(part)
                start += len(part)
                many = min(2 * many, MANY)
            if start == stop:
                few = FEW
                continue
            # Ready may fall: some rows the slow way, and more of them each time that it still falls after these.
            many, part = FEW, None
            if in_turn:
                stop = min(start + few, len(rows))
                part = by_row.solve_in_turn(context, state, rows.part(start, stop))
            if part is None:
                stop = rows.end_of(start, FEW if in_turn else few)
                part = by_beat.solve_waiting(context, state, rows.part(start, stop))
            parts.append(part)
            start += len(part)
            solved = len(part) if in_turn else int(part.beats_in.sum())
            few = min(2 * few, MANY) if start == stop else max(FEW, solved)
        return parts

    @property
    def accepted(self) -> int:
        return self._state.accepted

    def forked(self) -> Self:
        unit = copy(self)
        unit._state = copy(self._state)
        return unit

    def turn(self, rows: Rows, sink: Sink | None = None) -> "_Turn":
        context = self._context if sink is None else replace(self._context, sink=sink)
        return _Turn(context, self._state, rows.part(0, rows_at_once(context.timing, rows)))

    def solve_in_turn(self, rows: Rows, sink: Sink) -> CycleTrace:
        state = self._state
        return solve_turn(self._context.source, state.accepted, state.fresh, self.turn(rows, sink))

    def solve_unhindered(self, rows: Rows, accepted: Cycles, since: Cycles) -> CycleTrace | None:
        way = by_beat.Way.of(self._context, self._state, rows, accepted)
        good = by_beat.rows_unhindered(self._context, self._state, way, since)
        return by_beat.finish(self._context, self._state, way, good, Losses()) if good else None


class _Turn(Admission):
    """A :class:`~streamnorm_sim.cycles.model.turn.Turn`."""

    def __init__(self, context: Context, state: State, rows: Rows) -> None:
        super().__init__(context.timing, state, rows)
        self._context, self._state, self.rows = context, state, rows

    def finish(self, accepted: Cycles) -> CycleTrace:
        way = by_beat.Way.of(self._context, self._state, self.rows, accepted)
        return by_beat.finish(self._context, self._state, way, len(self.rows), Losses())
