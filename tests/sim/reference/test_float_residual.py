"""Sums of floating-point rows: golden model against the exact ones, and against the sums of NumPy and ml_dtypes."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm_sim.reference.exact_float_residual import exact_float_sums
from streamnorm_sim.reference.fusions import normalized_rows
from streamnorm_sim.streams.rows import RowBatch

Codes = NDArray[np.int64]

NAMED = ("bf16", "fp16", "fp32", "fp8_e5m2", "fp8_e4m3fn")
TYPES = dict(zip(NAMED, ("bfloat16", "float16", "float32", "float8_e5m2", "float8_e4m3fn"), strict=True))


def unit(x: str, f: str, total: FloatFormat | str, alpha: float = 1.0) -> NormConfig:
    residual = {"format": f, "alpha": alpha, "sum": total if isinstance(total, str) else total.to_dict()}
    return NormConfig(norm="affine", lanes=1, max_length=256, input=x, output="bf16", residual=residual)


def agreed(config: NormConfig, x: Codes, f: Codes) -> Codes:
    """The golden model's sums, which are the exact ones."""
    batch = RowBatch.of(config, x, residual=f)
    found = normalized_rows(config, batch).x
    np.testing.assert_array_equal(found, exact_float_sums(config, batch)[0])
    return found


def all_pairs(x: FloatFormat, f: FloatFormat) -> tuple[Codes, Codes]:
    first, second = np.meshgrid(np.arange(1 << x.bits), np.arange(1 << f.bits))
    return first.reshape(-1, 256), second.reshape(-1, 256)


def hard_pairs(config: NormConfig, count: int, rng: np.random.Generator) -> tuple[Codes, Codes]:
    """Any numbers; some that nearly cancel, some not far apart, and small ones."""
    assert config.residual is not None
    x, f, alpha = config.input, config.residual.number, config.residual.alpha
    assert isinstance(x, FloatFormat)
    assert isinstance(f, FloatFormat)
    shape = (4, count)
    first, second = (rng.integers(0, of.max, shape, endpoint=True) for of in (x, f))
    with np.errstate(all="ignore"):
        opposite = f.quantize(-alpha * x.dequantize(first[0]))
        second[0] = np.clip(opposite + rng.integers(-1, 1, count, endpoint=True), 0, f.max)
        far = 2.0 ** rng.uniform(-28, 28, count) * rng.choice([-1.0, 1.0], count)
        second[1] = f.quantize(alpha * x.dequantize(first[1]) * far)
    for codes, of in ((first, x), (second, f)):
        small = rng.integers(0, 4 << of.fraction_bits, count) | rng.integers(0, 2, count) << (of.bits - 1)
        codes[2] = np.where(rng.random(count) < 0.7, small, codes[2])
    return first.reshape(-1, 256), second.reshape(-1, 256)


@pytest.mark.parametrize("name", NAMED)
def test_sums_of_one_format_are_those_of_numpy(name: str) -> None:
    number = FloatFormat(name)
    number = FloatFormat(number.exponent_bits, number.fraction_bits, number.finite, "nan" if number.finite else "")
    config = unit(name, name, number)
    pairs = all_pairs(number, number) if number.bits == 8 else hard_pairs(config, 4096, np.random.default_rng(2))
    found = agreed(config, *pairs)
    kind = np.dtype(getattr(ml_dtypes, TYPES[name], None) or TYPES[name])
    with np.errstate(all="ignore"):
        first, second = (codes.astype(f"u{kind.itemsize}").view(kind) for codes in pairs)
        wanted = (first + second).view(f"u{kind.itemsize}").astype(np.int64)
    # A NaN of e4m3fn has the sign of what is beyond its numbers.
    got, expected = (np.where(number.parts(of).is_nan, number.code_of_nan, of) for of in (found, wanted))
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("alpha", [1.0, -1.0, 0.25, -1.5, 2.21875])
@pytest.mark.parametrize("formats", [("fp8_e4m3fn", "fp8_e5m2"), ("fp8_e5m2", "fp8_e4m3fn"), ("fp8_e5m2", "fp8_e5m2")])
@pytest.mark.parametrize("total", ["fp8_e4m3fn", "fp8_e5m2", "float(2, 1)"])
def test_all_sums_of_small_numbers_are_exact_but_for_one_rounding(
    formats: tuple[str, str], total: str, alpha: float
) -> None:
    agreed(unit(*formats, total, alpha), *all_pairs(FloatFormat(formats[0]), FloatFormat(formats[1])))


formats = st.one_of(
    st.sampled_from(NAMED), st.builds("float({}, {})".format, st.integers(2, 8), st.integers(1, 23))
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(formats, formats, formats, st.integers(1, 255), st.integers(-29, 20), st.booleans(), st.integers(0, 1 << 30))
def test_all_others_are_too(x: str, f: str, total: str, factor: int, shift: int, minus: bool, seed: int) -> None:
    config = unit(x, f, total, (-factor if minus else factor) * 2.0**shift)
    agreed(config, *hard_pairs(config, 256, np.random.default_rng(seed)))


def test_what_is_rounded_once_is_not_rounded_by_way_of_float32() -> None:
    config = unit("fp32", "fp32", "bf16")
    fp32, bf16 = FloatFormat("fp32"), FloatFormat("bf16")
    # Just above and just below half-way between 1 and the next number of bf16; float32 has half-way itself there.
    x, f = fp32.quantize([[1 + 2**-8, 1 + 2**-8]]), fp32.quantize([[2.0**-40, -(2.0**-40)]])
    assert bf16.dequantize(agreed(config, x, f)).tolist() == [[1 + 2**-7, 1.0]]
    assert bf16.dequantize(bf16.quantize(np.float32(1 + 2**-8) + np.float32(2**-40))) == 1.0
