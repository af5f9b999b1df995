"""Rows of floating-point numbers: as codes, as real numbers and as arrays that have these very bits."""

import ml_dtypes
import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm_sim.streams.float_arrays import float_array
from streamnorm_sim.streams.rows import RowBatch

DTYPES = {
    "bf16": ml_dtypes.bfloat16,
    "fp16": np.float16,
    "fp32": np.float32,
    "fp8_e5m2": ml_dtypes.float8_e5m2,
    "fp8_e4m3fn": ml_dtypes.float8_e4m3fn,
}


def unit(source, **changes):
    keys = {"norm": "layernorm", "lanes": 1, "max_length": 8, "input": source, "output": "fp32", "epsilon": 1e-5}
    return NormConfig(**(keys | changes))


def codes(name):
    source = FloatFormat(name)
    return np.random.default_rng(6).integers(0, source.max, (500, 8), endpoint=True)


@pytest.mark.parametrize("name", DTYPES)
def test_typed_arrays_keep_every_bit_there_and_back(name):
    """NaN with payload and sign too, which no quantizer keeps."""
    drawn = codes(name)
    array = float_array(FloatFormat(name), drawn)
    assert (array.dtype, array.shape) == (np.dtype(DTYPES[name]), drawn.shape)
    for given in (array, np.asfortranarray(array), drawn, drawn.astype(np.uint32)):
        np.testing.assert_array_equal(RowBatch.of(unit(name), given).x, drawn)


def test_other_formats_are_float64():
    source = FloatFormat("float(6, 9)")
    array = float_array(source, [[1, 0x7C00 >> 1]])
    np.testing.assert_array_equal(array, source.dequantize([[1, 0x7C00 >> 1]]))
    drawn = source.quantize(source.dequantize(codes("float(6, 9)")))
    np.testing.assert_array_equal(RowBatch.of(unit(source), float_array(source, drawn)).x, drawn)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, *list(DTYPES.values())[3:], ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", ["bf16", "fp8_e4m3fn", "float(3, 4)"])
def test_real_numbers_are_quantized(name, dtype):
    values = np.array([[1.0, -0.0, np.nan, 3.3, -1e-3, 200.0]]).astype(dtype)
    batch = RowBatch.of(unit(name), values)
    quantized = FloatFormat(name).quantize(values.astype(np.float64))
    assert batch.x.tolist() == quantized.tolist()
    assert RowBatch.of(unit(name), np.array([[np.inf]])).x.tolist() == FloatFormat(name).quantize([[np.inf]]).tolist()


def test_numbers_of_ml_dtypes_go_into_integers():
    values = np.array([[1.5, -2.0]]).astype(ml_dtypes.bfloat16)
    assert RowBatch.of(unit({"format": "int8", "scale": 0.5}), values).x.tolist() == [[3, -4]]
    with pytest.raises(ConfigError, match="every value must be finite"):
        RowBatch.of(unit("int8"), np.array([[np.nan]]).astype(ml_dtypes.bfloat16))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[65536]], r"row 0 element 0 is 65536: must be from 0 to 65535 \(bf16\)"),
        ([[-1]], "row 0 element 0 is -1: must be from 0 to 65535"),
        (np.zeros((2, 2), bool), "rows are an array of bool of shape"),
        (np.zeros(3, ml_dtypes.bfloat16), "rows are an array of bfloat16 of shape"),
        (np.zeros((1, 2), ml_dtypes.int4), "rows are an array of int4 of shape"),
    ],
)
def test_what_are_no_rows(x, message):
    with pytest.raises(ConfigError, match=message):
        RowBatch.of(unit("bf16"), x)


def test_what_are_no_codes():
    with pytest.raises(ConfigError, match=r"codes\[0\] = 256: must be from 0 to 255 \(fp8_e5m2\)"):
        float_array(FloatFormat("fp8_e5m2"), [256])
    with pytest.raises(ConfigError, match="codes are an array of float64"):
        float_array(FloatFormat("fp8_e5m2"), [0.5])
