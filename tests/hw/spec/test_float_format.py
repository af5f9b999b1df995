"""Floating-point formats against ml_dtypes and NumPy, code by code, and what is refused."""

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.spec.formats import FloatFormat, as_format, parse_format

DTYPES = {
    "bf16": ml_dtypes.bfloat16,
    "fp16": np.float16,
    "fp32": np.float32,
    "fp8_e5m2": ml_dtypes.float8_e5m2,
    "fp8_e4m3fn": ml_dtypes.float8_e4m3fn,
}


def codes_of(name):
    """All codes; of fp32 a million, and those at the ends of every binade."""
    number_format = FloatFormat(name)
    if number_format.bits <= 16:
        return np.arange(number_format.max + 1)
    ends = (np.arange(512)[:, None] << 23) + np.array([0, 1, 0x3FFFFF, 0x400000, 0x7FFFFF])
    drawn = np.random.default_rng(3).integers(0, 1 << 32, 1_000_000)
    return np.concatenate([ends.ravel(), drawn])


def typed(name, codes):
    return codes.astype(f"u{FloatFormat(name).bytes}").view(DTYPES[name])


@pytest.mark.parametrize("name", DTYPES)
def test_every_code_is_the_number_of_the_reference_type(name):
    number_format, codes = FloatFormat(name), codes_of(name)
    with np.errstate(invalid="ignore"):  # signalling NaNs
        wanted = typed(name, codes).astype(np.float64)
    got = number_format.dequantize(codes)
    np.testing.assert_array_equal(got, wanted)  # takes NaN for equal
    real = ~np.isnan(wanted)
    assert (np.signbit(got) == np.signbit(wanted))[real].all()
    back = number_format.quantize(got)
    assert (np.where(real, back, 0) == np.where(real, codes, 0)).all()
    half = 1 << (number_format.bits - 1)
    assert (back[~real] & (half - 1) == number_format.code_of_nan).all()


@pytest.mark.parametrize("name", DTYPES)
def test_parts_make_the_number_up(name):
    number_format = FloatFormat(name)
    codes = codes_of(name)
    parts = number_format.parts(codes)
    finite = ~(parts.is_nan | parts.is_infinite)
    values = np.ldexp(parts.mantissa.astype(float), parts.binade) * number_format.scale * (1.0 - 2.0 * parts.negative)
    np.testing.assert_array_equal(values[finite], number_format.dequantize(codes)[finite])
    assert parts.binade[finite].max() == number_format.binade_max
    assert (parts.mantissa[finite] < 1 << number_format.precision).all()
    assert (parts.mantissa[finite & (parts.binade > 0)] >= 1 << number_format.fraction_bits).all()


def doubles(name, count=200_000):
    """Numbers of all sizes: anywhere, halfway between two of the format, and next to that."""
    number_format, rng = FloatFormat(name), np.random.default_rng(5)
    codes = rng.integers(0, number_format.code_of_largest - 1, count)
    low, high = number_format.dequantize(codes), number_format.dequantize(codes + 1)
    middle = (low + high) / 2
    near = np.concatenate(
        [middle, np.nextafter(middle, 0), np.nextafter(middle, np.inf), low + (high - low) * rng.random(count)]
    )
    beyond = number_format.largest * np.array([1.0, 1 + 2.0**-number_format.precision, 1.5, 2.0, 100.0])
    return np.concatenate([near, -near, beyond, -beyond, [0.0, -0.0, 5e-324, -5e-324]])


@pytest.mark.parametrize("name", ["fp16", "fp32"])
def test_float64_is_rounded_as_numpy_rounds_it(name):
    values = doubles(name)
    with np.errstate(over="ignore"):
        wanted = values.astype(DTYPES[name]).view(f"u{FloatFormat(name).bytes}")
    np.testing.assert_array_equal(FloatFormat(name).quantize(values), wanted)


@pytest.mark.parametrize("name", ["bf16", "fp8_e5m2", "fp8_e4m3fn"])
def test_float32_is_rounded_as_ml_dtypes_rounds_it(name):
    """Of float64, ml_dtypes rounds some twice, by way of float32; of float32, everybody rounds once."""
    with np.errstate(over="ignore"):
        values = doubles(name).astype(np.float32)
    number_format = FloatFormat(name)
    values = values[np.abs(values) < number_format.largest]  # beyond, what becomes of them is one's own choice
    wanted = values.astype(DTYPES[name]).view(f"u{number_format.bytes}")
    np.testing.assert_array_equal(number_format.quantize(values), wanted)


