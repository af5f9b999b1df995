"""The mantissa of a square: every mantissa, against integers and against hardware."""

from fractions import Fraction

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.simulation import trace
from streamnorm.logic.pipeline import Pipeline
from streamnorm.spec.roots import ROOTS
from streamnorm.spec.roots.squared import SQUARED_GUARD, squared, squared_hardware, squaring_error
from streamnorm.spec.targets import Target

BITS = 6
GIVEN = BITS + SQUARED_GUARD
EVERY = np.arange(1 << GIVEN)


def test_every_mantissa():
    mantissa, odd = squared(EVERY, BITS)
    square = (EVERY + (1 << GIVEN)) ** 2
    assert (odd == (square >= 2 << 2 * GIVEN)).all()
    # The square with BITS bits below its leading one: less than one of them below the exact one.
    unit = 1 << (2 * GIVEN - BITS + odd)
    below = square - (mantissa + (1 << BITS)) * unit
    assert (below >= 0).all()
    assert (below < unit).all()


@pytest.mark.parametrize("rho_bits", [12, 20])
def test_a_reciprocal_is_as_exact_as_is_said(rho_bits):
    root = next(iter(ROOTS.values())).smallest(rho_bits)
    given = root.mantissa_bits + SQUARED_GUARD
    cut = np.random.default_rng(1).integers(0, 1 << given, 3000)
    mantissa, odd = squared(cut, root.mantissa_bits)
    rho = root.evaluate(mantissa, odd)
    bound = root.relative_error + squaring_error(root)
    for value, reciprocal in zip(cut.tolist(), rho.tolist(), strict=True):
        for fraction in (0, Fraction(999, 1000)):  # whatever was cut off below
            exact = 1 / (1 + (value + fraction) / Fraction(1 << given))
            assert abs(Fraction(reciprocal, 1 << rho_bits) / exact - 1) <= bound


class Bench(wiring.Component):
    """The square alone."""

    def __init__(self, target: Target) -> None:
        super().__init__({"mantissa": In(GIVEN), "below": Out(BITS), "odd": Out(1)})
        self._m = m = Module()
        p = Pipeline(m, target, "squared")
        values = squared_hardware(p, p.input(self.mantissa), BITS)
        self.latency = max(value.cycle for value in values)
        for port, value in zip((self.below, self.odd), values, strict=True):
            m.d.comb += port.eq(p.delayed(value, self.latency).value)

    def elaborate(self, platform: object) -> Module:
        return self._m


@pytest.mark.parametrize("target", [Target("ecp5-85k-6", 200.0), Target("ice40-hx8k", 30.0)], ids=str)
def test_hardware_gives_the_same(target):
    bench = Bench(target)
    inputs = [{"mantissa": value} for value in EVERY.tolist()] + [{}] * (bench.latency + 1)
    seen = trace(bench, inputs, ["below", "odd"])[bench.latency :]
    want = zip(*(values.tolist() for values in squared(EVERY, BITS)), strict=True)
    got = [(one["below"], one["odd"]) for one in seen[: len(EVERY)]]
    assert got == list(want)
