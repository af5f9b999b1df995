"""Products and tables, simulated against Python's integers: right value, in the cycle that is promised."""

import random

import pytest
from amaranth.hdl import signed, unsigned

from hw.logic.pipeline_bench import Bench, by_target
from streamnorm.spec.targets import Target


@by_target
def test_multiply(target):
    """Signed and unsigned, one tile and several, one-sided and both, and one or two bits (in logic)."""
    bench = Bench(target)
    for a, b in (
        (signed(9), signed(8)),
        (unsigned(18), signed(16)),
        (signed(17), unsigned(17)),
        (unsigned(7), unsigned(40)),
        (signed(37), unsigned(20)),
        (signed(24), signed(35)),
        (unsigned(11), unsigned(1)),
        (signed(2), signed(13)),
        (signed(13), unsigned(2)),
        (unsigned(20), signed(19)),  # the second pieces are one or two bits
    ):
        result = bench.check([a, b], bench.p.multiply, lambda x, y: x * y)
        assert result.width == a.width + b.width
        assert result.signed == (a.signed or b.signed)
    if target.family.tile is None:
        assert bench.p.multipliers == 0
    bench.run(80)


@by_target
def test_multiply_by_a_constant(target):
    bench = Bench(target)
    for value, shape in ((93, unsigned(7)), (-5, signed(4)), (0x1ABCDE, unsigned(21))):
        bench.check(
            [signed(21)],
            lambda x, c=value, s=shape: bench.p.multiply(x, bench.p.constant(c, s)),
            lambda x, c=value: x * c,
        )
    bench.run()


@by_target
def test_square(target):
    bench = Bench(target)
    # Of three pieces and more, some lie above signed ones; a product of logic has no pieces.
    wide = [signed(39), unsigned(41), signed(55)] if target.family.tile else []
    for shape in (signed(9), unsigned(18), signed(24), *wide):
        result = bench.check([shape], bench.p.square, lambda x: x * x)
        assert (result.width, result.signed) == (2 * shape.width, False)
    bench.run(80)


@pytest.mark.parametrize(
    ("name", "clock"), [("ice40-hx8k", 5.0), ("ice40-hx8k", 90.0), ("ice40-up5k", 5.0), ("ice40-up5k", 30.0)]
)
def test_products_bit_by_bit(name, clock):
    """Where an interval leaves time, in no tile; operands come only with the start and results leave only once."""
    interval = 24
    bench = Bench(Target(name, clock), interval=interval)
    for a, b in (
        (signed(9), unsigned(8)),
        (unsigned(7), signed(20)),
        (unsigned(20), unsigned(23)),
        (signed(18), unsigned(4)),
    ):
        bench.check([a, b], bench.p.multiply, lambda x, y: x * y)
    for shape in (signed(12), unsigned(23), signed(2)):
        bench.check([shape], bench.p.square, lambda x: x * x)
    bench.check(
        [signed(10), unsigned(9), unsigned(6)],
        lambda x, y, z: bench.p.multiply(bench.p.multiply(x, y), z),
        lambda x, y, z: x * y * z,
    )
    assert bench.p.multipliers == 0
    bench.run(400, starts=[*range(3, 300, interval), 331])


def test_products_too_long_for_the_interval_are_done_at_once():
    bench = Bench(Target("ice40-up5k", 10.0), interval=12)
    bench.check([signed(14), unsigned(12)], bench.p.multiply, lambda x, y: x * y)
    bench.check([signed(14), signed(11)], bench.p.multiply, lambda x, y: x * y)  # no unsigned operand
    assert bench.p.multipliers == 2
    bench.run(200, starts=list(range(0, 150, 12)))


def test_multipliers_are_counted_in_tiles():
    for a, b, tiles in ((18, 18, 1), (19, 18, 1), (21, 18, 2), (36, 36, 4), (37, 18, 2), (40, 18, 3)):
        bench = Bench(Target("ecp5-85k-6", 100.0))
        bench.check([unsigned(a), unsigned(b)], bench.p.multiply, lambda x, y: x * y)
        assert bench.p.multipliers == tiles, (a, b)
    bench = Bench(Target("ecp5-85k-6", 100.0))
    bench.check([signed(36)], bench.p.square, lambda x: x * x)
    assert bench.p.multipliers == 3  # the mixed product is computed once


@by_target
def test_lookup(target):
    bench = Bench(target)
    contents = [random.Random(2).getrandbits(21) for _ in range(300)]
    bench.check([unsigned(8)], lambda x: bench.p.lookup("small", x, 21, contents[:256]), lambda x: contents[x])
    bench.check(
        [unsigned(7), unsigned(7)],
        lambda x, y: bench.p.lookup("late", bench.p.add(x, y, unsigned(8)), 21, contents),
        lambda x, y: contents[x + y],
    )
    assert bench.p.block_rams >= 2
    bench.run()


def test_a_faster_clock_never_has_fewer_stages():
    for name in ("generic", "ecp5-85k-6", "ice40-hx8k"):
        cycles = []
        for clock in (5.0, 50.0, 100.0, 200.0, 400.0):
            bench = Bench(Target(name, clock))
            p = bench.p
            product = bench.check(
                [signed(20), signed(20), unsigned(1)],
                lambda x, y, c, p=p: p.select(c, p.add(p.multiply(x, y), y, signed(41)), p.multiply(y, y)),
                lambda x, y, c: x * y + y if c else y * y,
            )
            cycles.append(product.cycle)
        assert cycles == sorted(cycles)
        assert cycles[0] <= 1
        assert cycles[-1] >= 5


@pytest.mark.parametrize("clock_mhz", [5.0, 100.0, 400.0])
@pytest.mark.parametrize("interval", [2, 3, 8])
def test_shared_multipliers(clock_mhz, interval):
    """Operations at random distances of ``interval`` and more, other operands in between."""
    target = Target("ecp5-85k-6", clock_mhz)
    shared, alone = Bench(target, interval=interval), Bench(target)
    for bench in (shared, alone):
        p = bench.p
        for a, b in ((signed(37), unsigned(20)), (signed(9), signed(8)), (unsigned(40), unsigned(35))):
            bench.check([a, b], p.multiply, lambda x, y: x * y)
        bench.check([signed(36)], p.square, lambda x: x * x)
        bench.check([signed(55)], lambda x, p=p: p.square(p.delayed(x, 3)), lambda x: x * x)
    assert shared.p.multipliers < alone.p.multipliers
    generator = random.Random(interval)
    starts, cycle = [], 1
    while cycle < 200:
        starts.append(cycle)
        cycle += interval + generator.choice([0, 0, 1, generator.randrange(9)])
    shared.run(200, starts)