@pytest.mark.parametrize("name", [*DTYPES, "float(6, 9)", "float(2, 1)", "float(8, 1)", "float(2, 23)"])
def test_the_nearest_of_both_neighbours_is_taken(name):
    """In fractions: what lies halfway goes to the even code."""
    number_format = FloatFormat(name)
    for value in doubles(name, 60).tolist():
        magnitude = Fraction(abs(value))
        code = int(number_format.quantize(abs(value)))
        if code > number_format.code_of_largest or magnitude > Fraction(number_format.largest):
            continue
        off = abs(Fraction(number_format.dequantize(code).item()) - magnitude)
        for other in (code - 1, code + 1):
            if 0 <= other <= number_format.code_of_largest:
                other_off = abs(Fraction(number_format.dequantize(other).item()) - magnitude)
                assert (off, code % 2) < (other_off, other % 2), value


@pytest.mark.parametrize(
    ("name", "overflow", "code"),
    [
        ("bf16", "", 0x7F80),
        ("bf16", "infinity", 0x7F80),
        ("bf16", "nan", 0x7FC0),
        ("bf16", "saturate", 0x7F7F),
        ("fp16", "", 0x7C00),
        ("fp32", "nan", 0x7FC00000),
        ("fp8_e5m2", "saturate", 0x7B),
        ("fp8_e4m3fn", "", 0x7E),
        ("fp8_e4m3fn", "nan", 0x7F),
        ("float(2, 1)", "", 0x6),
    ],
)
def test_what_becomes_of_numbers_beyond_the_largest(name, overflow, code):
    number_format = parse_format(name, overflow=overflow)
    sign = 1 << (number_format.bits - 1)
    last = number_format.largest
    # Halfway to the number that would be the next, a tie goes to whichever of the two is even.
    halfway = last + 2.0 ** (number_format.binade_max - 1) * number_format.scale
    up = bool(number_format.mantissa_max % 2)
    assert number_format.quantize([halfway * 1.01, -halfway * 1.01]).tolist() == [code, code | sign]
    assert int(number_format.quantize(halfway)) == (code if up else number_format.code_of_largest)
    assert int(number_format.quantize(np.nextafter(halfway, 0))) == number_format.code_of_largest
    got = number_format.saturates(
        [last, np.nextafter(halfway, 0), halfway, np.nextafter(halfway, np.inf), -halfway * 1.01]
    )
    assert got.tolist() == [False, False, up, True, True]
    assert number_format.saturates([np.nan, np.inf, -np.inf, 0.0]).tolist() == [False] * 4
    infinite = number_format.code_of_overflow if number_format.finite else number_format.code_of_infinity
    assert number_format.quantize([np.inf, -np.inf]).tolist() == [infinite, infinite | sign]
    assert number_format.quantize([np.nan]).tolist() == [number_format.code_of_nan]


def test_names_and_tables():
    assert FloatFormat("float(8, 7)") == FloatFormat(8, 7) == FloatFormat("bf16")
    assert FloatFormat(8, 7).name == "bf16"
    assert FloatFormat(4, 3).name == "float(4, 3)" != FloatFormat("fp8_e4m3fn").name
    assert FloatFormat("float(6, 9)").to_dict() == {"format": "float(6, 9)", "overflow": "infinity"}
    assert as_format("input", {"format": "fp16", "overflow": "nan"}).overflow == "nan"
    assert FloatFormat("fp8_e4m3fn").ends == (-448 * 512, 448 * 512)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fp64",), "format = 'fp64': must be one of bf16, .*float\\(8, 23\\)"),
        (("float(9, 7)",), "must be one of bf16"),
        (("float(8, 0)",), "must be one of bf16"),
        ((1, 7), "exponent_bits = 1: must be an integer from 2 to 8, or a name: bf16"),
        ((8, 24), "fraction_bits = 24: must be an integer from 1 to 23"),
        ((8, 7, False, "wrap"), "overflow = 'wrap': must be one of infinity, nan, saturate"),
        ((4, 3, True, "infinity"), "overflow = 'infinity': must be one of nan, saturate"),
    ],
)
def test_what_is_no_format(arguments, message):
    with pytest.raises(ConfigError, match=message):
        FloatFormat(*arguments)


def test_keys_of_the_other_family_are_refused():
    with pytest.raises(ConfigError, match="scale: does not go with format = 'bf16', which takes overflow"):
        parse_format("bf16", scale=0.5)
    with pytest.raises(ConfigError, match="overflow: does not go with format = 'int8', which takes scale, zero_point"):
        parse_format("int8", overflow="nan")
    with pytest.raises(ConfigError, match="overflow = 1: must be one of"):
        parse_format("bf16", overflow=1)


def test_what_is_no_number_is_refused():
    with pytest.raises(ConfigError, match=r"^values are an array of bool"):
        FloatFormat("bf16").quantize([True])
    with pytest.raises(ConfigError, match=r"^codes are an array of float64"):
        FloatFormat("bf16").dequantize([0.5])
