"""A shift to the right that tells of what it drops, against integers."""

import random

import pytest
from amaranth.hdl import signed, unsigned

from hw.logic.column_bench import ColumnBench
from streamnorm.logic.floating.sticky import shift_right_jam, shift_right_sticky
from streamnorm.spec.targets import Target

SHIFTS = [(unsigned(20), 20, 5), (signed(13), 9, 4), (signed(6), 11, 4), (unsigned(9), 0, 9)]
TARGETS = [Target("ecp5-85k-6", 100.0), Target("ice40-hx8k", 400.0)]


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
@pytest.mark.parametrize(("shape", "amount_max", "width"), SHIFTS)
def test_shifts_and_tells(target, shape, amount_max, width):
    bench, choice = ColumnBench(target), random.Random(3)
    amount = bench.input("amount", unsigned(max(1, amount_max.bit_length())))
    kept, lost = shift_right_sticky(bench.p, bench.input("value", shape), amount, amount_max, width)
    low = -(1 << shape.width - 1) if shape.signed else 0
    values = [low + (choice.getrandbits(shape.width) & -1 << choice.randrange(shape.width)) for _ in range(200)]
    amounts = [choice.randint(0, amount_max) for _ in values]
    seen = bench.run({"value": values, "amount": amounts}, {"kept": kept, "lost": lost})
    for value, down, got, told in zip(values, amounts, seen["kept"], seen["lost"], strict=True):
        assert got == (value >> down) & ((1 << width) - 1)
        assert told == bool(value & ((1 << down) - 1))


@pytest.mark.parametrize(("width", "amount_max"), [(12, 15), (7, 3), (1, 1), (5, 0)])
def test_the_lowest_bit_tells(width, amount_max):
    bench, choice = ColumnBench(Target("ecp5-85k-6", 100.0)), random.Random(3)
    amount = bench.input("amount", unsigned(max(1, amount_max.bit_length())))
    shifted = shift_right_jam(bench.p, bench.input("value", unsigned(width)), amount, amount_max)
    values = [choice.getrandbits(width) & -1 << choice.randrange(width) for _ in range(200)]
    amounts = [choice.randint(0, amount_max) for _ in values]
    seen = bench.run({"value": values, "amount": amounts}, {"shifted": shifted})
    for value, down, got in zip(values, amounts, seen["shifted"], strict=True):
        assert got == (value >> down) | (value & ((1 << down) - 1) != 0)
