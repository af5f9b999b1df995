"""Floating-point numbers over a deviation that is a constant: rows are right beside their largest z."""

from itertools import product

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.exact import exact_result
from streamnorm_sim.reference.models import golden_model

FORMATS = ("bf16", "fp16", "fp32", "fp8_e4m3fn", "fp8_e5m2")
N = 16


def frozen(number_format: str, **keys) -> NormConfig:
    same = {"input": number_format, "output": number_format, "deviation": 1.3, "max_length": N}
    return NormConfig(norm="frozen", lanes=4, **{**same, **keys})


def check(config: NormConfig, codes: np.ndarray, lengths: np.ndarray | None = None) -> None:
    got = golden_model(config).normalize(codes, lengths)
    accuracy, bound = Accuracy.of(config, got, codes, lengths), Plan.of(config).error_bound
    assert accuracy.max_ulp <= bound + 2.0**-20, f"{accuracy}, planned {bound}: {config.to_dict()}"


@pytest.mark.parametrize("deviation", [1.0, 0.37, 2.5])
@pytest.mark.parametrize("gamma_rounding", ["once", "output"])
def test_every_row_of_three_elements(deviation, gamma_rounding):
    """Of a format with 12 finite numbers of either sign, shorter rows among them."""
    config = frozen("float(2, 1)", output="fp16", deviation=deviation, max_length=3, gamma_rounding=gamma_rounding)
    finite = [code for code in range(16) if np.isfinite(config.input.dequantize(code))]
    rows = np.array(list(product(finite, repeat=3)))
    for length in (1, 2, 3):
        check(config, rows, np.full(len(rows), length))


@pytest.mark.parametrize("deviation", [1.0, 1.3, 1e-30, 1e30])
@pytest.mark.parametrize("number_format", FORMATS)
def test_constant_rows_give_beta(number_format, deviation):
    """To the last bit, whatever the number is that the row is full of."""
    beta = np.random.default_rng(1).normal(0, 1, N).astype(np.float32).astype(np.float64)
    config = frozen(number_format, deviation=deviation, gamma=np.linspace(-3, 3, N), beta=beta)
    source = config.input
    magnitudes = np.unique([0, 1, 2, *source.quantize([1.0, 1.7]), source.code_of_largest])
    codes = np.concatenate([magnitudes, magnitudes | 1 << (source.bits - 1)])
    rows = np.repeat(codes[:, None], N, axis=1)
    for length in (1, 3, N):
        got = golden_model(config).normalize(rows, np.full(len(rows), length))
        assert (got[:, :length] == config.output.quantize(beta[:length])).all()


@pytest.mark.parametrize("number_format", FORMATS)
def test_results_follow_the_row(number_format):
    """Rows a power of two larger, over a deviation that is as well: the same results, to the last bit."""
    fourth = frozen(number_format, output="fp16", deviation=1.3 / 4)
    config = frozen(number_format, output="fp16")
    rng = np.random.default_rng(2)
    values = config.input.dequantize(config.input.quantize(rng.normal(0, 1, (20, N)) + rng.normal(0, 1, (20, 1))))
    small = values / 4
    keeps = config.input.dequantize(config.input.quantize(small)) == small  # what is not subnormal
    rows, scaled = (config.input.quantize(np.where(keeps, real, 0.0)) for real in (values, small))
    assert golden_model(config).normalize(rows).tolist() == golden_model(fourth).normalize(scaled).tolist()


@pytest.mark.parametrize("deviation", [1.0, 0.37, 1e-20])
@pytest.mark.parametrize("number_format", ["bf16", "fp32", "float(8, 3)"])
def test_rows_that_are_hard_for_the_mean(number_format, deviation):
    """Numbers that follow one another, at powers of two too; one large number, the others just below what is added up,
    or just below the unit of the row."""
    config = frozen(number_format, output="bf16", deviation=deviation)
    sums, fraction_bits = config_sums(config), config.input.fraction_bits
    top = (1 << config.input.exponent_bits - 1) // sums.window * sums.window
    one = top << fraction_bits
    others = [one - 1, one + 1]
    for binades in (sums.window * (sums.count - 1), sums.row_bits - fraction_bits):
        others += [one - (binades << fraction_bits) + step for step in range(-2, 3)]
    rows = [np.where(np.arange(N) < count, one, other) for other in others for count in (1, N // 2, N - 1)]
    check(config, np.array(rows))


def config_sums(config: NormConfig):
    sums = golden_model(config).precision.sums
    assert not sums.is_exact, "something is dropped"
    return sums


def test_the_unit_is_that_of_the_largest_z():
    """Of the row's largest z times gamma, where result and beta are smaller."""
    config = frozen("bf16", deviation=2.0, gamma=[3.0] * N, beta=0.25)
    x = config.input.quantize([[1.0, 1.0, 1.0, -63.0], [1.0, 1.0, 1.0, 1.0], [-0.5, 0.5, 0.0, 0.0]])
    unit = exact_result(config, x).unit
    # The largest z is 24: 72 has its last place at 1/2. A row of z = 0: that of beta. A quarter: 3/4 beside beta.
    assert unit[0].tolist() == [0.5] * 4
    assert unit[1].tolist() == [2.0**-9] * 4
    assert unit[2].tolist() == [2.0**-8, 2.0**-7, 2.0**-8, 2.0**-8]


@pytest.mark.parametrize("output", ["fp16", "float(6, 9)"])
def test_a_deviation_that_no_format_holds(output):
    """Everything is beyond the largest number, or 0."""
    for deviation, beyond in ((1e-300, True), (1e300, False)):
        config = frozen("bf16", output=output, deviation=deviation)
        codes = config.input.quantize(np.random.default_rng(3).normal(0, 1, (4, N)))
        got = golden_model(config).normalize(codes)
        magnitudes = got & ~(1 << (config.output.bits - 1))
        assert (magnitudes == (config.output.code_of_overflow if beyond else 0)).all()
        check(config, codes)


def test_integer_output_is_refused():
    config = frozen("bf16", output={"format": "int8", "scale": 0.05})
    with pytest.raises(ConfigError, match="norm = 'frozen': with bf16 input, a result is right beside"):
        Plan.of(config)


@pytest.mark.parametrize(("number_format", "deviation"), [("bf16", 1.0), ("bf16", 21.7), ("fp16", 1.0), ("fp16", 0.6)])
def test_999_of_1000_are_correctly_rounded(number_format, deviation):
    """Rows like a model's, gamma about 1."""
    n, rng = 768, np.random.default_rng(4)
    gamma, beta = (np.float32(rng.normal(*of, n)).astype(np.float64) for of in ((1, 0.2), (0, 0.2)))
    config = frozen(number_format, deviation=deviation, max_length=n, gamma=gamma, beta=beta)
    x = deviation * (np.exp(rng.normal(0, 0.3, (40, 1))) * rng.normal(0, 1, (40, n)) + rng.normal(0, 0.3, (40, 1)))
    codes = config.input.quantize(x)
    assert Accuracy.of(config, golden_model(config).normalize(codes), codes).correctly_rounded >= 0.999
    assert Plan.of(config).expected_error < 0.001
