"""Named inputs of a pipeline driven with columns of values, and named outputs read at their own cycles."""

from collections.abc import Mapping, Sequence

from amaranth.hdl import Elaboratable, Module, Shape, Signal

from hw.simulation import trace
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.targets import Target


class ColumnBench(Elaboratable):
    """One design; a value of each column goes in every cycle."""

    def __init__(self, target: Target) -> None:
        self.m = Module()
        self.p = Pipeline(self.m, target, "bench")

    def input(self, name: str, shape: Shape) -> Timed:
        signal = Signal(shape, name=name)
        setattr(self, name, signal)
        return self.p.input(signal)

    def run(self, columns: Mapping[str, Sequence[int]], outputs: Mapping[str, Timed]) -> dict[str, list[int]]:
        """The outputs' columns, signed where they are."""
        for name, timed in outputs.items():
            signal = Signal(timed.value.shape(), name=f"out_{name}")
            setattr(self, f"out_{name}", signal)
            self.m.d.comb += signal.eq(timed.value)
        count = len(next(iter(columns.values())))
        drain = max(timed.cycle for timed in outputs.values()) + 1
        vectors = [{name: int(column[i]) for name, column in columns.items()} for i in range(count)]
        seen = trace(self, vectors + vectors[-1:] * drain, [f"out_{name}" for name in outputs])
        result = {}
        for name, timed in outputs.items():
            values = [cycle[f"out_{name}"] for cycle in seen[timed.cycle : timed.cycle + count]]
            half = 1 << (timed.width - 1)
            result[name] = [(value ^ half) - half for value in values] if timed.signed else values
        return result

    def elaborate(self, platform):
        return self.m
