"""Each operation on floating-point numbers on its own, against the same in NumPy."""

from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import signed, unsigned

from hw.logic.column_bench import ColumnBench
from hw.logic.pipeline_bench import TARGETS
from streamnorm.logic.floating import Exponent, Placed, decoded, field_of, product_field, rounded, side_by_side
from streamnorm.logic.floating.decode import normalized_mantissa
from streamnorm.spec.formats import FloatFormat
from streamnorm_sim.reference.floating import ending

FORMATS = [FloatFormat(name) for name in ("bf16", "fp16", "fp8_e5m2", "fp8_e4m3fn", "float(3, 5)")]
FORMATS += [FloatFormat("fp8_e4m3fn", overflow="nan"), FloatFormat("bf16", overflow="saturate")]

# Delays place registers; values are the same on every target.
by_few_targets = pytest.mark.parametrize("target", [TARGETS[4], TARGETS[8]], ids=lambda t: f"{t.name}@{t.clock_mhz:g}")


@by_few_targets
@pytest.mark.parametrize("number_format", FORMATS[:5], ids=lambda f: f.name)
def test_a_code_is_taken_apart(target, number_format):
    bench = ColumnBench(target)
    found = decoded(bench.p, number_format, bench.input("code", unsigned(number_format.bits)))
    full, left = normalized_mantissa(bench.p, found.mantissa)
    outputs = {**vars(found), "binade": found.binade(bench.p), "full": full, "left": left}
    del outputs["exponent"]
    count = 1 << number_format.bits
    codes = list(range(0, count, max(1, count // 1000 | 1)))
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
            assert full == int(mantissa) << left
            assert full >= top or not mantissa


@by_few_targets
@pytest.mark.parametrize(("a_bits", "b_bits", "bits", "lowest"), [(12, 4, 9, 5), (6, 8, 14, 5), (9, 9, 9, -90)])
def test_two_numbers_are_set_on_one_grid(target, a_bits, b_bits, bits, lowest):
    bench, rng = ColumnBench(target), np.random.default_rng(1)
    count = 200
    a_value, b_value = bench.input("a", signed(a_bits)), bench.input("b", unsigned(b_bits))
    a_top, b_top = Exponent.of(bench.input("a_top", signed(7)), 3), Exponent.of(bench.input("b_top", signed(6)))
    a = Placed(a_top, a_bits, bench.input("a_zero", unsigned(1)))
    b = Placed(b_top, b_bits, bench.input("b_zero", unsigned(1)))
    grid = side_by_side(bench.p, a, b, bits, lowest)
    outputs = {
        "a_set": field_of(bench.p, a_value, grid.a_down, bits),
        "b_set": field_of(bench.p, b_value, grid.b_down, bits),
        "top": grid.top.value,
    }
    values = {
        "a": rng.integers(-(1 << (a_bits - 1)), 1 << (a_bits - 1), count) * (rng.random(count) < 0.8),
        "a_top": rng.integers(-64, 64, count),
        "b": rng.integers(0, 1 << b_bits, count) * (rng.random(count) < 0.8),
        "b_top": rng.integers(-32, 32, count),
    }
    values["a_zero"], values["b_zero"] = values["a"] == 0, values["b"] == 0
    seen = bench.run({name: [int(x) for x in column] for name, column in values.items()}, outputs)
    for i in range(count):
        row = {name: int(column[i]) for name, column in values.items()}
        tops = {"a": row["a_top"] + 3, "b": row["b_top"]}
        top = max([tops[name] for name in "ab" if row[name]] + [lowest])
        if row["a"] or row["b"]:
            assert seen["top"][i] + grid.top.offset == top
        for name, width in (("a", a_bits), ("b", b_bits)):
            at_top = row[name] << (bits - width) if bits >= width else row[name] >> (width - bits)
            want = at_top >> max(0, top - tops[name]) if row[name] else 0
            assert seen[f"{name}_set"][i] == want, (row, name)


@pytest.mark.parametrize("most", [0, 3, 15])
@pytest.mark.parametrize("shape", [unsigned(4), signed(9)], ids=["narrow", "wide"])
def test_a_field_is_wider_than_what_is_shifted_in_it(most, shape):
    """Amounts of few bits leave zeros at the foot of a field."""
    bench, rng = ColumnBench(TARGETS[4]), np.random.default_rng(4)
    value = bench.input("value", shape)
    down = bench.input("down", unsigned(most.bit_length())) if most else bench.p.constant(0, unsigned(1))
    field = field_of(bench.p, value, down, 20)
    half = (1 << value.width - 1) * value.signed
    columns = {
        "value": [int(x) - half for x in rng.integers(0, 1 << value.width, 50)],
        "down": [int(x) for x in rng.integers(0, most + 1, 50)],
    }
    seen = bench.run(columns if most else {"value": columns["value"]}, {"field": field})["field"]
    for x, by, got in zip(columns["value"], columns["down"], seen, strict=True):
        assert got == x << (20 - value.width) >> by


@pytest.mark.parametrize(("b_least", "bits"), [(0, 12), (6, 12), (12, 12)])
def test_a_zero_of_the_lowest_top_moves_nothing(b_least, bits):
    """Its top need not be the lowest one that counts; the other number is no less exact for it."""
    bench, rng = ColumnBench(TARGETS[4]), np.random.default_rng(1)
    a_top, b_top = bench.input("a_top", unsigned(4)), bench.input("b_top", unsigned(4))
    a = Placed(Exponent.of(a_top), 6, bench.input("a_zero", unsigned(1)))
    b = Placed(Exponent.of(b_top, b_least), 6, bench.input("b_zero", unsigned(1)), zero_is_lowest=True)
    grid = side_by_side(bench.p, a, b, bits, -5)
    field = field_of(bench.p, bench.input("a", unsigned(6)), grid.a_down, bits)
    values = {"a": rng.integers(1, 64, 60), "a_top": rng.integers(0, 16, 60), "b_top": rng.integers(0, 16, 60)}
    values["b_zero"] = rng.random(60) < 0.5
    values["b_top"] *= ~values["b_zero"]
    columns = {name: [int(x) for x in column] for name, column in values.items()} | {"a_zero": [0] * 60}
    seen = bench.run(columns, {"field": field, "top": grid.top.value})
    for a, top, none, got, got_top in zip(
        columns["a"], columns["a_top"], columns["b_zero"], seen["field"], seen["top"], strict=True
    ):
        if none:
            assert got * 2.0 ** (got_top + grid.top.offset - bits) == a * 2.0 ** (top - 6)


@pytest.mark.parametrize("target", [*TARGETS[1::3], TARGETS[5]], ids=lambda t: f"{t.name}@{t.clock_mhz:g}")
@pytest.mark.parametrize(
    ("a_shape", "b_bits", "bits"), [(signed(20), 8, 23), (unsigned(9), 4, 15), (signed(7), 17, 12)]
)
def test_a_product_is_set_in_its_field(target, a_shape, b_bits, bits):
    bench, rng = ColumnBench(target), np.random.default_rng(1)
    a, b = bench.input("a", a_shape), bench.input("b", unsigned(b_bits))
    field = product_field(bench.p, a, b, bench.input("down", unsigned(5)), bits)
    half = (1 << a_shape.width - 1) * a_shape.signed
    columns = {
        "a": [int(x) - half for x in rng.integers(0, 1 << a_shape.width, 150)],
        "b": [int(x) for x in rng.integers(0, 1 << b_bits, 150)],
        "down": [int(x) for x in rng.integers(0, 32, 150)],
    }
    up = bits - a_shape.width - b_bits
    for x, y, down, got in zip(*columns.values(), bench.run(columns, {"field": field})["field"], strict=True):
        at_top = x * y << up if up >= 0 else x * y >> -up
        assert got == at_top >> down


@by_few_targets
@pytest.mark.parametrize(("a_bits", "b_bits", "bits"), [(9, 4, 15), (5, 8, 13), (1, 6, 30)])
def test_a_sticky_field_tells_of_what_is_cut(target, a_bits, b_bits, bits):
    bench, rng = ColumnBench(target), np.random.default_rng(1)
    a, b, down = (bench.input(name, unsigned(width)) for name, width in (("a", a_bits), ("b", b_bits), ("down", 5)))
    outputs = {
        "one": field_of(bench.p, a, down, bits, sticky=True),
        "product": product_field(bench.p, a, b, down, bits, sticky=True),
    }
    values = {name: rng.integers(0, 1 << width, 150) for name, width in (("a", a_bits), ("b", b_bits), ("down", 5))}
    columns = {name: [int(x) for x in column] for name, column in values.items()}
    seen = bench.run(columns, outputs)
    for x, y, down, one, product in zip(*columns.values(), seen["one"], seen["product"], strict=True):
        for value, width, got in ((x, a_bits, one), (x * y, a_bits + b_bits, product)):
            at_top = value << (bits - width)
            assert got == at_top >> down | (at_top % (1 << down) != 0)


@by_few_targets
@pytest.mark.parametrize("number_format", FORMATS, ids=lambda f: f"{f.name} {f.overflow}")
@pytest.mark.parametrize(
    ("width", "is_signed", "zeros_max", "reaches_normal"),
    [
        (20, False, None, False),
        (20, False, 3, False),
        (5, False, None, False),
        (5, True, None, False),
        (20, True, None, False),
        (20, True, None, True),
    ],
)
def test_a_number_is_rounded(target, number_format, width, is_signed, zeros_max, reaches_normal):
    bench, rng = ColumnBench(target), np.random.default_rng(2)
    normal = number_format.fraction_bits - width + 1
    exponent = Exponent.of(bench.input("exponent", signed(11)), 1)
    outputs = rounded(
        bench.p,
        number_format,
        bench.input("number", signed(width + 1) if is_signed else unsigned(width)),
        replace(exponent, low=normal) if reaches_normal else exponent,
        zeros_max=zeros_max,
    )._asdict()
    count = 400
    lowest = 0 if zeros_max is None else width - 1 - zeros_max
    magnitude = (1 << rng.integers(lowest, width, count)) + rng.integers(0, 1 << width, count)
    magnitude = np.where(magnitude >= 1 << width, (1 << width) - 1 - rng.integers(0, 2, count), magnitude)
    # Halfway between two numbers, one above and one below that; and 0.
    ties = (magnitude >> (width // 2) << (width // 2)) + (1 << (width // 2 - 1)) + rng.integers(-1, 2, count)
    magnitude = np.where(rng.random(count) < 0.4, np.maximum(ties, 1 << lowest), magnitude)
    magnitude[:5] = 0
    reach = number_format.binade_max
    exponent = rng.integers(normal if reaches_normal else -width - 20, reach + 30, count)
    want = ending.rounded(number_format, ending.Scaled(np.zeros(count, bool), magnitude, exponent))
    negative = is_signed & (rng.random(count) < 0.5)
    columns = {"number": np.where(negative, -magnitude, magnitude).tolist(), "exponent": (exponent - 1).tolist()}
    seen = bench.run(columns, outputs)
    assert seen["is_zero"] == (magnitude == 0).tolist()
    code = np.where(np.array(seen["is_far"]), number_format.code_of_overflow, seen["code"])
    differs = np.flatnonzero((code != want.codes) | (np.array(seen["overflows"]) != want.overflows))
    assert not differs.size, [
        (int(magnitude[i]), int(exponent[i]), seen["code"][i], want.codes[i]) for i in differs[:4]
    ]
