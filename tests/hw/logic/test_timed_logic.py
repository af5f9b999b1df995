"""Sums, shifts and registers, simulated against Python's integers: right value, in the cycle that is promised."""

import random

import pytest
from amaranth.hdl import Const, Shape, Signal, signed, unsigned

from hw.logic.pipeline_bench import Bench, by_target
from hw.simulation import trace
from streamnorm.logic.timed_logic import Timed
from streamnorm.spec.targets import Target


def fits(timed: Timed, target: Target, single: float) -> bool:
    """A stage holds no more than a clock period, unless one operation alone takes more."""
    return timed.delay <= max(target.budget, single) + 1e-9


@by_target
def test_add_and_subtract(target):
    bench = Bench(target)
    for a, b, shape in (
        (unsigned(8), unsigned(8), unsigned(9)),
        (signed(5), unsigned(11), signed(12)),
        (unsigned(30), signed(17), signed(31)),
        (signed(70), signed(64), signed(71)),
        (unsigned(90), unsigned(3), unsigned(90)),
        (signed(40), signed(40), signed(33)),  # cut
    ):
        add = bench.check([a, b], lambda x, y, s=shape: bench.p.add(x, y, s), lambda x, y: x + y)
        subtract = bench.check([a, b], lambda x, y, s=shape: bench.p.add(x, y, s, subtract=True), lambda x, y: x - y)
        chunk = target.adder(min(shape.width, target.adder_chunk) + 1)
        for result in (add, subtract):
            assert (result.width, result.signed) == (shape.width, shape.signed)
            assert fits(result, target, chunk)
            assert result.cycle >= -(-shape.width // target.adder_chunk) - 1
    bench.run()


@by_target
def test_add_shifted(target):
    bench = Bench(target)
    for low, high, shift, shape in (
        (unsigned(8), signed(9), 8, signed(18)),  # side by side
        (signed(8), signed(9), 4, signed(16)),
        (unsigned(20), unsigned(5), 0, unsigned(21)),
        (signed(4), unsigned(9), 11, signed(22)),  # above the low operand's sign
        (signed(12), signed(60), 7, signed(68)),
        (unsigned(9), unsigned(9), 9, unsigned(9)),  # the high operand is cut off
    ):
        bench.check(
            [low, high],
            lambda x, y, n=shift, s=shape: bench.p.add_shifted(x, y, n, s),
            lambda x, y, n=shift: x + (y << n),
        )
    bench.run()


@by_target
def test_sum(target):
    bench = Bench(target)
    for count, shape, total in ((1, signed(9), signed(9)), (3, unsigned(7), unsigned(9)), (8, signed(12), signed(15))):
        bench.check([shape] * count, lambda *xs, s=total: bench.p.sum(xs, s), lambda *xs: sum(xs))
    bench.run()


@by_target
def test_select_concat_extend_and_reshape(target):
    bench = Bench(target)
    p = bench.p
    bench.check([unsigned(1), signed(9), unsigned(9)], p.select, lambda c, x, y: x if c else y)
    bench.check([unsigned(3), signed(4)], p.concat, lambda x, y: x | (y & 15) << 3)
    bench.check([signed(5)], lambda x: p.extend(x, 9), lambda x: x)
    bench.check([unsigned(5)], lambda x: p.extend(x, 9), lambda x: x)
    bench.check([signed(9)], lambda x: p.extend(x, 5), lambda x: x)
    result = bench.check([unsigned(5)], lambda x: p.reshape(x, signed(7)), lambda x: x)
    assert result.signed
    bench.check([signed(12)], lambda x: x.bits(3, 8), lambda x: x >> 3)
    bench.run(30)


@by_target
def test_operands_of_different_age_meet(target):
    bench = Bench(target)

    def build(x: Timed, y: Timed, z: Timed) -> Timed:
        late = bench.p.delayed(bench.p.add(x, y, signed(40)), 7)
        return bench.p.add(late, z, signed(41))

    assert bench.check([signed(39), signed(39), signed(40)], build, lambda x, y, z: x + y + z).cycle >= 7
    bench.check([signed(8)], lambda x: bench.p.delayed(bench.p.delayed(x, 2), 5), lambda x: x)
    bench.run()


@by_target
def test_a_register_is_only_added_behind_logic(target):
    bench = Bench(target)
    p = bench.p
    _, x = bench.input(signed(8))
    assert p.registered(x) is x
    slow = p.operate("inverse", 0.5, [x], signed(8), lambda v: ~v)
    assert p.registered(slow).cycle == slow.cycle + 1
    assert p.registered(slow).delay == 0
    constant = p.constant(5, unsigned(3))
    assert isinstance(p.delayed(constant, 9).value, Const)
    # Two users of a delayed value share its registers.
    assert p.delayed(x, 3).value is p.delayed(x, 3).value


@by_target
@pytest.mark.parametrize("shape", [unsigned(12), signed(20), unsigned(76), signed(45)])
def test_accumulate(target, shape):
    """Running sums of rows of random length, with gaps inside and between rows; what was there holds in a gap."""
    bench = Bench(target)
    generator = random.Random(5)
    operand = Shape(max(shape.width - 4, 2), shape.signed)
    _, value = bench.input(operand)
    _, first = bench.input(unsigned(1))
    _, valid = bench.input(unsigned(1))
    total = bench.p.accumulate("total", value, first, valid, shape)
    bench.o = Signal(shape, name="o")
    bench.m.d.comb += bench.o.eq(total.value)
    vectors, sums, begins, current = [], [], True, 0
    for _ in range(300):
        beat = generator.random() < 0.7
        x = bench.operand(operand)
        vectors.append({"i0": x, "i1": int(begins), "i2": int(beat)})
        if beat:
            current = x if begins else current + x
            begins = abs(current) >= 1 << shape.width - 5 or generator.random() < 0.1
        sums.append(current)
    vectors += [{"i2": 0}] * (total.cycle + 1)
    seen = trace(bench, vectors, ["o"])
    started = next(i for i, vector in enumerate(vectors) if vector["i2"])
    for cycle in range(started, 300):
        want = sums[cycle] & ((1 << shape.width) - 1)
        assert seen[cycle + total.cycle]["o"] == want, f"cycle {cycle} of seed 5"
    chunks = -(-shape.width // target.accumulator_chunk)
    assert total.cycle == chunks
    assert total.delay == 0


@by_target
def test_an_operand_that_may_come_at_any_time_makes_nothing_later(target):
    """``meeting_cycle``: with the operand at that cycle, the result is as early as with a constant."""
    for late in (0.0, 0.3 * target.budget, 0.9 * target.budget):
        for arrival in (0.0, 0.4 * target.family.lut):
            bench = Bench(target)
            p = bench.p
            _, x = bench.input(signed(20))
            other = p.operate("late", late, [p.delayed(x, 4)], signed(20), lambda v: v) if late else p.delayed(x, 4)
            delay = target.adder(20)
            cycle = p.meeting_cycle(other, delay, target.budget, arrival)
            assert 0 <= cycle <= other.cycle + 1
            any_time = p.input(Signal(signed(20)), cycle, arrival)
            alone = p.operate("alone", delay, [other], signed(21), lambda v: v + 1)
            both = p.operate("both", delay, [other, any_time], signed(21), lambda v, w: v + w)
            assert both.cycle == alone.cycle


def test_registers_are_named_after_the_block():
    bench = Bench(Target("generic", 100.0))
    _, x = bench.input(unsigned(4))
    register = bench.p.delayed(x, 1).value
    assert isinstance(register, Signal)
    assert register.name.startswith("bench_q")


def test_a_value_that_comes_from_afar_comes_later():
    target = Target("ecp5-85k-6", 200.0)
    bench = Bench(target)
    register = bench.p.input(Signal(8))
    assert bench.p.carried(register, 1.0) is register
    late = bench.p.input(Signal(8), 0, target.budget - target.adder(9))
    assert bench.p.add(late, register, unsigned(9)).cycle == 0
    carried = bench.p.carried(late, 0.5)
    assert (carried.value, carried.delay) == (late.value, late.delay + 0.5)
    assert bench.p.add(carried, register, unsigned(9)).cycle == 1


@by_target
def test_add_or_subtract(target):
    bench = Bench(target)
    for a, b, width in ((signed(9), signed(8), 10), (unsigned(12), unsigned(12), 12), (signed(50), unsigned(30), 51)):
        bench.check(
            [a, b, unsigned(1)],
            lambda x, y, s, w=width: bench.p.add_or_subtract(x, y, s, signed(w)),
            lambda x, y, s: x - y if s else x + y,
        )
    bench.run()
