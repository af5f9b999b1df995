"""The shift-and-add multiplier: the exact product, in the cycle it promises, at the rate it promises."""

import random

import pytest
from amaranth.hdl import Shape, signed, unsigned

from hw.simulation import trace
from streamnorm.logic.primitives import SerialMultiplier


def extremes(shape: Shape) -> list[int]:
    low = -(1 << shape.width - 1) if shape.signed else 0
    return [low, low + (1 << shape.width) - 1, 0]


@pytest.mark.parametrize("b_width", [1, 2, 7, 13])
@pytest.mark.parametrize("a_shape", [unsigned(1), unsigned(12), signed(1), signed(9), signed(17)], ids=str)
def test_products_follow_each_other_as_soon_as_promised(a_shape, b_width):
    multiplier = SerialMultiplier(a_shape=a_shape, b_width=b_width)
    assert multiplier.latency == b_width + 1
    generator = random.Random(b_width)
    pairs = [(a, b) for a in extremes(a_shape) for b in extremes(unsigned(b_width))]
    low, high = min(extremes(a_shape)), max(extremes(a_shape))
    pairs += [(generator.randint(low, high), generator.getrandbits(b_width)) for _ in range(30)]
    inputs, starts = [], []
    for a, b in pairs:
        starts.append(len(inputs))
        inputs.append({"start": 1, "a": a, "b": b})
        # Neither operand is there any longer; sometimes the next product waits.
        idle = b_width + generator.choice([0, 0, 1, 5])
        inputs += [{"start": 0, "a": generator.randint(low, high), "b": 0} for _ in range(idle)]
    inputs += [{"start": 0}] * (b_width + 2)
    seen = trace(multiplier, inputs, ["p"])
    mask = (1 << a_shape.width + b_width) - 1
    for cycle, (a, b) in zip(starts, pairs, strict=True):
        got = seen[cycle + multiplier.latency]["p"] & mask
        assert got == a * b & mask, f"{a} * {b}: got {got:#x}"


def test_a_start_drops_the_product_under_way():
    multiplier = SerialMultiplier(a_shape=unsigned(8), b_width=8)
    inputs = [{"start": 1, "a": 255, "b": 255}, {"start": 0}, {"start": 0}, {"start": 1, "a": 7, "b": 9}]
    inputs += [{"start": 0}] * 10
    assert trace(multiplier, inputs, ["p"])[3 + multiplier.latency]["p"] == 63
