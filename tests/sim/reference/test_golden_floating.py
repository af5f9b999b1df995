"""The golden model of floating-point numbers against the exact result."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn import drawn_rows
from drawn_floats import MEMBERS, drawn_float_config
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat, IntFormat
from streamnorm.spec.norms import NORMS
from streamnorm.spec.stored_floats import StoredFloats
from streamnorm_sim.check.accuracy import Accuracy
from streamnorm_sim.reference.exact import ExactResult, exact_result
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.streams.rows import RowBatch

NAN, INFINITE, OVERFLOW = 1, 2, 4


def check(config: NormConfig, batch: RowBatch, note: object = "") -> None:
    """No farther off than planned, no more than 1 unit; what is special is equal, and the flags are right."""
    model, bound = golden_model(config), Plan.of(config).error_bound
    rows = batch.x, batch.lengths, batch.banks
    got, exact, valid = model.normalize(*rows), exact_result(config, *rows), batch.valid
    where = f"{config.to_dict()} {note}"
    assert bound <= 1, where
    accuracy = Accuracy.of(config, got, *rows)
    assert accuracy.max_ulp <= bound + 2.0**-20, f"{accuracy}, planned {bound}: {where}"
    assert (got[~valid] == 0).all()
    special = valid & ~np.isfinite(exact.scaled)
    assert np.array_equal(got[special], exact.rounded[special]), where
    if isinstance(config.output, FloatFormat) and not config.formula.centred and not StoredFloats.of(config).has_beta:
        numbers = valid & ~config.output.parts(exact.rounded).is_nan & ~exact.overflows
        sign = config.output.bits - 1
        assert np.array_equal(got[numbers] >> sign, exact.rounded[numbers] >> sign), where
    check_flags(config, batch, exact, model.flags(*rows), bound, where)


def check_flags(
    config: NormConfig, batch: RowBatch, exact: ExactResult, flags: np.ndarray, bound: float, where: str
) -> None:
    """Those of what came in, and whether a result lay beyond the format: either may be, as near as the bound to it."""
    if isinstance(config.input, FloatFormat):
        parts = config.input.parts(np.where(batch.valid, batch.x, 0))
        assert np.array_equal((flags & NAN) > 0, parts.is_nan.any(axis=1)), where
        assert np.array_equal((flags & INFINITE) > 0, parts.is_infinite.any(axis=1)), where
    else:
        assert not (flags & (NAN | INFINITE)).any()
    low, high = first_beyond(config)
    number = batch.valid & np.isfinite(exact.scaled)
    if not config.output.is_float:  # there, what is special has become a number
        number &= exact.overflows | (config.output.min < exact.scaled) & (exact.scaled < config.output.max)
    slack = bound * exact.unit
    must = number & ((exact.scaled > high + slack) | (exact.scaled < low - slack))
    may = number & ((exact.scaled >= high - slack) | (exact.scaled <= low + slack))
    overflow = (flags & OVERFLOW) > 0
    assert (overflow >= must.any(axis=1)).all(), where
    assert (overflow <= may.any(axis=1)).all(), where


def first_beyond(config: NormConfig) -> tuple[float, float]:
    """Where rounding takes a result beyond the largest number."""
    output = config.output
    if isinstance(output, FloatFormat):
        limit = (output.mantissa_max + 0.5) * 2.0**output.binade_max * output.scale
        return -limit, limit
    return output.min - 0.5, output.max + 0.5


@settings(max_examples=40)
@given(seed=st.integers(0, 1_000_000), rows=st.data())
def test_any_configuration_is_faithful(seed, rows):
    """Formats, lengths, epsilon, gamma and beta drawn; corner rows, random rows and drawn rows, special values too."""
    config = drawn_float_config(seed)
    check(config, drawn_rows(config, np.random.default_rng(seed), 20), f"(seed {seed})")
    element = st.integers(config.input.min, config.input.max)
    length = rows.draw(st.integers(1, min(config.max_length, 12)))
    row = rows.draw(st.lists(element, min_size=length, max_size=length))
    check(config, RowBatch.of(config, [row]), row)


def test_every_member_is_drawn():
    drawn = [drawn_float_config(seed) for seed in range(150)]
    assert {config.norm for config in drawn} == {member.partition(", ")[0] for member in MEMBERS}
    assert {config.epsilon_placement for config in drawn} == {"variance", "floor", "root"}
    sides = {(config.input.is_float, config.output.is_float) for config in drawn}
    assert sides == {(True, True), (True, False), (False, True)}


@pytest.mark.parametrize("norm", ["layernorm", "l2norm"])
def test_integers_with_a_large_epsilon_beside_the_deviation(norm):
    source = IntFormat(5, scale=1e-4)
    config = plain(norm, "bf16", input=source, epsilon=1.0, epsilon_placement="root")
    check(config, drawn_rows(config, np.random.default_rng(1), 20))


def test_rows_far_below_the_epsilon_beside_their_norm():
    """x / (sqrt(sum(x**2)) + epsilon) with a root that is hundreds of times less than epsilon."""
    config = plain("l2norm", "bf16", epsilon=3e5, epsilon_placement="root")
    rows = config.input.quantize(np.random.default_rng(1).normal(0, 1e3, (20, N)))
    check(config, RowBatch.of(config, rows))


@pytest.mark.parametrize("epsilon", [1e-18, 1e-15])
def test_elements_that_follow_one_another_beside_a_small_epsilon(epsilon):
    """1 and the next number, whose variance is 4e-15."""
    config = plain("layernorm", "fp32", epsilon=epsilon)
    rows = [[1.0] * (n - 1) + [next_to_one("fp32")] for n in (2, 3, 5, N)]
    check(config, RowBatch.pack(config, [config.input.quantize(row) for row in rows]))


# Hard rows, one by one

FORMATS = ("bf16", "fp16", "fp32", "fp8_e4m3fn", "fp8_e5m2")
N = 16
HALVES = np.arange(N) % 2 == 1
SIGNS = np.where(HALVES, -1.0, 1.0)


def plain(norm: str, number_format: str, **keys) -> NormConfig:
    same = {"input": number_format, "output": number_format, "epsilon": 0.0}
    return NormConfig(norm=norm, lanes=4, max_length=N, **{**same, **keys})


def normalized(config: NormConfig, values) -> np.ndarray:
    """Results as numbers; no flag is set."""
    codes = config.input.quantize(values)[None]
    assert np.array_equal(config.input.dequantize(codes)[0], values), "the rows are of the format"
    model = golden_model(config)
    assert model.flags(codes).tolist() == [0]
    return config.output.dequantize(model.normalize(codes))[0]


def next_to_one(number_format: str) -> float:
    return 1 + 2.0 ** -FloatFormat(number_format).fraction_bits


@pytest.mark.parametrize("norm", ["layernorm", "l1norm"])
@pytest.mark.parametrize("epsilon", [0.0, 1e-5])
@pytest.mark.parametrize("number_format", FORMATS)
def test_constant_rows_give_beta(number_format, epsilon, norm):
    """To the last bit, whatever beta is stored as, and whatever the number is that the row is full of."""
    beta = np.random.default_rng(1).normal(0, 1, N).astype(np.float32).astype(np.float64)
    config = plain(norm, number_format, epsilon=epsilon, gamma=np.linspace(-3, 3, N), beta=beta)
    source = config.input
    want = source.dequantize(source.quantize(beta))
    codes = np.unique([0, 1, 2, *source.quantize([epsilon, epsilon**0.5, 1.7]), source.code_of_largest])
    for value in [*source.dequantize(codes), *-source.dequantize(codes)]:
        assert normalized(config, np.full(N, value)).tolist() == want.tolist()


@pytest.mark.parametrize("length", [1, 3, 50])
@pytest.mark.parametrize("norm", [norm.name for norm in NORMS.values() if norm.centred])
def test_constant_rows_are_nothing_in_every_binade(norm, length):
    """Beside epsilon sums drop what is small; a row's mean is its elements all the same."""
    keys = (
        {"deviation": 1.5}
        if norm == "frozen"
        else {"epsilon": 1e-5, **({"curvature": 0.1} if norm == "adanorm" else {})}
    )
    config = NormConfig(norm=norm, lanes=2, max_length=50, input="bf16", output="bf16", **keys)
    codes = np.arange(0, config.input.code_of_largest, 37)
    rows = np.repeat(np.concatenate([codes, codes | 1 << 15])[:, None], length, axis=1)
    assert not golden_model(config).normalize(rows).any()


