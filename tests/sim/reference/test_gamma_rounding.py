"""``gamma_rounding = "output"``: two roundings, in the exact reference, in the golden model, and in NumPy's float64."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from decimals import DIGITS, TIE, normalized
from drawn import drawn_config, drawn_rows
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.precision.demand import PROMISED_ERROR, Demand
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.parameters import StoredParameters
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.exact import exact_result
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.reference.rows import corner_rows, random_rows
from streamnorm_sim.streams.rows import RowBatch

SEEDS = range(15, 28)


def unit(**changes: Any) -> NormConfig:
    keys: dict[str, Any] = {
        "norm": "rmsnorm",
        "lanes": 4,
        "max_length": 64,
        "input": IntFormat(8, scale=0.05),
        "output": IntFormat(8, scale=2.0**-5),
        "epsilon": 1e-5,
        "gamma_rounding": "output",
    }
    return NormConfig(**{**keys, **changes})


def rounded(q: NDArray[np.integer], config: NormConfig, batch: RowBatch) -> NDArray[np.integer]:
    """``q * gamma + beta`` with the stored integers, half to even and saturated; 0 behind a row's end."""
    stored = StoredParameters.of(config)
    columns = q.shape[1]
    up = max(stored.gamma_frac_bits, stored.beta_frac_bits)
    gamma = stored.gamma[batch.banks, :columns].astype(object) << (up - stored.gamma_frac_bits)
    beta = stored.beta[batch.banks, :columns].astype(object) << (up - stored.beta_frac_bits)
    numerator = q.astype(object) * gamma + beta
    nearest = np.array([round(Fraction(int(value), 1 << up)) for value in numerator.ravel()], object)
    return np.where(batch.valid, np.clip(nearest.reshape(q.shape), config.output.min, config.output.max), 0)


def misrounded(config: NormConfig, batch: RowBatch) -> int:
    """How many z of the golden model are rounded the other way; those that show.

    Every result must be the one of the exact q, or of a neighbour of it.
    """
    output = config.output
    got = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks)
    exact = exact_result(config, batch.x, batch.lengths, batch.banks)
    q = exact.normalized
    assert q is not None
    np.testing.assert_array_equal(exact.rounded, rounded(q, config, batch))
    low, high = output.min - output.zero_point, output.max - output.zero_point
    other = (got != exact.rounded) & batch.valid
    neighbours = [rounded(np.clip(q + step, low, high), config, batch) for step in (-1, 1)]
    assert (~other | (got == neighbours[0]) | (got == neighbours[1])).all()
    assert (got[~batch.valid] == 0).all()
    bound = Plan.of(config).error_bound
    errors = np.abs(got - np.clip(exact.scaled, output.min, output.max))[batch.valid]
    assert errors.max() <= bound + 1e-6
    assert np.abs(got - exact.rounded).max() <= int(StoredParameters.of(config).gamma_max_abs) + 1
    return int(other.sum())


@settings(max_examples=20)
@given(seed=st.integers(1000, 1_000_000))
def test_results_are_those_of_the_exact_rounding_or_of_a_neighbour(seed: int) -> None:
    """Norms, formats, zero points, lengths, epsilon, gamma and beta drawn; corner rows and random ones."""
    config = drawn_config(seed, gamma_rounding="output")
    misrounded(config, drawn_rows(config, np.random.default_rng(seed), 10))


@pytest.mark.parametrize("member", [None, "adanorm"], ids=["any norm", "a curve"])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_normalized_value_is_farther_off_than_the_bound(seed: int, member: str | None) -> None:
    """Without gamma and beta a result is q: at most 1/2 and the bound away from z / scale, saturated."""
    drawn = {} if member is None else {"norm": member}
    config = drawn_config(seed, gamma_rounding="output", gamma=None, beta=None, **drawn)
    batch = drawn_rows(config, np.random.default_rng(seed), 20)
    got = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks)
    once = exact_result(config.replace(gamma_rounding="once"), batch.x, batch.lengths, batch.banks, as_given=True)
    saturated = np.clip(once.scaled, config.output.min, config.output.max)
    precision = Precision.of(config)
    assert np.abs(got - saturated)[batch.valid].max() <= 0.5 + precision.error_bound + 1e-6, f"seed {seed}"
    assert precision.error_bound <= 0.3
    # With no second rounding that does anything, both ways are one.
    exact = exact_result(config, batch.x, batch.lengths, batch.banks)
    np.testing.assert_array_equal(exact.rounded, once.rounded)
    if Demand.of(config).tight:
        assert precision.expected_error <= PROMISED_ERROR


