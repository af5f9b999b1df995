"""The end of a beat of lanes: what is kept, and what is told of the beat."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, unsigned

from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["end_beat", "kept_lanes"]


def kept_lanes(p: Pipeline, component: Any, cycle: int) -> list[Timed]:
    """Whether each lane is kept, known at that cycle; sets the component's keep_cycle."""
    component.keep_cycle = cycle
    return [p.input(component.keep[lane], cycle) for lane in range(len(component.keep))]


def end_beat(
    p: Pipeline, component: Any, results: Sequence[Timed], overflows: Sequence[Timed], flags: dict[str, list[Timed]]
) -> None:
    """Drives ``component.y`` and its flags, and sets its latency.

    Results are a level of logic behind registers, and 0 in lanes that are not kept, of which ``overflows`` are 0, too.
    A flag is 1 where any lane has it; of ``flags``, lanes that are not kept have none.
    """
    target = p.target
    told = {}
    for name, lanes in {"overflow": overflows, **flags}.items():
        plain = [lane for lane in lanes if not isinstance(lane.value, Const)]
        if plain:
            any_lane = p.operate(name, target.logic(len(plain)), plain, unsigned(1), lambda *x: Cat(*x).any())
            told[name] = p.registered(any_lane)
    component.latency = latency = max(timed.cycle for timed in [*results, *told.values()])
    for name, flag in told.items():
        p.drive(getattr(component, name), p.delayed(flag, latency))
    for lane, result in enumerate(results):
        p.drive(component.y[lane], p.delayed(result, latency))
