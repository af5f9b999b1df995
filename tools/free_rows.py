"""Rows of one length on their way through a unit, back to back and without stalls."""

from typing import NamedTuple

from streamnorm.plan import Plan
from streamnorm_sim.cycles import CycleModel

__all__ = ["FreeRows", "free_rows"]


class FreeRows(NamedTuple):
    """Cycles of each row's first and last beat, in and out."""

    first_in: list[int]
    last_in: list[int]
    first_out: list[int]
    last_out: list[int]


def free_rows(plan: Plan, length: int, rows: int) -> FreeRows:
    """Return them as the cycle model has them."""
    trace = CycleModel(plan.config).run([length] * rows)
    found = (trace.first_in, trace.last_in, trace.first_out, trace.last_out)
    return FreeRows(*([int(cycle) for cycle in cycles] for cycles in found))
