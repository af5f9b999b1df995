"""The end of a beat of lanes: what is kept, and what is told of the beat."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Mux, unsigned

from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["end_beat"]


def end_beat(
    p: Pipeline, component: Any, results: Sequence[Timed], overflows: Sequence[Timed], flags: dict[str, list[Timed]]
) -> None:
    """Drives ``component.y``, 0 in lanes that are not kept, and its flags; sets its keep_cycle and latency.

    ``overflows`` count in lanes that are kept; a flag of ``flags`` is 1 where any lane has it, of which those that are
    not kept have none.
    """
    target, bits = p.target, results[0].width
    component.keep_cycle = cycle = max(0, min(result.cycle for result in [*results, *overflows]))
    keep = [p.input(component.keep[lane], cycle) for lane in range(len(results))]
    pairs = [each for pair in zip(overflows, keep, strict=True) for each in pair]

    def any_kept(*values: Any) -> Any:
        return Cat(x & kept for x, kept in zip(values[::2], values[1::2], strict=True)).any()

    told = {"overflow": p.operate("overflow", target.logic(len(pairs)), pairs, unsigned(1), any_kept)}
    for name, lanes in flags.items():
        plain = [lane for lane in lanes if not isinstance(lane.value, Const)]
        if plain:
            told[name] = p.operate(name, target.logic(len(plain)), plain, unsigned(1), lambda *x: Cat(*x).any())
    told = {name: p.registered(flag) for name, flag in told.items()}
    ready = [p.registered(result) for result in results]
    latency = max(timed.cycle for timed in [*ready, *told.values()])
    component.latency = latency
    for name, flag in told.items():
        p.drive(getattr(component, name), p.delayed(flag, latency))
    for lane, result in enumerate(ready):
        operands = [p.delayed(result, latency), p.delayed(keep[lane], latency)]
        kept = p.operate("result", target.family.lut, operands, unsigned(bits), lambda x, y: Mux(y, x, 0))
        assert kept.cycle == latency
        p.drive(component.y[lane], kept)
