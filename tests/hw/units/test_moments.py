"""Exact moments of rows with gaps, each in the cycle that is promised."""

import random

import numpy as np
import pytest

from hw.simulation import signed, trace
from hw.units.units import differences, unit
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.units.moments import Moments

CONFIGURATIONS = {
    "slow": unit(clock_mhz=5.0),
    "fast": unit(target="ecp5-85k-6", clock_mhz=200.0, lanes=5, max_length=60),
    "chunks": unit(clock_mhz=400.0, input=IntFormat(24), lanes=2, max_length=40),
    "one lane": unit(lanes=1, max_length=9, target="ice40-hx8k", clock_mhz=48.0),
    "a part": unit(norm="rmsnorm", lanes=4, max_length=30, statistic_length=11, clock_mhz=200.0),
    "a part of whole beats": unit(norm="rmsnorm", lanes=4, max_length=30, statistic_length=8),
    "a part of a beat": unit(norm="rmsnorm", lanes=4, max_length=30, statistic_length=2, target="ecp5-85k-6"),
    "rmsnorm": unit(norm="rmsnorm", input=IntFormat(8, signed=False, zero_point=200), clock_mhz=200.0),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_moments_of_rows_with_gaps(name):
    config: NormConfig = CONFIGURATIONS[name]
    moments = Moments(config)
    generator = random.Random(3)
    lanes = config.lanes
    inputs, expected = [], []
    for d in differences(config, 12, seed=3):
        for start in range(0, len(d), lanes):
            beat = [int(value) for value in d[start : start + lanes]]
            while generator.random() < 0.25:
                inputs.append({"valid": 0, "first": generator.getrandbits(1), "before": 0})
                expected.append(expected[-1] if expected else None)
            inputs.append(
                {
                    "valid": 1,
                    "first": int(start == 0),
                    "d": beat + [0] * (lanes - len(beat)),
                    "keep": (1 << len(beat)) - 1,
                    "before": start,
                }
            )
            so_far = d[: start + lanes].astype(object)[: config.statistic_length]
            expected.append((len(so_far), int(so_far.sum()), int((so_far**2).sum())))
    inputs += [{"valid": 0}] * (max(moments.n_cycle, moments.s1_cycle, moments.s2_cycle) + 1)
    seen = trace(moments, inputs, ["n", "s1", "s2"])
    s1_bits = len(moments.s1)
    beats = 0
    for cycle, want in enumerate(expected):
        if want is None:
            continue
        n, s1, s2 = want
        assert seen[cycle + moments.s2_cycle]["s2"] == s2, f"cycle {cycle} of seed 3"
        if config.norm == "layernorm":
            assert signed(seen[cycle + moments.s1_cycle]["s1"], s1_bits) == s1, f"cycle {cycle} of seed 3"
        if inputs[cycle]["valid"]:  # n does not hold still
            assert seen[cycle + moments.n_cycle]["n"] == n, f"cycle {cycle} of seed 3"
            beats += 1
    assert beats > 40


def test_widths_hold_the_largest_row():
    """A full row with the pivot at one end of the range and all others at the other end."""
    config = unit(input=IntFormat(24), lanes=4, max_length=64)
    moments = Moments(config)
    span = config.input.max - config.input.min
    for sign in (1, -1):
        d = np.full(64, sign * span, object)
        d[0] = 0
        inputs = [
            {"valid": 1, "first": int(i == 0), "d": [int(v) for v in d[i : i + 4]], "keep": 15, "before": i}
            for i in range(0, 64, 4)
        ]
        seen = trace(moments if sign > 0 else Moments(config), [*inputs, *[{"valid": 0}] * 12], ["s1", "s2"])
        assert signed(seen[-1]["s1"], len(moments.s1)) == d.sum()
        assert seen[-1]["s2"] == (d**2).sum()


def test_a_faster_clock_takes_more_cycles():
    latencies = [Moments(unit(target="ecp5-85k-6", clock_mhz=clock)).s2_cycle for clock in (5.0, 100.0, 300.0)]
    assert latencies == sorted(latencies)
    assert latencies[0] < latencies[-1]
