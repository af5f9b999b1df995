"""Every operation of Pipeline, simulated against Python's integers: right value, in the cycle it promises."""

import random
from collections.abc import Callable, Sequence

import pytest
from amaranth.hdl import Const, Elaboratable, Module, Shape, Signal, signed, unsigned

from hw.simulation import trace
from streamnorm.pipeline import Pipeline, Timed
from streamnorm.target import Target

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

    def check(
        self,
        shapes: Sequence[Shape],
        build: Callable[..., Timed],
        expect: Callable[..., int],
    ) -> Timed:
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
        low, high = (-(1 << shape.width - 1), (1 << shape.width - 1) - 1) if shape.signed else (0, (1 << shape.width) - 1)
        return self.random.choice([low, high, 0, self.random.randint(low, high), self.random.randint(low, high)])

    def run(self, cycles: int = 60, starts: Sequence[int] | None = None) -> None:
        """Compare the results of operations that start in every cycle, or in those of ``starts``."""
        drain = max(result.cycle for _, _, result, _ in self._checks) + 1
        vectors = [
            {name: self.operand(shape) for name, shape in self._inputs.items()} for _ in range(cycles + drain)
        ]
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
        subtract = bench.check(
            [a, b], lambda x, y, s=shape: bench.p.add(x, y, s, subtract=True), lambda x, y: x - y
        )
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
    for shape in (signed(9), unsigned(18), signed(24), signed(39), unsigned(41), signed(55)):
        result = bench.check([shape], bench.p.square, lambda x: x * x)
        assert (result.width, result.signed) == (2 * shape.width, False)
    bench.run(80)


def test_multipliers_are_counted_in_tiles():
    for a, b, tiles in ((18, 18, 1), (19, 18, 1), (21, 18, 2), (36, 36, 4), (37, 18, 2), (40, 18, 3)):
        bench = Bench(Target("ecp5-85k-6", 100.0))
        bench.check([unsigned(a), unsigned(b)], bench.p.multiply, lambda x, y: x * y)
        assert bench.p.multipliers == tiles, (a, b)
    bench = Bench(Target("ecp5-85k-6", 100.0))
    bench.check([signed(36)], bench.p.square, lambda x: x * x)
    assert bench.p.multipliers == 3  # the mixed product is computed once


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
def test_lookup(target):
    bench = Bench(target)
    contents = [random.Random(2).getrandbits(21) for _ in range(300)]
    bench.check(
        [unsigned(8)], lambda x: bench.p.lookup("small", x, 21, contents[:256]), lambda x: contents[x]
    )
    bench.check(
        [unsigned(7), unsigned(7)],
        lambda x, y: bench.p.lookup("late", bench.p.add(x, y, unsigned(8)), 21, contents),
        lambda x, y: contents[x + y],
    )
    assert bench.p.block_rams >= 2
    bench.run()


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


def test_registers_are_named_after_the_block():
    bench = Bench(Target("generic", 100.0))
    _, x = bench.input(unsigned(4))
    register = bench.p.delayed(x, 1).value
    assert isinstance(register, Signal)
    assert register.name.startswith("bench_q")


@pytest.mark.parametrize("clock_mhz", [5.0, 100.0, 400.0])
@pytest.mark.parametrize("interval", [2, 3, 8])
def test_shared_multipliers(clock_mhz, interval):
    """Operations at random distances of ``interval`` and more, other operands in between."""
    target = Target("ecp5-85k-6", clock_mhz)
    bench = Bench(target, interval=interval)
    p, generator = bench.p, random.Random(interval)
    for a, b in ((signed(37), unsigned(20)), (signed(9), signed(8)), (unsigned(40), unsigned(35))):
        bench.check([a, b], p.multiply, lambda x, y: x * y)
    bench.check([signed(36)], p.square, lambda x: x * x)
    bench.check([signed(55)], lambda x: p.square(p.delayed(x, 3)), lambda x: x * x)
    starts, cycle = [], 1
    while cycle < 200:
        starts.append(cycle)
        cycle += interval + generator.choice([0, 0, 1, generator.randrange(9)])
    bench.run(200, starts)
    alone = Bench(target)
    for a, b in ((signed(37), unsigned(20)), (signed(9), signed(8)), (unsigned(40), unsigned(35))):
        alone.check([a, b], alone.p.multiply, lambda x, y: x * y)
    assert p.multipliers < alone.p.multipliers