@pytest.mark.parametrize("distribution", ["normal", pytest.param("uniform", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"norm": "layernorm"},
        {"norm": "layernorm", "output": IntFormat(8, scale=0.04, zero_point=-20)},
        {"input": IntFormat(16, scale=2.0**-12), "output": IntFormat(8, scale=0.031)},
        {"input": IntFormat(16, scale=2.0**-12), "output": IntFormat(16, scale=2.0**-12), "accuracy": "tight"},
        {"input": IntFormat(16, scale=2.0**-12), "output": IntFormat(12, scale=1e-3)},
    ],
    ids=str,
)
def test_the_expected_share_is_what_happens(changes: dict[str, Any], distribution: Any) -> None:
    """Gamma above 1, so that each z that is rounded the other way shows; input of few values has fewer distinct z."""
    config = unit(gamma=1.25, **changes)
    count = 150_000 // config.max_length
    batch = random_rows(
        config, count, np.random.default_rng(3), distribution=distribution, lengths=[config.max_length] * count
    )
    share = misrounded(config, batch) / batch.x.size
    expected = Precision.of(config).expected_error
    noise = 3 / (expected * batch.x.size) ** 0.5
    assert 1 / 1.5 - noise < share / expected < 1 + noise
    if Demand.of(config).tight:
        assert share <= 1e-3 + 1e-4