@pytest.mark.parametrize("number_format", FORMATS)
def test_rows_of_two_numbers_are_plus_and_minus_one(number_format):
    """The largest number of both signs, the smallest, and two that follow one another: neither NaN nor 0."""
    layernorm, l1norm, rmsnorm = (plain(norm, number_format) for norm in ("layernorm", "l1norm", "rmsnorm"))
    source = layernorm.input
    for magnitude in (source.largest, source.scale, 1.0):
        assert normalized(layernorm, magnitude * SIGNS).tolist() == SIGNS.tolist()
        assert normalized(l1norm, magnitude * SIGNS).tolist() == SIGNS.tolist()
        assert normalized(rmsnorm, magnitude * SIGNS).tolist() == SIGNS.tolist()
    above = next_to_one(number_format)
    for sign in (1, -1):
        for config in (layernorm, l1norm):
            assert normalized(config, sign * np.where(HALVES, 1.0, above)).tolist() == (sign * SIGNS).tolist()


@pytest.mark.parametrize("number_format", FORMATS)
def test_the_largest_numbers_do_not_overflow_a_sum(number_format):
    largest = np.full(N, FloatFormat(number_format).largest)
    assert normalized(plain("rmsnorm", number_format), largest).tolist() == [1.0] * N
    assert normalized(plain("l2norm", number_format), largest).tolist() == [0.25] * N
    # The mean of the squares of N ones and that of their sum, N squared: N + N**2 over N + 1.
    assert normalized(plain("crmsnorm", number_format), largest).tolist() == [0.25] * N
    assert normalized(plain("layernorm", number_format), largest).tolist() == [0.0] * N


