"""Exponents that carry constants, against integers."""

import random

import pytest
from amaranth.hdl import signed, unsigned

from hw.logic.column_bench import ColumnBench
from streamnorm.logic.floating.exponent import (
    Exponent,
    constant_exponent,
    difference,
    exponent_sum,
    settled,
    shape_between,
)
from streamnorm.spec.targets import Target

COLUMNS = {
    "a": [random.Random(1).randint(-16, 15) for _ in range(60)] + [-16, -16, 15, 15],
    "b": [random.Random(2).randint(0, 63) for _ in range(60)] + [0, 63, 0, 63],
}


def test_sums_and_differences():
    bench = ColumnBench(Target("ecp5-85k-6", 400.0))
    a, b = bench.input("a", signed(5)), bench.input("b", unsigned(6))
    x, y, c = Exponent.of(a, 20), Exponent.of(b, -7), constant_exponent(bench.p, 9)
    assert (x.low, x.high, y.low, y.high) == (4, 35, -7, 56)
    found = {
        "sum": (exponent_sum(bench.p, x, y), lambda s, t: s + t),
        "less": (difference(bench.p, x, y), lambda s, t: s - t),
        "more": (exponent_sum(bench.p, c, y), lambda s, t: 9 + t),
        "down": (difference(bench.p, x, c), lambda s, t: s - 9),
        "left": (difference(bench.p, c, y), lambda s, t: 9 - t),
        "moved": (x.moved(-3), lambda s, t: s - 3),
    }
    seen = bench.run(COLUMNS, {name: each.value for name, (each, _) in found.items()} | {
        f"{name}_settled": settled(bench.p, each, 2).value for name, (each, _) in found.items()
    })  # fmt: skip
    for name, (each, want) in found.items():
        for i, (s, t) in enumerate(zip(COLUMNS["a"], COLUMNS["b"], strict=True)):
            expected = want(s + 20, t - 7)
            assert seen[name][i] + each.offset == expected, name
            assert seen[f"{name}_settled"][i] + 2 == expected, name
            assert each.low <= expected <= each.high, name


def test_a_constant_takes_no_adder():
    bench = ColumnBench(Target("ecp5-85k-6", 400.0))
    x, c = Exponent.of(bench.input("a", signed(5)), 20), constant_exponent(bench.p, 9)
    assert exponent_sum(bench.p, x, c).value is x.value
    assert difference(bench.p, x, c).value is x.value
    assert settled(bench.p, x, 20) is x
    assert settled(bench.p, c, 3).value.value.value == 6


@pytest.mark.parametrize("low, high, shape", [(0, 0, unsigned(1)), (2, 8, unsigned(4)), (-8, 7, signed(4)), (-1, 8, signed(5)), (-9, 0, signed(5))])  # fmt: skip
def test_shapes(low, high, shape):
    assert shape_between(low, high) == shape
