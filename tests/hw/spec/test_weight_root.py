from decimal import Decimal, getcontext

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from streamnorm.logic.pipeline import Pipeline
from streamnorm.spec.targets import Target
from streamnorm.spec.weight_root import WeightRoot


@pytest.mark.parametrize("bits", [14, 20, 42])
@pytest.mark.parametrize("largest", [1, 3, 4, 192, 1000])
def test_roots_are_rounded_to_nearest_and_normalized(largest: int, bits: int) -> None:
    getcontext().prec = 60
    table = WeightRoot(largest, bits)
    weights = np.arange(1, largest + 1)
    mantissas, exponents = table.evaluate(weights)
    assert mantissas.min() >= 1 << bits - 1
    assert mantissas.max() < 1 << bits
    assert exponents.max() - 1 < 1 << table.exponent_bits
    for weight, mantissa, exponent in zip(weights.tolist(), mantissas.tolist(), exponents.tolist(), strict=True):
        exact = Decimal(weight).sqrt()
        assert 2 ** (exponent - 1) <= exact < 2**exponent
        found = Decimal(mantissa) * Decimal(2) ** (exponent - bits)
        assert abs(found / exact - 1) <= Decimal(table.relative_error)
        assert abs(found - exact) <= Decimal(2) ** (exponent - bits - 1)


@pytest.mark.parametrize("target", ["ecp5-85k-6", "ice40-hx8k"])
def test_hardware_has_the_same_entries(target: str) -> None:
    table, m = WeightRoot(50, 16), Module()
    p = Pipeline(m, Target(target, 50.0), "bench")
    weight, outputs = Signal(range(51)), [Signal(16, name="mantissa"), Signal(4, name="exponent")]
    built = table.build(p, p.input(weight))
    for output, value in zip(outputs, built, strict=True):
        p.drive(output, value)
    mantissas, exponents = table.evaluate(np.arange(1, 51))
    latency = max(value.cycle for value in built)
    assert [value.cycle for value in built] == [latency] * 2

    async def bench(context) -> None:
        for cycle in range(50 + latency):
            context.set(weight, min(1 + cycle, 50))
            if cycle >= latency:
                place = cycle - latency
                assert [context.get(output) for output in outputs] == [mantissas[place], exponents[place] - 1]
            await context.tick()

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
