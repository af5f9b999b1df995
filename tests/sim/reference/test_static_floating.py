"""Static norms with floating-point numbers on either side: the golden model against the exact result."""

from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat, IntFormat
from streamnorm.spec.stored_floats import StoredFloats
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.models import golden_model

LENGTH = 48
INT8, INT16 = IntFormat(8, scale=0.05, zero_point=3), IntFormat(16, scale=3e-4, zero_point=-7)
OUT8, OUT16 = IntFormat(8, scale=0.03, zero_point=-4), IntFormat(16, scale=5e-4)
PAIRS = {
    "bf16": ("bf16", "bf16"), "fp16 to fp8": ("fp16", "fp8_e4m3fn"), "fp8 to fp16": ("fp8_e5m2", "fp16"),
    "fp32": ("fp32", "fp32"), "generic": ("float(6, 9)", "float(3, 4)"), "bf16 to int8": ("bf16", OUT8),
    "fp32 to int16": ("fp32", OUT16), "fp8 to int8": ("fp8_e4m3fn", OUT8), "int8 to bf16": (INT8, "bf16"),
    "int16 to fp16": (INT16, "fp16"), "int8 to fp32": (INT8, "fp32"),
}  # fmt: skip
NORMS: dict[str, dict[str, Any]] = {
    "affine": {"norm": "affine"}, "dyt": {"norm": "dyt", "alpha": 0.6}, "steep": {"norm": "dyt", "alpha": -37.0},
    "flat": {"norm": "dyt", "alpha": 1e-6},
}  # fmt: skip


def bf16(values: np.ndarray) -> np.ndarray:
    number = FloatFormat("bf16")
    return number.dequantize(number.quantize(values))


def unit(norm: str, pair: str, **keys: Any) -> NormConfig:
    rng = np.random.default_rng(1)
    source, output = PAIRS[pair]
    given = {"gamma": bf16(rng.normal(1, 0.5, LENGTH)), "beta": bf16(rng.normal(0, 0.7, LENGTH))}
    return NormConfig(lanes=4, max_length=LENGTH, input=source, output=output, **{**NORMS[norm], **given, **keys})


def rows(config: NormConfig, rng: np.random.Generator, count: int = 60) -> np.ndarray:
    """Codes: normal rows, rows over all binades, and results that nearly cancel."""
    source = config.input
    if not isinstance(source, FloatFormat):
        return rng.integers(source.min, source.max, (count, LENGTH), endpoint=True)
    x = rng.normal(size=(count, LENGTH))
    x[::4] *= np.exp(rng.uniform(-1, 1, (len(x[::4]), 1)) * np.log(source.largest))
    x[1::4] = -np.asarray(config.beta) / np.asarray(config.gamma) * rng.normal(1, 0.01, x[1::4].shape)
    codes = source.quantize(np.clip(x, -source.largest, source.largest))
    codes[2::8] = rng.integers(0, 1 << source.bits, codes[2::8].shape)  # anything: NaN and infinities
    codes[6::8] = rng.integers(0, 1 << source.fraction_bits, codes[6::8].shape)  # subnormal numbers and zeros
    return codes


PARAMETERS: dict[str, dict[str, Any]] = {
    "both": {}, "gamma": {"beta": None}, "constant": {"gamma": 1.5, "beta": 0.25},
}  # fmt: skip


def any_two() -> Iterator[Any]:
    """Norm, formats and parameters: in every run any two of them meet; what else there is, is slow."""
    for row, norm in enumerate(NORMS):
        for column, pair in enumerate(PAIRS):
            for place, keys in enumerate(PARAMETERS):
                later = (row + column) % len(PARAMETERS) != place
                yield pytest.param(norm, pair, keys, marks=[pytest.mark.slow] if later else [])


def test_any_two_meet_in_every_run() -> None:
    cases = [case.values for case in any_two() if not case.marks]
    for first, second in combinations(range(3), 2):
        names = [tuple((NORMS, PAIRS, PARAMETERS)[place]) for place in (first, second)]
        assert {(case[first], case[second]) for case in cases} == set(product(*names))


