"""Runs a component in Amaranth's simulator, one dictionary of inputs and one of outputs a cycle."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from amaranth.hdl import ClockDomain, Module, Signal, Value
from amaranth.sim import Simulator

Inputs = Mapping[str, Any]
Outputs = dict[str, int]


def run(design: Any, step: Callable[[int, Outputs | None], Inputs | None], outputs: Iterable[str]) -> None:
    """Run ``design`` until ``step`` returns None.

    In every cycle ``step(cycle, seen)`` gets what the outputs were in the cycle before (None in the first), and
    returns the inputs to change in this one: integers (raw bits of structures), or lists for arrays. Names with dots
    reach into streams: ``"i.payload.last"``. Outputs are raw bits, read shortly before the clock edge.
    """
    m: Any = Module()
    m.domains.sync = ClockDomain("sync")
    m.submodules.design = design
    names = list(outputs)

    async def bench(context: Any) -> None:
        cycle, seen = 0, None
        while (inputs := step(cycle, seen)) is not None:
            for name, value in inputs.items():
                signal = member(design, name)
                context.set(Value.cast(signal) if isinstance(value, int) else signal, value)
            seen = {name: context.get(Value.cast(member(design, name)).as_unsigned()) for name in names}
            await context.tick()
            cycle += 1

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def trace(design: Any, inputs: Iterable[Inputs], outputs: Iterable[str]) -> list[Outputs]:
    """The outputs of every cycle for inputs that are known beforehand."""
    remaining = iter(inputs)
    seen: list[Outputs] = []

    def step(cycle: int, before: Outputs | None) -> Inputs | None:
        if before is not None:
            seen.append(before)
        return next(remaining, None)

    run(design, step, outputs)
    return seen


def member(design: Any, path: str) -> Any:
    """``design.a.b`` for ``"a.b"``; a number is an index. With one bank there are no bank members: 0 bits."""
    if path in ("bank", "issued_bank") and not hasattr(design, path):
        return Signal(0)
    for part in path.split("."):
        design = design[int(part)] if part.isdigit() else getattr(design, part)
    return design


def signed(value: int, bits: int) -> int:
    """The two's complement number in ``bits`` raw bits."""
    return value - (value >> (bits - 1) << bits)