def is_tie(scaled: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Of rows of few small integers without epsilon: what is not half-way between two integers is not this near."""
    return np.abs(scaled - np.floor(scaled) - 0.5) < 2.0**-36


TWO_VALUED = {
    "1 and -1": ("rmsnorm", [1, -1, -1, 1]),
    "1 and -1, mean": ("layernorm", [1, -1, -1, 1]),
    "2 and -1/2, outlier first": ("layernorm", [1, 0, 0, 0, 0]),
    "2 and -1/2, outlier last": ("layernorm", [0, 0, 0, 0, 1]),
    "4 and -1/4": ("layernorm", [0] * 8 + [1] + [0] * 8),
    "2 and 0": ("rmsnorm", [0, 1, 0, 0]),
}


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("zero_point", [0, -3])
def test_ties_of_rows_of_two_values_are_exact_without_epsilon(scale: float, zero_point: int) -> None:
    """z of 1/4, 1/2, 1 and 2 are half a step; whether the zero point is even has no part in it."""
    ties = 0
    for norm, pattern in TWO_VALUED.values():
        config = unit(
            norm=norm, epsilon=0.0, output=IntFormat(8, scale=scale, zero_point=zero_point), input=IntFormat(16)
        )
        rows = np.arange(1, 3000, 7)[:, None] * np.tile(pattern, 64 // len(pattern))[None]
        rows = np.random.default_rng(8).permuted(rows, axis=1)
        exact = exact_result(config, rows)
        z = exact_result(config.replace(gamma_rounding="once"), rows, as_given=True).scaled
        ties += int(is_tie(z).sum())
        np.testing.assert_array_equal(GoldenModel(config).normalize(rows), exact.rounded)
    assert ties > 1000


@pytest.mark.parametrize("mantissa", [1.0, 1.5, 1.25, 1.75, 1.125])
@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm"])
def test_ties_of_corner_rows_go_to_even_without_epsilon(norm: str, mantissa: float) -> None:
    """``ties_m`` rows have z = odd / m; with these scales, some of them lie half-way between two output steps."""
    ties = 0
    for exponent in range(-8, 2):
        config = unit(
            norm=norm,
            epsilon=0.0,
            gamma=1.5,
            input=IntFormat(12, scale=0.01),
            output=IntFormat(8, scale=mantissa * 2.0**exponent),
        )
        rows = [row for name, (_, row) in corner_rows(config, np.random.default_rng(1)).items() if "ties" in name]
        assert len(rows) >= 6
        batch = RowBatch.pack(config, rows, np.zeros(len(rows), np.int64))
        z = exact_result(config.replace(gamma_rounding="once", gamma=None), batch.x, batch.lengths, as_given=True)
        here = is_tie(z.scaled) & batch.valid & (np.abs(z.scaled) < 120)
        ties += int(here.sum())
        exact = exact_result(config, batch.x, batch.lengths)
        assert exact.normalized is not None
        assert (exact.normalized[here] % 2 == 0).all()
        got = GoldenModel(config).normalize(batch.x, batch.lengths)
        np.testing.assert_array_equal(got[here], exact.rounded[here])
    assert ties >= (8 if mantissa in (1.0, 1.5) else 1)


def decimal_row(config: NormConfig, row: list[int]) -> tuple[list[int], list[int]]:
    """q and y of a row, word for word, at 200 digits: gamma and beta as given."""
    n, output = len(row), config.output
    gamma = np.broadcast_to(1.0 if config.gamma is None else config.gamma, config.max_length)
    beta = np.broadcast_to(0.0 if config.beta is None else config.beta, config.max_length)
    qs, ys = [], []
    with localcontext(DIGITS):
        for z, g, b in zip(normalized(config, row), gamma[:n], beta[:n], strict=True):
            exact = z / Decimal(output.scale)
            doubled = (2 * exact).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
            if abs(2 * exact - doubled) < TIE:
                exact = doubled / 2
            q = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
            q = min(max(q, output.min - output.zero_point), output.max - output.zero_point)
            y = q * (Fraction(float(g)) + Fraction(config.gamma_offset)) + Fraction(float(b)) / Fraction(output.scale)
            qs.append(q)
            ys.append(min(max(round(y + output.zero_point), output.min), output.max))
    return qs, ys


@pytest.mark.parametrize("seed", SEEDS)
def test_the_exact_result_has_both_roundings_as_they_are_written(seed: int) -> None:
    config = drawn_config(seed, gamma_rounding="output", max_length=8, gamma_offset=0.25)
    batch = drawn_rows(config, np.random.default_rng(seed), 30)
    exact = exact_result(config, batch.x, batch.lengths, batch.banks, as_given=True)
    assert exact.normalized is not None
    for index, (row, n) in enumerate(zip(batch.x, batch.lengths, strict=True)):
        q, y = decimal_row(config, row[:n].tolist())
        assert exact.normalized[index, :n].tolist() == q, f"row {index} of seed {seed}"
        assert exact.rounded[index, :n].tolist() == y, f"row {index} of seed {seed}"


@pytest.mark.parametrize("scale", [2.0**-5, 0.04, 0.3])
@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm"])
def test_floats_with_two_roundings_say_the_same(norm: str, scale: float) -> None:
    """``weight * hidden.to(input_dtype)`` in float64, of rows with no tie near; gamma as a short binary fraction."""
    gamma = np.random.default_rng(4).integers(1, 64, 64) / 32
    config = unit(norm=norm, gamma=gamma, beta=0.25, output=IntFormat(8, scale=scale, zero_point=3))
    x = random_rows(config, 400, np.random.default_rng(5), distribution="normal", lengths=[64] * 400).x
    real = x * config.input.scale
    real = real - real.mean(axis=1, keepdims=True) if norm == "layernorm" else real
    hidden = real / np.sqrt((real * real).mean(axis=1, keepdims=True) + config.epsilon) / scale
    q = np.clip(np.rint(hidden), config.output.min - 3, config.output.max - 3)
    y = q * gamma + 0.25 / scale + 3
    # No farther from a tie than the unit may be off.
    near = np.abs(hidden - np.floor(hidden) - 0.5) < Precision.of(config).error_bound + 1e-9
    near |= np.abs(y - np.floor(y) - 0.5) < 1e-3
    want = np.clip(np.rint(y), config.output.min, config.output.max)
    assert near.mean() < 0.1
    np.testing.assert_array_equal(GoldenModel(config).normalize(x)[~near], want[~near])


def test_it_is_not_one_rounding() -> None:
    config = unit(gamma=5.0, output=IntFormat(16, scale=2.0**-5))
    x = random_rows(config, 50, np.random.default_rng(6), lengths=[64] * 50).x
    once = exact_result(config.replace(gamma_rounding="once"), x).rounded
    twice = exact_result(config, x).rounded
    assert (twice % 5 == 0).all()
    assert np.abs(once - twice).max() == 2
    assert (once == twice).mean() < 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_with_gamma_as_given_too_the_error_is_within_the_bound(seed: int) -> None:
    config = drawn_config(seed, gamma_rounding="output")
    batch = drawn_rows(config, np.random.default_rng(seed), 20)
    got = GoldenModel(config).normalize(batch.x, batch.lengths, batch.banks)
    plan = Plan.of(config)
    accuracy = Accuracy.of(config, got, batch.x, batch.lengths, batch.banks, as_given=True)
    assert accuracy.max_ulp <= plan.error_bound_as_given + 1e-6
    assert plan.error_bound_as_given - plan.error_bound <= 0.4


def test_gamma_is_not_divided_by_the_scale() -> None:
    stored = StoredParameters.of(unit(gamma=[0.5, 1.5] * 32, output=IntFormat(8, scale=0.01)))
    assert (stored.gamma / 2.0**stored.gamma_frac_bits == np.array([0.5, 1.5] * 32)).all()
    assert stored.gamma_max_abs == 1.5
    # |q| is at most 128, not z / scale = 800.
    assert stored.storage_error <= 128 * 0.5 / 2.0**stored.gamma_frac_bits + 0.5 / 2.0**stored.beta_frac_bits + 1e-9
    ram = unit(storage="ram", gamma_max=1.5, output=IntFormat(8, scale=0.01))
    loaded = StoredParameters.of(ram)
    assert loaded.quantize_gamma(1.25) == 1.25 * 2.0**loaded.gamma_frac_bits
    assert loaded.storage_error == 128 * 0.5 / 2.0**loaded.gamma_frac_bits + 0.5 / 2.0**loaded.beta_frac_bits


def test_a_normalized_value_that_saturates_is_told() -> None:
    config = unit(gamma=0.25)
    x = np.zeros((1, 64), np.int64)
    x[0, 7] = 100  # z = 8, the output ends at 4
    y = GoldenModel(config).normalize(x)
    assert y[0, 7] == 32
    assert Accuracy.of(config, y, x).saturated == 1


def test_an_unsigned_output_has_no_normalized_value_below_its_zero_point() -> None:
    config = unit(gamma=-1.0, beta=1.0, output=IntFormat(8, signed=False, scale=2.0**-5, zero_point=8))
    x = np.tile([5, -5], 32)[None]
    np.testing.assert_array_equal(GoldenModel(config).normalize(x), np.tile([8, 48], 32)[None])
    np.testing.assert_array_equal(exact_result(config, x).rounded, np.tile([8, 48], 32)[None])


def test_welford_rounds_too() -> None:
    config = unit(norm="layernorm", gamma=1.5, architecture="five-scan:welford")
    x = random_rows(config, 30, np.random.default_rng(7), lengths=[64] * 30).x
    got = golden_model(config).normalize(x)
    assert (np.abs(got - exact_result(config, x).rounded) <= 2).all()
    assert (got == exact_result(config, x).rounded).mean() > 0.99


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gamma_rounding": "twice"}, "gamma_rounding = 'twice': must be one of once, output"),
        ({"gamma_rounding": True}, "gamma_rounding = True: must be one of once, output"),
        (
            {"output": IntFormat(8, scale=20.0), "beta": 60.0},
            'gamma_rounding = "output", and in [output]: scale = 20: every normalized value would be rounded to 0, '
            "since it is at most 8; must be less than 16",
        ),
        ({"gamma": 1e9, "gamma_bits": 4}, "gamma: 1e+09 does not fit gamma_bits = 4 with -16 fraction bits: must be"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        StoredParameters.of(unit(**changes))
    assert str(caught.value).startswith(message)


def test_a_scale_too_small_for_any_datapath_is_refused() -> None:
    config = unit(output=IntFormat(24, scale=1e-17), accuracy="tight")
    with pytest.raises(ConfigError, match=r'gamma_rounding = "output": a normalized value reaches .* output steps'):
        Precision.of(config)