@pytest.mark.parametrize(("norm", "pair", "keys"), list(any_two()))
def test_no_result_is_farther_off_than_the_bound(norm: str, pair: str, keys: str) -> None:
    config = unit(norm, pair, **PARAMETERS[keys])
    x = rows(unit(norm, pair), np.random.default_rng(2))
    y = golden_model(config).normalize(x)
    found = Accuracy.of(config, y, x)
    plan = Plan.of(config)
    assert found.max_ulp <= plan.error_bound + 1e-9
    assert plan.error_bound <= 1
    assert Accuracy.of(config, y, x, as_given=True).max_ulp <= plan.error_bound_as_given + 1e-9
    if config.output.bits <= 16 and plan.promise == "tight":
        assert found.correctly_rounded >= 0.999


@pytest.mark.parametrize("pair", [pair for pair, (_, output) in PAIRS.items() if isinstance(output, str)])
def test_affine_results_are_the_exact_ones_rounded_once(pair: str) -> None:
    config = unit("affine", pair)
    x = rows(config, np.random.default_rng(3), 200)
    found = Accuracy.of(config, golden_model(config).normalize(x), x)
    if pair == "int8 to fp32":  # the scale is in no gamma there
        assert found.correctly_rounded > 0.98
    else:
        assert found.correctly_rounded == 1


def test_a_product_on_a_tie_is_decided_by_a_beta_far_below() -> None:
    config = unit("affine", "bf16", gamma=1.5, beta=np.where(np.arange(LENGTH) % 2, 1e-30, -1e-30))
    number = FloatFormat("bf16")
    odd = number.quantize(np.full(LENGTH, 1.0078125))  # times 1.5 is halfway between two numbers
    got = number.dequantize(golden_model(config).normalize(odd[None]))[0]
    assert set(got[1::2]) == {1.515625}
    assert set(got[::2]) == {1.5078125}


def test_gamma_of_an_integer_input_holds_the_significand_of_its_scale_where_results_are_coarse() -> None:
    config = unit("affine", "int8 to bf16")
    assert config.gamma_unit == 1.6
    assert unit("affine", "int8 to fp32").gamma_unit == 1
    assert unit("dyt", "int8 to bf16").gamma_unit == 1
    assert unit("affine", "bf16").gamma_unit == 1
    assert config.replace(input=IntFormat(8, scale=0.125)).gamma_unit == 1
    stored = StoredFloats.of(config)
    np.testing.assert_allclose(stored.format.dequantize(stored.gamma)[0], np.asarray(config.gamma) * 1.6, rtol=2.0**-24)
    assert (stored.quantize_gamma(np.asarray(config.gamma)) == stored.gamma[0]).all()
    assert 0 < stored.gamma_error <= 2.0**-24


INF, NAN = float("inf"), float("nan")
SPECIAL = [0.0, -0.0, INF, -INF, NAN, 2.0, -2.0]


def of_specials(
    norm: str, gamma: list[float], beta: list[float] | None, output: Any = "fp16", **keys: Any
) -> np.ndarray:
    """Codes of the results of a row of SPECIAL."""
    n = len(SPECIAL)
    config = NormConfig(
        lanes=2, max_length=n, input="bf16", output=output, gamma=np.array(gamma),
        beta=None if beta is None else np.array(beta), **{**NORMS[norm], **keys},
    )  # fmt: skip
    x = config.input.quantize(SPECIAL)[None]
    assert golden_model(config).flags(x)[0] & 3 == 3
    return golden_model(config).normalize(x)[0]


def same(codes: np.ndarray, wanted: list[float], number: FloatFormat) -> None:
    assert codes.tolist() == number.quantize(wanted).tolist()


def test_special_values_of_affine() -> None:
    fp16 = FloatFormat("fp16")
    plus, minus, none = [2.0] * 7, [-2.0] * 7, [0.0] * 7
    same(of_specials("affine", plus, None), [0.0, -0.0, INF, -INF, NAN, 4.0, -4.0], fp16)
    same(of_specials("affine", minus, None), [-0.0, 0.0, -INF, INF, NAN, -4.0, 4.0], fp16)
    same(of_specials("affine", none, None), [0.0, -0.0, NAN, NAN, NAN, 0.0, -0.0], fp16)
    ones = [1.0, 0.0, *[1.0] * 5]
    same(of_specials("affine", plus, ones), [1.0, 0.0, INF, -INF, NAN, 5.0, -3.0], fp16)
    large = [4e4] * 7
    same(of_specials("affine", large, None), [0.0, -0.0, INF, -INF, NAN, INF, -INF], fp16)
    codes = of_specials("affine", minus, None, "fp8_e4m3fn")
    largest = FloatFormat("fp8_e4m3fn").largest
    same(codes, [-0.0, 0.0, -largest, largest, NAN, -4.0, 4.0], FloatFormat("fp8_e4m3fn"))


