"""Operations of a pipeline side by side in one design, compared with Python's integers."""

import random
from collections.abc import Callable, Sequence

import pytest
from amaranth.hdl import Elaboratable, Module, Shape, Signal

from hw.simulation import trace
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.targets import Target

TARGETS = [
    Target(name, clock)
    for name in ("generic", "ecp5-85k-6", "ice40-hx8k", "ice40-up5k")
    for clock in (5.0, 100.0, 400.0)
]
by_target = pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.name}@{t.clock_mhz:g}")


class Bench(Elaboratable):
    """Several operations in one design, each with inputs of its own, driven with random and extreme operands."""

    def __init__(self, target: Target, seed: int = 1, interval: int = 1) -> None:
        self.m = Module()
        self.start = Signal()
        self.p = Pipeline(self.m, target, "bench", interval=interval, start=self.start)
        self.target = target
        self.random = random.Random(seed)
        self._inputs: dict[str, Shape] = {}
        self._checks: list[tuple[str, list[str], Timed, Callable[..., int]]] = []

    def input(self, shape: Shape) -> tuple[str, Timed]:
        name = f"i{len(self._inputs)}"
        signal = Signal(shape, name=name)
        setattr(self, name, signal)
        self._inputs[name] = shape
        return name, self.p.input(signal)

    def check(self, shapes: Sequence[Shape], build: Callable[..., Timed], expect: Callable[..., int]) -> Timed:
        """``build(*inputs)`` must give ``expect(*operands)``, compared as raw bits of the result's width."""
        names, inputs = zip(*(self.input(shape) for shape in shapes), strict=True)
        result = build(*inputs)
        output = f"o{len(self._checks)}"
        signal = Signal(result.width, name=output)
        setattr(self, output, signal)
        self.m.d.comb += signal.eq(result.value)
        self._checks.append((output, list(names), result, expect))
        return result

    def operand(self, shape: Shape) -> int:
        low, high = (
            (-(1 << shape.width - 1), (1 << shape.width - 1) - 1) if shape.signed else (0, (1 << shape.width) - 1)
        )
        return self.random.choice([low, high, 0, self.random.randint(low, high), self.random.randint(low, high)])

    def run(self, cycles: int = 60, starts: Sequence[int] | None = None) -> None:
        """Compare the results of operations that start in every cycle, or in those of ``starts``."""
        drain = max(result.cycle for _, _, result, _ in self._checks) + 1
        vectors = [{name: self.operand(shape) for name, shape in self._inputs.items()} for _ in range(cycles + drain)]
        for cycle in starts or ():
            vectors[cycle]["start"] = 1
            vectors[cycle + 1]["start"] = 0
        seen = trace(self, vectors, [output for output, *_ in self._checks])
        for output, names, result, expect in self._checks:
            for cycle in starts or range(cycles):
                operands = [vectors[cycle][name] for name in names]
                want = expect(*operands) & ((1 << result.width) - 1)
                got = seen[cycle + result.cycle][output]
                assert got == want, f"{output}{operands} cycle {cycle}: got {got:#x}, want {want:#x} (seed 1)"

    def elaborate(self, platform):
        return self.m
