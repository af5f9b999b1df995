"""Entries leave the ring in the order they came, and stay in its register until the next."""

import random

import pytest

from hw.simulation import trace
from streamnorm.logic.row_ring import RowRing


@pytest.mark.parametrize("family", ["generic", "ecp5", "ice40"])
@pytest.mark.parametrize("depth", [16, 48])
def test_order_and_latency(family, depth):
    """An entry can be fetched in the cycle after it was written, and is there in the next."""
    generator = random.Random(depth)
    waiting, inputs, expected = [], [], []
    held = 0
    for cycle in range(600):
        expected.append({"data": held})
        advance = bool(waiting) and generator.random() < (0.3 if cycle // 100 % 2 else 0.9)
        write = len(waiting) < depth and generator.random() < (0.8 if cycle // 100 % 2 else 0.6)
        value = generator.getrandbits(21)
        inputs.append({"write": int(write), "write_data": value, "advance": int(advance)})
        held = waiting.pop(0) if advance else held
        if write:
            waiting.append(value)
    ring = RowRing(width=21, depth=depth, family=family)
    assert trace(ring, inputs, ["data"]) == expected
