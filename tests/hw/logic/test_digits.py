"""Quotients and roots digit by digit, one behind the other and in loops, against Python's integers."""

from math import isqrt

import pytest
from amaranth.hdl import unsigned

from hw.logic.pipeline_bench import TARGETS, Bench
from streamnorm.logic.digits import divide, square_root


def _quotient(dividend: int, divisor: int, digits: int) -> int:
    return dividend // (divisor | 1) & ((1 << digits) - 1)


@pytest.mark.parametrize("target", TARGETS[1:6:2], ids=lambda t: f"{t.name}@{t.clock_mhz:g}")
@pytest.mark.parametrize("interval", [1, 3, 40])
def test_digits(target, interval):
    bench = Bench(target, interval=interval)
    p = bench.p
    for bits, divisor_bits in ((11, 5), (4, 7), (1, 1)):
        shapes = [unsigned(bits), unsigned(divisor_bits)]

        def odd(x):
            return p.operate("odd", 0.1, [x], x.value.shape(), lambda value: value | 1)

        bench.check(
            shapes, lambda x, y, n=bits: divide(p, "divide", x, odd(y), n)[0], lambda x, y, n=bits: _quotient(x, y, n)
        )
        bench.check(shapes, lambda x, y, n=bits: divide(p, "divide", x, odd(y), n)[1], lambda x, y: x % (y | 1))
        bench.check([shapes[0]], lambda x: square_root(p, "root", x), isqrt)

    # Fewer digits than the dividend has bits, where the quotient has no more.
    def few(x, y):
        low, high = p.constant(0, unsigned(3)), p.constant(1, unsigned(1))
        return divide(p, "few", p.concat(low, x), p.concat(y, high), 5)[0]

    bench.check([unsigned(6), unsigned(4)], few, lambda x, y: (x << 3) // (y + 16))
    cycles = 4 * interval + 20
    bench.run(cycles, starts=None if interval == 1 else range(2, cycles, interval))