@pytest.mark.parametrize("number_format", FORMATS)
def test_one_among_many_stands_out(number_format):
    """One step in a row of ones, and the largest number among the smallest: (N-1) / sqrt(N-1), and -1 / sqrt(N-1)."""
    config = plain("layernorm", number_format)
    one, other = config.output.quantize([np.sqrt(N - 1), -1 / np.sqrt(N - 1)])
    want = config.output.dequantize(np.where(np.arange(N) == 5, one, other))
    at = np.arange(N) == 5
    assert normalized(config, np.where(at, next_to_one(number_format), 1.0)).tolist() == want.tolist()
    if number_format != "fp8_e4m3fn":  # of which the smallest is not beyond the last place of the largest
        assert normalized(config, np.where(at, config.input.largest, config.input.scale)).tolist() == want.tolist()


@pytest.mark.parametrize("output", ["float(8, 1)", "fp8_e4m3fn"])
def test_what_is_dropped_beside_a_large_element_makes_no_z_wrap_around(output):
    """An element far off the others, whose z is n / 2 in the l1norm: a share of that is more than a step of z."""
    n = 16380
    config = NormConfig(norm="l1norm", lanes=4, max_length=n, input="bf16", output=output, epsilon=0.0)
    sums = golden_model(config).precision.sums
    fields = 1 + sums.window * np.array([16, 17 - sums.count])  # of the lowest binades of windows, one of them kept
    one, other = (int(fields[0]) << 7) | 0x8000, (int(fields[1]) << 7) - 1
    codes = np.where(np.arange(n) == 0, one, [[other], [other | 0x8000]])
    check(config, RowBatch.of(config, codes))


