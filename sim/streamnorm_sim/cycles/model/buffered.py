"""Units whose rows wait for their statistic in a buffer that holds any of them."""

from . import by_beat, by_row
from .context import Context
from .gate import Gate
from .rows import Rows
from .solver import FEW, MANY
from .state import State
from .trace import CycleTrace

__all__ = ["Buffered"]


class Buffered:
    """Works with arrays over rows while ready stays at 1, the sink takes every beat and a row's beats are offered one
    after the other; with arrays over beats where the latter two do not hold; and where ready falls, row by row or beat
    by beat. A :class:`~.solver.Solver`."""

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
