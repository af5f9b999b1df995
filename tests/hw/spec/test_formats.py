"""Every family of number formats in the registry keeps the protocol's promises."""

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.spec.formats import FAMILIES, FORMAT_KEYS, NumberFormat, parse_format

EXAMPLES = {
    "IntFormat": ("int4", "uint4", "int8", "uint10", "int24"),
    "FloatFormat": ("bf16", "fp32", "fp8_e4m3fn", "float(2, 1)", "float(6, 9)"),
}
"""A few names of each family."""


def formats() -> list[NumberFormat]:
    return [parse_format(name) for family in FAMILIES for name in EXAMPLES[family.__name__]]


@pytest.fixture(params=formats(), ids=lambda number_format: number_format.name)
def number_format(request) -> NumberFormat:
    return request.param


def test_a_name_belongs_to_one_family(number_format):
    assert [family for family in FAMILIES if family.has(number_format.name)] == [type(number_format)]
    assert parse_format(number_format.name) == number_format
    assert hash(parse_format(number_format.name)) == hash(number_format)
    assert set(number_format.to_dict()) == {"format", *type(number_format).keys} <= set(FORMAT_KEYS)


def test_codes_travel_in_whole_bytes(number_format):
    assert 8 * (number_format.bytes - 1) < number_format.bits <= 8 * number_format.bytes
    assert number_format.max - number_format.min < 1 << number_format.bits
    assert (number_format.min < 0) == number_format.signed


def test_the_ends_are_the_smallest_and_the_largest_number(number_format):
    ends = [end - number_format.zero_point for end in number_format.ends]
    real = number_format.dequantize(number_format.quantize([-1e300, 1e300]))
    if number_format.is_float and not number_format.finite:
        real = np.array([-number_format.largest, number_format.largest])
    assert [end * number_format.scale for end in ends] == real.tolist()


@pytest.mark.parametrize("name", EXAMPLES["IntFormat"])
def test_integers_and_real_numbers(name):
    number_format = parse_format(name)
    codes = np.unique(np.linspace(number_format.min, number_format.max, 101).astype(np.int64))
    real = number_format.dequantize(codes)
    assert (np.diff(real) > 0).all()
    assert (number_format.quantize(real) == codes).all()
    assert number_format.quantize([1e300, -1e300]).tolist() == [number_format.max, number_format.min]
    with pytest.raises(ValueError, match="must be finite"):
        number_format.quantize([0.0, np.nan])


@pytest.mark.parametrize("name", ["", "int", "int3", "int25", "int08", "Int8", "float", 8, None])
def test_what_is_no_format_is_refused_with_all_there_are(name):
    with pytest.raises(ConfigError, match=r"^format = .*: must be one of int4 to int24 or uint4 to uint24, or bf16, "):
        parse_format(name)
