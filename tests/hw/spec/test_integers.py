"""Number formats: names, ranges, rounding, saturation, messages."""

import math
from typing import Any

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.spec.formats import IntFormat


@pytest.mark.parametrize(
    ("name", "low", "high", "byte_count"),
    [
        ("int4", -8, 7, 1),
        ("int8", -128, 127, 1),
        ("uint8", 0, 255, 1),
        ("int9", -256, 255, 2),
        ("uint12", 0, 4095, 2),
        ("int16", -32768, 32767, 2),
        ("int17", -65536, 65535, 3),
        ("uint24", 0, (1 << 24) - 1, 3),
    ],
)
def test_range_and_bytes(name: str, low: int, high: int, byte_count: int) -> None:
    number_format = IntFormat.parse(name)
    assert (number_format.min, number_format.max, number_format.bytes) == (low, high, byte_count)
    assert number_format.name == name
    assert number_format == IntFormat(number_format.bits, signed=name[0] == "i")


@pytest.mark.parametrize(
    "name", ["int3", "int25", "uint3", "float16", "INT8", "int08", "int", "s8", "int8 ", "int٨", "", 8, None, True]
)
def test_names_that_are_no_format(name: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        IntFormat.parse(name)
    assert str(caught.value) == f"format = {name!r}: must be one of int4 to int24 or uint4 to uint24"


BITS = "must be an integer from 4 to 24, or a name: int4 to int24 or uint4 to uint24"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bits": None}, f"bits = None: {BITS}"),
        ({"bits": b"int8"}, f"bits = b'int8': {BITS}"),
        ({"bits": 3}, f"bits = 3: {BITS}"),
        ({"bits": 25}, f"bits = 25: {BITS}"),
        ({"bits": 8.0}, f"bits = 8.0: {BITS}"),
        ({"bits": True}, f"bits = True: {BITS}"),
        ({"bits": "int8", "signed": 0.05}, "signed = 0.05: must be true or false; a scale goes by name: scale=…"),
        ({"bits": 8, "scale": 0}, "scale = 0: must be a finite number from 1e-18 to 1e+18"),
        ({"bits": 8, "scale": -1.5}, "scale = -1.5: must be a finite number from 1e-18 to 1e+18"),
        ({"bits": 8, "scale": math.nan}, "scale = nan: must be a finite number from 1e-18 to 1e+18"),
        ({"bits": 8, "scale": math.inf}, "scale = inf: must be a finite number from 1e-18 to 1e+18"),
        ({"bits": 8, "scale": True}, "scale = True: must be a finite number from 1e-18 to 1e+18"),
        ({"bits": 8, "scale": "1"}, "scale = '1': must be a finite number from 1e-18 to 1e+18"),
        ({"bits": 8, "zero_point": 128}, "zero_point = 128: must be an integer from -128 to 127 (int8)"),
        ({"bits": 8, "zero_point": 1.0}, "zero_point = 1.0: must be an integer from -128 to 127 (int8)"),
        (
            {"bits": 12, "signed": False, "zero_point": -1},
            "zero_point = -1: must be an integer from 0 to 4095 (uint12)",
        ),
    ],
)
def test_refusals(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        IntFormat(**arguments)
    assert str(caught.value) == message


def test_an_integer_too_large_for_a_float_is_refused_like_infinity() -> None:
    with pytest.raises(ConfigError, match=r"must be a finite number from 1e-18 to 1e\+18$"):
        IntFormat(8, scale=10**400)


def test_numpy_numbers_become_plain_ones() -> None:
    number_format = IntFormat(np.int64(8), scale=np.float32(0.5), zero_point=np.int8(3))  # pyright: ignore[reportArgumentType]
    assert [type(v) for v in (number_format.bits, number_format.scale, number_format.zero_point)] == [int, float, int]


def test_quantize_rounds_half_to_even_and_saturates() -> None:
    number_format = IntFormat(8, scale=0.5, zero_point=-3)
    values = [0.0, 0.25, 0.75, -0.25, -0.75, 0.26, 1e300, -1e300, 65.0, 64.9]
    want = [-3, -3, -1, -3, -5, -2, 127, -128, 127, 127]
    got = number_format.quantize(values)
    assert got.dtype == np.int64
    assert got.tolist() == want
    assert IntFormat(8, scale=1e-18).quantize([1e300, -1e300]).tolist() == [127, -128]


def test_dequantize_undoes_quantize_within_the_range() -> None:
    number_format = IntFormat(6, signed=False, scale=0.125, zero_point=20)
    integers = np.arange(64).reshape(8, 8)
    real = number_format.dequantize(integers)
    assert real.dtype == np.float64
    assert real[2, 4] == 0.0
    assert (number_format.quantize(real) == integers).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_quantize_refuses_what_is_not_finite(bad: float) -> None:
    with pytest.raises(ValueError, match=rf"^element \[1, 2\] is {bad}; every value must be finite$"):
        IntFormat(8).quantize([[0, 0, 0], [0, 0, bad]])


def test_to_dict_has_the_keys_of_a_configuration_file() -> None:
    number_format = IntFormat.parse("uint10", scale=0.25, zero_point=512)
    table = number_format.to_dict()
    assert table == {"format": "uint10", "scale": 0.25, "zero_point": 512}
    assert IntFormat.parse(table["format"], scale=table["scale"], zero_point=table["zero_point"]) == number_format


def test_what_saturates():
    number_format = IntFormat(8, scale=0.5, zero_point=3)
    values = [62.0, 62.2, 62.3, -65.5, -65.8, 1e300]
    assert number_format.saturates(values).tolist() == [False, False, True, False, True, True]
    with pytest.raises(ConfigError, match="nan"):
        number_format.saturates([math.nan])
