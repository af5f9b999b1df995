"""Products with constants as sums of shifted copies."""

from itertools import pairwise

from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.sim import Simulator
from hypothesis import given
from hypothesis import strategies as st

from streamnorm.logic.constant_product import signed_digits, times_constant
from streamnorm.logic.pipeline import Pipeline
from streamnorm.spec.targets import Target


@given(st.integers(-(1 << 40), 1 << 40))
def test_digits_add_up_and_no_two_are_neighbours(number: int) -> None:
    digits = signed_digits(number)
    assert sum(digit << place for place, digit in digits) == number
    places = [place for place, _ in digits]
    assert all(after - before > 1 for before, after in pairwise(places))


def test_products_are_exact_at_both_ends() -> None:
    m = Module()
    p = Pipeline(m, Target("generic", 100.0, 0.0), "test")
    cases = []
    for shape in (signed(5), unsigned(4)):
        for factor in (1, -1, 2, 3, -4, 7, 11, -45, 171, 1024, -683):
            value = Signal(shape)
            product = times_constant(p, p.input(value), factor)
            out = Signal(signed(32))
            m.d.comb += out.eq(product.value)
            cases.append((value, shape, factor, out, product.cycle))

    async def bench(ctx) -> None:
        for raw in range(-16, 16):
            for value, shape, _, _, _ in cases:
                if raw >= 0 or shape.signed:
                    ctx.set(value, raw)
            for _ in range(max(cycle for *_, cycle in cases) + 1):
                await ctx.tick()
            for value, _, factor, out, _ in cases:
                assert ctx.get(out) == ctx.get(value) * factor, factor

    m.d.sync += Signal().eq(0)  # a clock also where no product takes a register
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
