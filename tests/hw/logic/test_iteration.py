"""Steps one behind the other and in a loop, simulated against the same steps in Python: right value, right cycle."""

import random

import pytest
from amaranth.hdl import Cat, Mux, signed, unsigned

from hw.logic.pipeline_bench import TARGETS, Bench
from streamnorm.logic.iteration import iterate
from streamnorm.spec.targets import Target

_BITS = 12
_MASK = (1 << _BITS) - 1


def _rotate(p, number, state, held):
    """A step of one level of logic that depends on everything it may depend on."""
    x, y = state
    both = p.add(x, held[0], unsigned(_BITS))
    turned = p.operate("turned", 1.0, [y, number], unsigned(_BITS), lambda v, n: Cat(v[-1], v[:-1]) ^ n)
    return [turned, both]


def _rotated(count, x, y, c):
    for number in range(count):
        x, y = ((y << 1 | y >> (_BITS - 1)) & _MASK) ^ number, (x + c) & _MASK
    return x << _BITS | y


def _square_and_add(p, number, state, held):
    """A step of several cycles, with two products."""
    (x,) = state
    product = p.multiply(p.square(x).bits(4, 4 + _BITS), held[0])
    return [p.add(product.bits(3, 3 + _BITS), number, unsigned(_BITS))]


def _squared_and_added(count, x, c):
    for number in range(count):
        x = ((((x * x >> 4) & _MASK) * c >> 3) + number) & _MASK
    return x


def _divide(p, number, state, held):
    """A whole loop inside of a step: the quotient of a constant and the state, bit by bit."""

    def digit(q, _number, values, divisor):
        rest, quotient = values
        twice = q.concat(q.constant(1, unsigned(1)), rest)
        less = q.add(twice, divisor[0], signed(_BITS + 2), subtract=True)
        fits = q.operate("fits", 0.1, [less], unsigned(1), lambda x: x >= 0)
        rest = q.operate("rest", 0.3, [less, twice, fits], unsigned(_BITS), lambda a, b, f: Mux(f, a, b))
        return [rest, q.concat(fits, quotient.bits(0, _BITS - 1))]

    zero = p.constant(0, unsigned(_BITS))
    odd = p.operate("odd", 0.1, [state[0]], unsigned(_BITS), lambda x: x | 1)
    _, quotient = iterate(p, "divide", _BITS, digit, [zero, zero], [odd])
    return [p.add(quotient, held[0], unsigned(_BITS))]


def _divided(count, x, c):
    for _ in range(count):
        x = (_MASK // (x | 1) + c) & _MASK
    return x


def _starts(interval):
    generator = random.Random(interval)
    cycle, starts = 2, []
    while cycle < 6 * interval + 40:
        starts.append(cycle)
        cycle += interval + generator.choice([0, 0, 1, generator.randrange(9)])
    return starts


@pytest.mark.parametrize("target", TARGETS[:6:2], ids=lambda t: f"{t.name}@{t.clock_mhz:g}")
@pytest.mark.parametrize("interval", [1, 5, 7, 64])
def test_iterate(target, interval):
    """A count that the rounds of a piece of logic divide, and one that leaves a rest."""
    bench = Bench(target, interval=interval)
    p = bench.p
    word = unsigned(_BITS)
    for count in (1, 7, 10):

        def rotate(x, y, c, count=count):
            x, y = iterate(p, "rotate", count, _rotate, [x, y], [c])
            return p.concat(y, x)

        bench.check([word] * 3, rotate, lambda x, y, c, n=count: _rotated(n, x, y, c))
    for count in (2, 3):
        bench.check(
            [word] * 2,
            lambda x, c, n=count: iterate(p, "square", n, _square_and_add, [x], [c])[0],
            lambda x, c, n=count: _squared_and_added(n, x, c),
        )
    bench.run(6 * interval + 50, starts=None if interval == 1 else _starts(interval))


@pytest.mark.parametrize("count", [9, 11])
def test_the_last_piece_of_logic_has_fewer_rounds_in_steps_of_the_same_length(count):
    """Products bit by bit take as long as there are bits: how long a step may take decides what it is made of."""
    bench = Bench(Target("ice40-hx8k", 110.0), interval=64)
    bench.check(
        [unsigned(_BITS)] * 2,
        lambda x, c: iterate(bench.p, "square", count, _square_and_add, [x], [c])[0],
        lambda x, c: _squared_and_added(count, x, c),
    )
    bench.run(500, starts=_starts(64))


@pytest.mark.parametrize("interval", [1, 6, 40, 100])
def test_a_loop_in_a_loop(interval):
    bench = Bench(Target("ecp5-85k-6", 150.0), interval=interval)
    word = unsigned(_BITS)
    bench.check(
        [word] * 2, lambda x, c: iterate(bench.p, "outer", 4, _divide, [x], [c])[0], lambda x, c: _divided(4, x, c)
    )
    bench.run(6 * interval + 50, starts=None if interval == 1 else _starts(interval))


def test_what_goes_around_shares_multipliers():
    word = unsigned(_BITS)
    counts = {}
    for interval in (1, 100):
        bench = Bench(Target("ecp5-85k-6", 200.0), interval=interval)
        x, c = (bench.input(word)[1] for _ in range(2))
        iterate(bench.p, "square", 3, _square_and_add, [x], [c])
        counts[interval] = bench.p.multipliers
    assert counts == {1: 6, 100: 2}
