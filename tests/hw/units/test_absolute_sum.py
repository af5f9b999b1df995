"""The exact sum of absolute deviations of rows with gaps, in the cycle that is promised."""

import random

import pytest

from hw.simulation import trace
from hw.units.units import differences, unit
from streamnorm.spec.formats import IntFormat
from streamnorm.units.absolute_sum import AbsoluteSum

CONFIGURATIONS = {
    "slow": unit(norm="l1norm", clock_mhz=5.0),
    "fast": unit(norm="l1norm", target="ecp5-85k-6", clock_mhz=200.0, lanes=5, max_length=60),
    "chunks": unit(norm="l1norm", clock_mhz=400.0, input=IntFormat(24), lanes=2, max_length=40),
    "one lane": unit(norm="l1norm", lanes=1, max_length=9, target="ice40-hx8k", clock_mhz=48.0),
    "one element": unit(norm="l1norm", lanes=4, max_length=1),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_rows_with_gaps(name):
    config = CONFIGURATIONS[name]
    block = AbsoluteSum(config)
    generator = random.Random(3)
    lanes = config.lanes
    inputs, expected = [], []
    for row in differences(config, 12, seed=3):
        d = [int(value) for value in row]
        of_row = {"n": len(d), "s1": sum(d)}
        for start in range(0, len(d), lanes):
            while generator.random() < 0.25:
                inputs.append({"valid": 0, "first": generator.getrandbits(1)})
                expected.append(expected[-1] if expected else None)
            beat = d[start : start + lanes]
            # What lanes that are not kept have must not matter.
            lanes_of_beat = beat + [generator.choice(d) for _ in range(lanes - len(beat))]
            inputs.append(
                {"valid": 1, "first": int(start == 0), "d": lanes_of_beat, "keep": (1 << len(beat)) - 1, **of_row}
            )
            if start + lanes >= len(d):
                expected.append(sum(abs(len(d) * value - sum(d)) for value in d))
            else:
                expected.append(None)  # half of a sum that is not 0 yet
    inputs += [{"valid": 0}] * (block.s2_cycle + 1)
    seen = trace(block, inputs, ["s2"])
    checked = [cycle for cycle, want in enumerate(expected) if want is not None]
    for cycle in checked:
        assert seen[cycle + block.s2_cycle]["s2"] == expected[cycle], f"cycle {cycle} of seed 3"
    assert len(checked) > 20


def test_the_widest_sum():
    """Half of the elements at each end of the range."""
    config = unit(norm="l1norm", input=IntFormat(24), lanes=4, max_length=64)
    block = AbsoluteSum(config)
    span = (1 << 24) - 1
    d = [0] * 32 + [span] * 32
    of_row = {"valid": 1, "keep": 15, "n": 64, "s1": sum(d)}
    inputs = [{**of_row, "first": int(at == 0), "d": d[at : at + 4]} for at in range(0, 64, 4)]
    seen = trace(block, [*inputs, *[{"valid": 0}] * (block.s2_cycle + 1)], ["s2"])
    assert seen[len(inputs) - 1 + block.s2_cycle]["s2"] == 2 * 32 * 32 * span
    assert (2 * 32 * 32 * span).bit_length() == len(block.s2)
