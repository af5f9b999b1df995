"""Moments of rows of floating-point elements, each in the cycle that is promised, against the golden model."""

import random

import numpy as np
import pytest

from hw.simulation import signed, trace
from streamnorm.precision.floating import FloatPrecision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm.units.floating import FloatMoments
from streamnorm_sim.reference.floating.sums import row_sums

GENERIC, FAST = ("generic", 100.0), ("ecp5-25k-6", 200.0)


def unit(source: str, norm: str, lanes: int, length: int, target: tuple[str, float], **keys) -> NormConfig:
    number = FloatFormat.parse(source)
    return NormConfig(
        norm=norm,
        lanes=lanes,
        max_length=length,
        input=number,
        output=number,
        target=target[0],
        clock_mhz=target[1],
        **(keys if norm == "frozen" else {"epsilon": 1e-5, **keys}),
    )


CONFIGURATIONS = {
    "bf16 layernorm": unit("bf16", "layernorm", 4, 40, FAST),
    "bf16 rmsnorm": unit("bf16", "rmsnorm", 5, 40, GENERIC),
    "bf16 in one lane": unit("bf16", "crmsnorm", 1, 9, FAST),
    "a part": unit("bf16", "rmsnorm", 4, 30, FAST, statistic_length=11),
    "a part of whole beats": unit("bf16", "rmsnorm", 2, 21, GENERIC, statistic_length=8),
    "a part of a beat": unit("fp16", "rmsnorm", 4, 17, FAST, statistic_length=3),
    "fp16": unit("fp16", "layernorm", 2, 33, FAST),
    "fp16 without epsilon": unit("fp16", "rmsnorm", 5, 25, GENERIC, epsilon=0.0),
    "fp8_e5m2": unit("fp8_e5m2", "layernorm", 5, 40, GENERIC),
    "fp8_e4m3fn": unit("fp8_e4m3fn", "crmsnorm", 4, 24, FAST, epsilon=0.0),
    "fp32": unit("fp32", "layernorm", 2, 20, FAST),
    "fp32 rmsnorm": unit("fp32", "rmsnorm", 1, 12, GENERIC, epsilon=0.0),
    "float(3, 4)": unit("float(3, 4)", "crmsnorm", 4, 40, GENERIC),
    "float(2, 1)": unit("float(2, 1)", "layernorm", 2, 14, FAST),
    "no squares": unit("bf16", "frozen", 4, 20, FAST, deviation=1e30),
    "a large epsilon": unit("fp8_e5m2", "rmsnorm", 2, 14, FAST, epsilon=1e11),
    "no multipliers": unit("bf16", "layernorm", 2, 12, ("ice40-hx8k", 40.0)),
}


