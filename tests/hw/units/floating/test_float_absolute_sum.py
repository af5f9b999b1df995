"""The sum of absolute deviations of rows of floating-point elements, in the cycle that is promised."""

import random

import numpy as np
import pytest

from hw.simulation import trace
from hw.units.floating.test_float_moments import FAST, GENERIC, rows_of, unit
from streamnorm.precision.floating import FloatPrecision
from streamnorm.units.floating import FloatAbsoluteSum
from streamnorm_sim.reference.floating.sums import deviation_sums, row_sums

CONFIGURATIONS = {
    "bf16": unit("bf16", "l1norm", 4, 40, FAST),
    "bf16 in one lane": unit("bf16", "l1norm", 1, 9, FAST, epsilon=0.0),
    "slow": unit("bf16", "l1norm", 5, 33, ("generic", 5.0)),
    "fp16": unit("fp16", "l1norm", 3, 25, GENERIC),
    "fp32": unit("fp32", "l1norm", 2, 20, FAST),
    "one element": unit("float(6, 9)", "l1norm", 4, 1, GENERIC),
    "float(2, 1)": unit("float(2, 1)", "l1norm", 2, 14, FAST),
    "a large epsilon": unit("fp8_e5m2", "l1norm", 2, 14, FAST, epsilon=1e6),
    "no multipliers": unit("bf16", "l1norm", 2, 12, ("ice40-hx8k", 40.0)),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_rows_with_gaps(name):
    config = CONFIGURATIONS[name]
    block, sums = FloatAbsoluteSum(config), FloatPrecision.of(config).sums
    generator = random.Random(3)
    lanes = config.lanes
    inputs, expected = [], []
    for row in rows_of(config, np.random.default_rng(3)):
        parts = config.input.parts(row[None])
        plain = ~(parts.is_nan | parts.is_infinite)
        x, binade = np.where(parts.negative, -parts.mantissa, parts.mantissa) * plain, parts.binade * plain
        found = row_sums(sums, x, binade, counted=None, with_squares=False)
        of_row = {"n": len(row), "s1": int(found.s1[0]), "top": int(found.top[0])}
        for start in range(0, len(row), lanes):
            while generator.random() < 0.25:
                inputs.append({"valid": 0, "first": generator.getrandbits(1)})
                expected.append(expected[-1] if expected else None)
            beat = [int(code) for code in row[start : start + lanes]]
            # What lanes that are not kept have must not matter.
            codes = beat + [int(generator.choice(row)) for _ in range(lanes - len(beat))]
            inputs.append({"valid": 1, "first": int(start == 0), "d": codes, "keep": (1 << len(beat)) - 1, **of_row})
            expected.append(None)
        expected[-1] = int(deviation_sums(sums, x, binade, found, np.array([len(row)]))[0])
    inputs += [{"valid": 0}] * (block.s2_cycle + 1)
    seen = trace(block, inputs, ["s2"])
    checked = [cycle for cycle, want in enumerate(expected) if want is not None]
    for cycle in checked:
        assert seen[cycle + block.s2_cycle]["s2"] == expected[cycle], f"cycle {cycle} of seed 3"
    assert len(checked) > 20
    assert max(expected[cycle] for cycle in checked) > 0 or config.max_length == 1


def test_the_widest_sum():
    """Half of the elements at each end of the range."""
    config = unit("bf16", "l1norm", 4, 64, FAST)
    block, precision = FloatAbsoluteSum(config), FloatPrecision.of(config)
    largest = config.input.code_of_largest
    of_row = {"valid": 1, "keep": 15, "n": 64, "s1": 0, "top": config.input.binade_max}
    codes = [largest] * 32 + [largest | 0x8000] * 32
    inputs = [{**of_row, "first": int(at == 0), "d": codes[at : at + 4]} for at in range(0, 64, 4)]
    seen = trace(block, [*inputs, *[{"valid": 0}] * (block.s2_cycle + 1)], ["s2"])
    largest_in_unit = 255 << (precision.sums.row_bits - 8)
    assert seen[len(inputs) - 1 + block.s2_cycle]["s2"] == 64 * 64 * largest_in_unit
    assert (64 * 64 * largest_in_unit).bit_length() <= len(block.s2)
