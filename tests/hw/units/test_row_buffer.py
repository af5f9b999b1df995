"""Beats leave the row buffer in the order they came, as late as it promises."""

import random

import pytest

from hw.simulation import trace
from hw.units.units import unit
from streamnorm.units.row_buffer import RowBuffer


@pytest.mark.parametrize(("target", "clock_mhz"), [("generic", 50.0), ("ecp5-85k-6", 200.0), ("ice40-hx8k", 40.0)])
def test_order_and_latency(target, clock_mhz):
    config = unit(target=target, clock_mhz=clock_mhz)
    buffer = RowBuffer(config, depth=30)
    assert buffer.depth >= 30
    width = len(buffer.write_d.as_value())
    generator = random.Random(7)
    written: list[tuple[int, int]] = []
    inputs, read_values = [], {}
    for cycle in range(3 * buffer.depth + 300):
        # Full, then empty; a beat can be read two cycles after it was written.
        filling = cycle // (buffer.depth + 40) % 2 == 0
        read = bool(written) and written[0][0] + 2 <= cycle and generator.random() < (0.4 if filling else 1)
        write = len(written) < buffer.depth and generator.random() < (1 if filling else 0.5)
        value = generator.getrandbits(width)
        inputs.append({"write": int(write), "write_d": value, "read": int(read)})
        if read:
            read_values[cycle] = written.pop(0)[1]
        if write:
            written.append((cycle, value))
    inputs += [{"write": 0, "read": 0}] * 4
    seen = trace(buffer, inputs, ["d"])
    assert len(read_values) > buffer.depth
    for cycle, value in read_values.items():
        assert seen[cycle + buffer.latency]["d"] == value
