"""Spacing: moments in order, no two rows closer than the interval, none held longer than that."""

import random

import pytest

from hw.simulation import signed, trace
from hw.units.units import unit
from streamnorm.units.moments import Moments
from streamnorm.units.spacing import LATENCY, Spacing


@pytest.mark.parametrize("interval", [2, 5, 8, 40])
@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm"])
def test_rows_start_in_order_and_apart(interval, norm):
    config = unit(norm=norm, clock_mhz=200.0)
    moments = Moments(config)
    spacing = Spacing(config, moments, interval=interval, row_slots=16)
    cycles = {"n": moments.n_cycle, "s1": moments.s1_cycle, "s2": moments.s2_cycle}
    assert spacing.latency == max(cycles.values()) + LATENCY
    generator = random.Random(interval)
    inputs: list[dict[str, int]] = [{"row_end": 0} for _ in range(1500)]
    ends, starts, cycle, free = [], [], 3, 0
    while cycle < 440:
        values = {name: generator.getrandbits(len(getattr(moments, name)) - 1) for name in cycles}
        inputs[cycle]["row_end"] = 1
        for name, late in cycles.items():
            inputs[cycle + late][name] = values[name]
        free = max(free, cycle + spacing.latency)
        starts.append((free, values))
        free += interval
        ends.append(cycle)
        # A few in quick succession, then time to catch up: never more than fit.
        waiting = sum(start > cycle for start, _ in starts)
        cycle += 1 if waiting < 9 and generator.random() < 0.7 else 3 * interval
    seen = trace(spacing, inputs, ["start", "start_n", "start_s1", "start_s2"])
    assert [cycle for cycle, outputs in enumerate(seen) if outputs["start"]] == [cycle for cycle, _ in starts]
    for index, (start, values) in enumerate(starts):
        stop = starts[index + 1][0] if index + 1 < len(starts) else start + interval
        for cycle in range(start, stop):  # they stay until the next start
            got = {name: signed(seen[cycle][f"start_{name}"], 64) for name in cycles}
            assert got == values, f"row {index} cycle {cycle}"