@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm", "l2norm", "crmsnorm"])
@pytest.mark.parametrize("number_format", ["bf16", "fp16", "fp32"])
def test_subnormal_rows_are_those_of_normal_ones(norm, number_format):
    """Without epsilon, a power of two more is no change of the results, beyond what both may be off by."""
    config = plain(norm, number_format)
    steps = np.random.default_rng(3).integers(-7, 8, N).astype(np.float64)
    assert steps.any()
    scale = config.input.scale
    row, large = (config.input.quantize(values)[None] for values in (steps * scale, steps))
    exact, of_large = exact_result(config, row), exact_result(config, large)
    assert exact.rounded.tolist() == of_large.rounded.tolist()
    for codes in (row, large):
        assert Accuracy.of(config, golden_model(config).normalize(codes), codes).max_ulp <= Plan.of(config).error_bound
    check(config, RowBatch.of(config, np.concatenate([row, large])))


@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm", "frozen"])
@pytest.mark.parametrize(("stored", "output"), [("fp16", "fp32"), ("fp16", "bf16"), ("bf16", "fp32")])
def test_subnormal_gamma_and_beta_are_as_good_as_others(norm, stored, output):
    """As a result is a normal number of its format where a subnormal gamma or beta of theirs is."""
    held, rng = FloatFormat(stored), np.random.default_rng(5)
    drawn = {"epsilon": 1e-5} if norm != "frozen" else {"deviation": 1.1}
    for most in ((5, 3), (900, 3), (3, 900)):
        gamma, beta = (held.scale * rng.integers(-end, end + 1, N) for end in most)
        values = {"gamma": held.dequantize(held.quantize(gamma)), "beta": held.dequantize(held.quantize(beta))}
        config = NormConfig(
            norm=norm, lanes=4, max_length=N, input="bf16", output=output, parameter_format=stored, **values, **drawn
        )
        rows = rng.normal(0, 1, (200, N)) + rng.normal(0, 1, (200, 1))
        check(config, RowBatch.of(config, config.input.quantize(rows)))


@pytest.mark.parametrize("number_format", FORMATS)
def test_rows_of_zeros_without_epsilon(number_format):
    """0 without a mean has the sign of x, and of gamma; with one it is +0, and gamma makes it -0."""
    zeros = np.where(HALVES, -0.0, 0.0)
    for norm in ("rmsnorm", "l2norm", "crmsnorm"):
        assert np.signbit(normalized(plain(norm, number_format), zeros)).tolist() == HALVES.tolist()
        negative = plain(norm, number_format, gamma=-2.0)
        assert np.signbit(normalized(negative, zeros)).tolist() == (~HALVES).tolist()
    assert not np.signbit(normalized(plain("layernorm", number_format), zeros)).any()
    assert np.signbit(normalized(plain("layernorm", number_format, gamma=-2.0), zeros)).all()


@pytest.mark.parametrize("number_format", ["bf16", "fp16", "fp32"])
def test_what_is_loaded_and_not_finite_is_nan_at_its_elements(number_format):
    config = plain("layernorm", number_format, storage="ram", parameter_format=number_format)
    stored = config.parameter_format
    assert stored is not None
    gamma, beta = np.ones((1, N)), np.zeros((1, N))
    gamma[0, 2], gamma[0, 5], beta[0, 7], beta[0, 9] = np.inf, np.nan, -np.inf, np.nan
    model = golden_model(config, gamma=stored.quantize(gamma), beta=stored.quantize(beta))
    codes = config.input.quantize(SIGNS)[None]
    results = config.output.dequantize(model.normalize(codes))[0]
    assert np.flatnonzero(np.isnan(results)).tolist() == [2, 5, 7, 9]
    assert results[~np.isnan(results)].tolist() == SIGNS[~np.isnan(results)].tolist()
    assert model.flags(codes).tolist() == [0]
