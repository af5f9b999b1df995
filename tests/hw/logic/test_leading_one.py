"""Leading-one detection and shifting against Python's integers."""

import pytest
from amaranth.hdl import Mux, Shape, signed, unsigned

from hw.logic.pipeline_bench import Bench, by_target
from streamnorm.logic.leading_one import leading_one, shift_right
from streamnorm.spec.targets import Target


@by_target
def test_leading_one(target):
    bench = Bench(target)
    for width in (1, 2, 4, 5, 13, 16, 17, 34, 76):
        for highest in (0, width // 2, width - 1):  # random values alone would nearly all begin with a 1
            shape = unsigned(highest + 1)
            bench.check(
                [shape],
                lambda x, w=width: leading_one(bench.p, target, bench.p.extend(x, w)),
                lambda x: max(x.bit_length() - 1, 0),
            )
    bench.run(20)


@pytest.mark.parametrize("width", [1, 3, 6, 9])
def test_every_narrow_value(width):
    bench = Bench(Target("generic", 100.0))
    bench.check(
        [unsigned(width)], lambda x: leading_one(bench.p, bench.target, x), lambda x: max(x.bit_length() - 1, 0)
    )
    values = iter([*range(1 << width), *[0] * 20])
    bench.operand = lambda shape: next(values)
    bench.run(1 << width)


@by_target
def test_shift_right(target):
    bench = Bench(target)
    cases: list[tuple[Shape, int, int]] = [
        (unsigned(20), 19, 20),
        (unsigned(34), 33, 18),  # only the low bits of the result
        (signed(20), 19, 20),
        (signed(9), 12, 14),  # farther than the value is wide
        (unsigned(9), 12, 5),
        (signed(70), 41, 30),
        (unsigned(8), 1, 8),
        (signed(8), 6, 3),
    ]
    for shape, most, width in cases:
        amount = unsigned(most.bit_length())
        result = bench.check(
            [shape, amount],
            lambda x, n, m=most, w=width, a=amount: shift_right(
                bench.p, target, x, bench.p.operate("at_most", 0.0, [n], a, lambda v, m=m: Mux(v > m, m, v)), m, w
            ),
            lambda x, n, m=most: x >> min(n, m),
        )
        assert result.width == width
        assert not result.signed
    bench.run(100)


def test_a_shift_takes_more_stages_at_a_faster_clock():
    cycles = []
    for clock in (5.0, 50.0, 100.0, 200.0, 400.0):
        target = Target("ecp5-85k-6", clock)
        bench = Bench(target)
        p = bench.p
        _, value = bench.input(unsigned(60))
        _, amount = bench.input(unsigned(6))
        cycles.append(shift_right(p, target, value, amount, 59, 60).cycle)
        one = leading_one(p, target, value)
        assert one.delay <= max(target.budget, 1.65 * target.family.lut) + 1e-9
    assert cycles == sorted(cycles)
    assert cycles[0] == 0
    assert cycles[-1] > 2