def test_special_values_of_dynamic_tanh() -> None:
    fp16, z = FloatFormat("fp16"), np.tanh(1.2)
    plus, none = [2.0] * 7, [0.0] * 7
    same(of_specials("dyt", plus, None), [0.0, -0.0, 2.0, -2.0, NAN, 2 * z, -2 * z], fp16)
    same(of_specials("dyt", plus, None, alpha=-0.6), [-0.0, 0.0, -2.0, 2.0, NAN, -2 * z, 2 * z], fp16)
    same(of_specials("dyt", none, None), [0.0, -0.0, 0.0, -0.0, NAN, 0.0, -0.0], fp16)
    # 1 is exact there, and makes ties; a number far out is less.
    far = of_specials("dyt", [1.0] * 7, [2.0**-11] * 7, alpha=1000.0)
    same(far[2:6:3], [1.0, 1.0], fp16)
    beta = [3 * 2.0**-11] * 7
    same(of_specials("dyt", [1.0] * 7, beta, alpha=1000.0)[[2, 5]], [1 + 2.0**-9, 1 + 2.0**-10], fp16)


def test_special_values_become_integers() -> None:
    plus, minus = [2.0] * 7, [-2.0, -2.0, -2.0, -2.0, -2.0, 1e3, 1e3]
    assert of_specials("affine", plus, None, OUT8).tolist() == [-4, -4, 127, -128, -4, 127, -128]
    assert of_specials("affine", minus, None, OUT8).tolist() == [-4, -4, -128, 127, -4, 127, -128]
    zero = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert of_specials("affine", zero, [0.3] * 7, OUT8).tolist() == [6, 6, -4, -4, -4, 6, 6]
    assert of_specials("dyt", plus, None, IntFormat(8, scale=0.25)).tolist() == [0, 0, 8, -8, 0, 7, -7]


def test_overflow_is_told_of_finite_results_alone() -> None:
    for output, large in (("fp16", 5e4), (OUT8, 4.0)):
        config = unit("affine", "bf16", gamma=2.0, beta=None).replace(output=output)
        x = config.input.quantize([[1.0] * LENGTH, [large] * LENGTH, [INF] * LENGTH, [NAN] * LENGTH])
        assert golden_model(config).flags(x).tolist() == [0, 4, 2, 1]


def test_gammas_far_apart_saturate_in_the_right_places() -> None:
    gamma = np.geomspace(1e-3, 40, LENGTH) * np.where(np.arange(LENGTH) % 2, 1, -1)
    config = unit("affine", "fp32 to int16", gamma=gamma, beta=None)
    rng = np.random.default_rng(4)
    x = config.input.quantize(np.exp(rng.uniform(-30, 80, (200, LENGTH))) * rng.choice([-1, 1], (200, LENGTH)))
    found = Accuracy.of(config, golden_model(config).normalize(x), x)
    assert found.saturated > 1000
    assert found.max_ulp <= Plan.of(config).error_bound


@pytest.mark.parametrize("norm", ["affine", "dyt"])
def test_loaded_gamma_and_beta_may_be_anything(norm: str) -> None:
    config = unit(norm, "bf16", storage="ram", gamma=None, beta=None)
    rng, number = np.random.default_rng(5), config.parameter_format
    assert isinstance(number, FloatFormat)
    gamma, beta = rng.integers(0, 1 << number.bits, (2, 1, LENGTH))
    gamma[0, :6], beta[0, 3:9] = rng.integers(0, 1 << number.fraction_bits, (2, 6))  # subnormal ones
    x = rows(unit(norm, "bf16"), rng)
    found = golden_model(config, gamma=gamma, beta=beta).normalize(x)
    special = ~np.isfinite(number.dequantize(gamma)) | ~np.isfinite(number.dequantize(beta))
    with np.errstate(all="ignore"):
        given = [np.where(special, 0, number.dequantize(codes)) for codes in (gamma, beta)]
        as_rom = unit(norm, "bf16", gamma=given[0][0], beta=given[1][0], parameter_format=number)
    assert (np.where(special, 32704, found) == found).all()
    where = np.broadcast_to(~special, x.shape)
    got = np.where(where, found, golden_model(as_rom).normalize(x))
    assert Accuracy.of(as_rom, got, x).max_ulp <= Plan.of(config).error_bound
