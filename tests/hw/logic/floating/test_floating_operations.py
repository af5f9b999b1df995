"""Each operation on floating-point numbers on its own, against the same in NumPy."""

import numpy as np
import pytest
from amaranth.hdl import signed, unsigned

from hw.logic.column_bench import ColumnBench
from hw.logic.pipeline_bench import TARGETS, by_target
from streamnorm.logic.floating import decoded, rounded, set_side_by_side
from streamnorm.logic.floating.decode import normalized_mantissa
from streamnorm.logic.floating.side_by_side import Placed
from streamnorm.spec.formats import FloatFormat
from streamnorm_sim.reference.floating import ending

FORMATS = [FloatFormat(name) for name in ("bf16", "fp16", "fp8_e5m2", "fp8_e4m3fn", "float(3, 5)")]
FORMATS += [FloatFormat("fp8_e4m3fn", overflow="nan"), FloatFormat("bf16", overflow="saturate")]


@by_target
@pytest.mark.parametrize("number_format", FORMATS[:5], ids=lambda f: f.name)
def test_a_code_is_taken_apart(target, number_format):
    bench = ColumnBench(target)
    found = decoded(bench.p, number_format, bench.input("code", unsigned(number_format.bits)))
    full, left = normalized_mantissa(bench.p, found.mantissa)
    outputs = {**vars(found), "full": full, "left": left}
    count = 1 << number_format.bits
    codes = list(range(0, count, max(1, count // 3000 | 1)))
    seen = bench.run({"code": codes}, outputs)
    parts = number_format.parts(np.array(codes))
    plain = ~(parts.is_nan | parts.is_infinite)
    for name, want in vars(parts).items():
        mask = np.ones_like(plain) if name in ("is_nan", "is_infinite", "negative") else plain
        got = np.array(seen[name])
        assert np.array_equal(got[mask], want[mask]), name
    assert np.array_equal(np.array(seen["is_zero"])[plain], (parts.mantissa == 0)[plain])
    top = 1 << number_format.fraction_bits
    for mantissa, full, left, usual in zip(parts.mantissa, seen["full"], seen["left"], plain, strict=True):
        if usual:
            assert full == int(mantissa) << left and (full >= top or not mantissa)


@by_target
@pytest.mark.parametrize("a_bits, b_bits, bits", [(12, 4, 9), (6, 8, 14), (9, 9, 9)])
def test_two_numbers_are_set_on_one_grid(target, a_bits, b_bits, bits):
    bench, rng = ColumnBench(target), np.random.default_rng(1)
    a = Placed(bench.input("a", signed(a_bits)), bench.input("a_top", signed(7)), bench.input("a_zero", unsigned(1)))
    b = Placed(bench.input("b", unsigned(b_bits)), bench.input("b_top", signed(6)), bench.input("b_zero", unsigned(1)))
    lowest = 5
    outputs = dict(zip(("a_set", "b_set", "top"), set_side_by_side(bench.p, a, b, bits, lowest), strict=True))
    values = {
        "a": rng.integers(-(1 << (a_bits - 1)), 1 << (a_bits - 1), 400) * (rng.random(400) < 0.8),
        "a_top": rng.integers(-64, 64, 400),
        "b": rng.integers(0, 1 << b_bits, 400) * (rng.random(400) < 0.8),
        "b_top": rng.integers(-32, 32, 400),
    }
    values["a_zero"], values["b_zero"] = values["a"] == 0, values["b"] == 0
    seen = bench.run({name: [int(x) for x in column] for name, column in values.items()}, outputs)
    for i in range(400):
        row = {name: int(column[i]) for name, column in values.items()}
        top = max([row[f"{name}_top"] for name in "ab" if row[name]] + [lowest])
        assert seen["top"][i] == top
        for name, width in (("a", a_bits), ("b", b_bits)):
            at_top = row[name] << (bits - width) if bits >= width else row[name] >> (width - bits)
            want = at_top >> max(0, top - row[f"{name}_top"]) if row[name] else 0
            assert seen[f"{name}_set"][i] == want, (row, name)


@pytest.mark.parametrize("target", TARGETS[1::3], ids=lambda t: t.name)
@pytest.mark.parametrize("number_format", FORMATS, ids=lambda f: f"{f.name} {f.overflow}")
@pytest.mark.parametrize(
    "width, zeros_max, reaches_normal", [(20, None, False), (20, 3, False), (5, None, False), (20, None, True)]
)
def test_a_number_is_rounded(target, number_format, width, zeros_max, reaches_normal):
    bench, rng = ColumnBench(target), np.random.default_rng(2)
    outputs = rounded(
        bench.p,
        number_format,
        bench.input("magnitude", unsigned(width)),
        bench.input("exponent", signed(11)),
        zeros_max=zeros_max,
        reaches_normal=reaches_normal,
    )._asdict()
    count = 1500
    lowest = 0 if zeros_max is None else width - 1 - zeros_max
    magnitude = (1 << rng.integers(lowest, width, count)) + rng.integers(0, 1 << width, count)
    magnitude = np.where(magnitude >= 1 << width, (1 << width) - 1 - rng.integers(0, 2, count), magnitude)
    # Halfway between two numbers, one above and one below that; and 0.
    ties = (magnitude >> (width // 2) << (width // 2)) + (1 << (width // 2 - 1)) + rng.integers(-1, 2, count)
    magnitude = np.where(rng.random(count) < 0.4, np.maximum(ties, 1 << lowest), magnitude)
    magnitude[:5] = 0
    reach = number_format.binade_max
    normal = number_format.fraction_bits - width + 1
    exponent = rng.integers(normal if reaches_normal else -width - 20, reach + 30, count)
    want = ending.rounded(number_format, ending.Scaled(np.zeros(count, bool), magnitude, exponent))
    seen = bench.run({"magnitude": magnitude.tolist(), "exponent": exponent.tolist()}, outputs)
    code = np.where(np.array(seen["is_far"]), number_format.code_of_overflow, seen["code"])
    differs = np.flatnonzero((code != want.codes) | (np.array(seen["overflows"]) != want.overflows))
    assert not differs.size, [
        (int(magnitude[i]), int(exponent[i]), seen["code"][i], want.codes[i]) for i in differs[:4]
    ]
