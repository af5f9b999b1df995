"""The end of a beat of lanes: what is kept, and what is told of the beat."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, unsigned

from streamnorm.logic.pipeline import Pipeline, Timed

from .float_lane import LaneValue

__all__ = ["end_beat", "kept_lanes"]


def kept_lanes(p: Pipeline, component: Any, cycle: int) -> list[Timed]:
    """Whether each lane is kept, known at that cycle; sets the component's keep_cycle."""
    component.keep_cycle = cycle
    return [p.input(component.keep[lane], cycle) for lane in range(len(component.keep))]


def end_beat(
    p: Pipeline, component: Any, results: Sequence[Timed], overflows: Sequence[Timed], lanes: Sequence[LaneValue]
) -> None:
    """Drives ``component.y`` and its flags, and sets its latency.

    Results are a level of logic behind registers, and 0 in lanes that are not kept, of which ``overflows`` are 0, too.
    A flag is 1 where any lane has it; elements of lanes that are not kept are neither NaN nor infinite.
    """
    target = p.target
    told = {}
    # What is told of elements comes a long way from a memory.
    nan, infinite = ([p.registered(getattr(lane, name)) for lane in lanes] for name in ("is_nan", "is_infinite"))
    for name, told_of in {"overflow": overflows, "nan": nan, "infinite": infinite}.items():
        plain = [each for each in told_of if not isinstance(each.value, Const)]
        if plain:
            any_lane = p.operate(name, target.logic(len(plain)), plain, unsigned(1), lambda *x: Cat(*x).any())
            told[name] = p.registered(any_lane)
    component.latency = latency = max(timed.cycle for timed in [*results, *told.values()])
    for name, flag in told.items():
        p.drive(getattr(component, name), p.delayed(flag, latency))
    for lane, result in enumerate(results):
        p.drive(component.y[lane], p.delayed(result, latency))