def rows_of(config: NormConfig, rng: np.random.Generator) -> list[np.ndarray]:
    """Rows of codes whose largest element rises by few and by many binades, and special ones."""
    source = config.input
    assert isinstance(source, FloatFormat)
    low, high = source.fraction_bits, source.exponent_bits

    def codes(exponents: np.ndarray) -> np.ndarray:
        size = exponents.shape
        return (rng.integers(0, 2, size) << (low + high)) + (exponents << low) + rng.integers(0, 1 << low, size)

    top = source.binade_max + 1
    longest, floor = config.max_length, FloatPrecision.of(config).sums.floor
    rows = []
    for kind in range(30):
        length = int(rng.integers(1, longest + 1)) if kind % 3 else longest
        places = np.arange(length)
        if kind % 10 < 2:
            row = codes(rng.integers(0, top + 1, length))
        elif kind % 10 < 4:  # rising, slowly or fast, from around the floor or from the lowest binade
            start = min(floor, top) if kind % 2 else 0
            row = codes(np.minimum(start + (places * rng.uniform(0.2, 1.0 + top / length)).astype(int), top))
        elif kind % 10 < 6:  # near each other, one far above
            row = codes(np.clip(rng.normal(0.4 * top, 3, length).astype(int), 0, top))
            row[rng.integers(length)] = codes(np.array([top - kind % 4]))[0]
        elif kind % 10 == 6:  # subnormal numbers and zeros
            row = np.where(rng.random(length) < 0.5, codes(np.zeros(length, int)), 0)
        elif kind % 10 == 7:  # the largest numbers, of one sign
            row = np.full(length, source.code_of_largest | (kind // 10 % 2) << (low + high))
        elif kind % 10 == 8:  # anything, NaN and infinity
            row = rng.integers(0, 1 << source.bits, length)
            row[rng.integers(length)] = source.code_of_infinity
        else:
            row = codes(np.clip(rng.normal(0.7 * top, 2, length).astype(int), 0, top))
            row[rng.integers(length)] = source.code_of_nan
        rows.append(row)
    for kind in range(20):  # one element again and again, and but for the last one
        row = np.full(rng.integers(1, config.max_length, endpoint=True), codes(rng.integers(0, top, 1))[0])
        row[-1] ^= kind % 2
        rows.append(row)
    return rows


def moments_of(config: NormConfig, row: np.ndarray) -> list[dict[str, int]]:
    """After each beat of a row."""
    norm, precision, source = config.formula, FloatPrecision.of(config), config.input
    assert precision.sums is not None
    ends = np.minimum(np.arange(config.lanes, len(row) + config.lanes, config.lanes), len(row))
    parts = source.parts(np.where(np.arange(len(row)) < ends[:, None], row, 0))
    plain = ~(parts.is_nan | parts.is_infinite)
    x = np.where(parts.negative, -parts.mantissa, parts.mantissa) * plain
    counted = norm.statistic_length
    sums = row_sums(precision.sums, x, parts.binade * plain, counted=counted, with_squares=norm.has_squares)
    special = parts.is_nan[:, :counted].any(axis=1) + 2 * parts.is_infinite[:, :counted].any(axis=1)
    if norm.centred:
        special += [4 * bool((row[:end] != row[0]).any()) for end in ends]
    return [
        {
            "n": 0 if norm.has_unit_weight else int(norm.count(int(end))),
            "s1": int(sums.s1[i]) if norm.has_sum else 0,
            "s2": int(sums.s2[i]) if norm.has_squares else 0,
            "top": int(sums.top[i]),
            "special": int(special[i]),
        }
        for i, end in enumerate(ends)
    ]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_moments_of_rows_with_gaps(name):
    config = CONFIGURATIONS[name]
    moments = FloatMoments(config)
    generator = random.Random(5)
    lanes = config.lanes
    inputs, expected = [], []
    for row in rows_of(config, np.random.default_rng(5)):
        gap = generator.choice((0.0, 0.3))
        for beat, want in enumerate(moments_of(config, row)):
            while generator.random() < gap:
                inputs.append({"valid": 0, "first": generator.getrandbits(1), "before": 0})
                expected.append(expected[-1] if expected else None)
            codes = [int(code) for code in row[beat * lanes : (beat + 1) * lanes]]
            inputs.append(
                {
                    "valid": 1,
                    "first": int(beat == 0),
                    "d": codes + [0] * (lanes - len(codes)),
                    "keep": (1 << len(codes)) - 1,
                    "before": beat * lanes,
                }
            )
            expected.append(want)
    inputs += [{"valid": 0}] * (max(moments.cycles.values()) + 1)
    seen = trace(moments, inputs, moments.names)
    for cycle, want in enumerate(expected):
        if want is None:
            continue
        for output in moments.names:
            if output == "n" and not inputs[cycle]["valid"]:  # it does not hold still
                continue
            found = seen[cycle + moments.cycles[output]][output]
            found = signed(found, len(moments.s1)) if output == "s1" else found
            assert found == want[output], f"{output} of cycle {cycle}"


def test_rows_raise_their_top_by_any_number_of_windows():
    """What the rows above are for: a rise of each number of windows that is told apart, and of more."""
    config = CONFIGURATIONS["bf16 layernorm"]
    sums = FloatPrecision.of(config).sums
    rises = set()
    for row in rows_of(config, np.random.default_rng(5)):
        tops = [moments["top"] // sums.window for moments in moments_of(config, row)]
        rises |= set(np.diff(tops))
    assert rises >= set(range(sums.count + 2))


def test_outputs_that_a_norm_has_no_use_for_take_no_time():
    moments = FloatMoments(CONFIGURATIONS["bf16 rmsnorm"])
    assert moments.s1_cycle == moments.cycles["s1"] == 0
    assert moments.s2_cycle == max(moments.cycles.values()) > 0
    assert moments.multipliers == 5
