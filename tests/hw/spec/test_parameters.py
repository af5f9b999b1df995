"""Stored gamma and beta: exact rounding, binary points, limits, messages."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.parameters import StoredParameters

LENGTH = 5


def make(**changes: Any) -> NormConfig:
    keywords: dict[str, Any] = {
        "norm": "layernorm",
        "lanes": 2,
        "max_length": LENGTH,
        "input": IntFormat(8),
        "output": IntFormat(8, scale=0.05),
        "epsilon": 1e-5,
    }
    return NormConfig(**{**keywords, **changes})


def stored(**changes: Any) -> StoredParameters:
    return StoredParameters.of(make(**changes))


def exact(value: float, config: NormConfig, key: str, frac_bits: int) -> int:
    scale = Fraction(config.output.scale)
    if key == "gamma":
        real = (Fraction(value) + Fraction(config.gamma_offset)) / scale
    else:
        real = Fraction(value) / scale + config.output.zero_point
    return round(real * Fraction(2) ** frac_bits)


# Decimal and binary fractions: the first hit no tie, the second many.
VALUES = st.lists(
    st.one_of(
        st.floats(-8, 8, allow_subnormal=False),
        st.integers(-800, 800).map(lambda k: k / 100),
        st.integers(-(1 << 20), 1 << 20).map(lambda k: k / (1 << 17)),
    ),
    min_size=LENGTH,
    max_size=LENGTH,
)
SCALES = st.one_of(st.integers(-6, 4).map(lambda e: 2.0**e), st.floats(0.01, 10))


@example([0.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.125], 1.0, 0, 0.0, 12)
@given(VALUES, VALUES, SCALES, st.integers(-128, 127), st.sampled_from([0.0, 1.0, -0.3]), st.integers(12, 32))
def test_stored_integers_are_the_exact_values_rounded_half_to_even(
    gamma: list[float], beta: list[float], scale: float, zero_point: int, offset: float, bits: int
) -> None:
    assume(max(abs(value + offset) for value in gamma) >= scale)  # else no result may differ from 0, which is refused
    output = IntFormat(8, scale=scale, zero_point=zero_point)
    config = make(gamma=gamma, beta=beta, output=output, gamma_offset=offset, gamma_bits=bits, beta_bits=bits)
    parameters = StoredParameters.of(config)
    limit = 1 << (bits - 1)
    for key, values, got, frac_bits, constant in (
        ("gamma", gamma, parameters.gamma, parameters.gamma_frac_bits, parameters.gamma_is_constant),
        ("beta", beta, parameters.beta, parameters.beta_frac_bits, parameters.beta_is_constant),
    ):
        assert got.shape == (1, LENGTH)
        want = [exact(value, config, key, frac_bits) for value in values]
        assert got[0].tolist() == want
        assert all(-limit <= integer < limit for integer in want)
        finer = [exact(value, config, key, frac_bits + 1) for value in values]
        # Half an output LSB is added to beta in one bit more, which has to hold it.
        most = 30 if key == "gamma" else min(30, bits)
        fits_finer = frac_bits < most and all(-limit <= integer < limit for integer in finer)
        assert constant == (len(set(want)) == 1)
        assert constant or not fits_finer


def test_without_gamma_and_beta() -> None:
    parameters = stored(output=IntFormat(8, scale=0.5, zero_point=-3))
    assert (parameters.gamma_is_constant, parameters.beta_is_constant) == (True, True)
    assert (parameters.gamma_max_abs, parameters.beta_max_abs) == (2.0, 3.0)
    # Constants have no more fraction bits than they need; beta has at least 1.
    assert (parameters.gamma_frac_bits, parameters.gamma.tolist()) == (-1, [[1] * LENGTH])
    assert (parameters.beta_frac_bits, parameters.beta.tolist()) == (1, [[-6] * LENGTH])
    zero = stored(gamma=0.0)
    assert (zero.gamma_frac_bits, zero.gamma_max_abs, zero.beta_max_abs) == (-16, 0.0, 0.0)


def test_gemma_stores_gamma_minus_1() -> None:
    values = np.array([-0.25, 0.0, 0.25, 0.5, 0.75])
    gemma, plain = stored(gamma=values, gamma_offset=1.0), stored(gamma=values + 1.0)
    assert (gemma.gamma == plain.gamma).all()
    assert gemma.gamma_frac_bits == plain.gamma_frac_bits


def test_one_array_serves_all_banks_beside_an_array_per_bank() -> None:
    gamma = np.arange(2 * LENGTH).reshape(2, LENGTH) / 16
    parameters = stored(banks=2, gamma=gamma, beta=np.full(LENGTH, 0.5))
    assert parameters.gamma.shape == parameters.beta.shape == (2, LENGTH)
    assert (parameters.gamma_is_constant, parameters.beta_is_constant) == (False, True)
    assert (parameters.gamma[1] > parameters.gamma[0]).all()


def test_run_time_loading_reserves_the_stated_range() -> None:
    config = make(storage="ram", gamma_max=3.0, beta_max=2.0, banks=2, gamma=0.5)
    parameters = StoredParameters.of(config)
    # 3.0 / 0.05 = 60 needs 6 integer bits of 15, 2.0 / 0.05 = 40 likewise.
    assert (parameters.gamma_frac_bits, parameters.beta_frac_bits) == (9, 9)
    assert (parameters.gamma_max_abs, parameters.beta_max_abs) == (64.0, 64.0)
    assert (parameters.gamma_is_constant, parameters.beta_is_constant) == (False, False)
    assert parameters.gamma.shape == (2, LENGTH)
    assert parameters.quantize_gamma([[3.0, -3.0], [0.5, 0.0]]).tolist() == [[30720, -30720], [5120, 0]]
    assert parameters.quantize_beta([2.0, -2.0]).tolist() == [20480, -20480]


def test_run_time_loading_holds_both_ends_with_offset_and_zero_point() -> None:
    config = make(
        storage="ram", gamma_offset=1.0, gamma_max=2.5, beta_max=6.0, output=IntFormat(8, scale=0.05, zero_point=-128)
    )
    parameters = StoredParameters.of(config)
    ends = parameters.quantize_gamma([1.5, -3.5])
    assert ends.tolist() == [50 << parameters.gamma_frac_bits, -50 << parameters.gamma_frac_bits]
    assert (parameters.quantize_beta([6.0, -6.0]) < 0).all()


def test_values_that_do_not_fit_are_refused() -> None:
    parameters = stored(storage="ram", gamma_max=3.0)
    for values in ([1.0, 3.5], [1.0, 1e300]):
        with pytest.raises(ConfigError) as caught:
            parameters.quantize_gamma(values)
        assert str(caught.value) == (
            f"gamma: {values[1]:g} does not fit gamma_bits = 16 with 9 fraction bits, output scale 0.05, zero point 0: "
            "must be from -3.2 to 3.1999"
        )
    with pytest.raises(ConfigError, match=r"^beta: element \[0\] is nan; every value must be finite$"):
        parameters.quantize_beta([np.nan])


def test_parameters_too_large_for_their_width_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        stored(beta=100.0, beta_bits=8, output=IntFormat(8, scale=1.0, zero_point=5))
    assert str(caught.value) == (
        "beta: 100 does not fit beta_bits = 8 with 1 fraction bit, output scale 1, zero point 5: "
        "must be from -69 to 58.5"
    )
    with pytest.raises(ConfigError) as caught:
        stored(gamma=[1, 2, 3, 4, -1e300])
    assert str(caught.value) == (
        "gamma: -1e+300 does not fit gamma_bits = 32 with -16 fraction bits, output scale 0.05, zero point 0: "
        "must be from -7.03687e+12 to 7.03687e+12"
    )


@pytest.mark.parametrize(
    ("key", "changes", "width", "most"),
    [
        ("gamma", {}, "gamma_bits = 32 with -16 fraction bits", 7.03687e12),
        ("gamma", {"gamma_offset": 1.0, "gamma_bits": 4}, "gamma_bits = 4 with -16 fraction bits", 22937.6),
        ("beta", {}, "beta_bits = 36 with 1 fraction bit", 8.58993e8),
    ],
)
def test_a_limit_too_large_for_any_width_is_called_by_its_own_key(
    key: str, changes: dict[str, Any], width: str, most: float
) -> None:
    with pytest.raises(ConfigError) as caught:
        stored(storage="ram", **{f"{key}_max": 1e308}, **changes)
    assert str(caught.value) == (
        f"{key}_max = 1e+308 does not fit {width}, output scale 0.05, zero point 0: must be at most {most:g}"
    )
    bits = {f"{key}_bits": int(width.split()[2])}  # by hand: that it fits is all that is asked
    assert stored(storage="ram", **{f"{key}_max": most}, **(changes | bits))
    with pytest.raises(ConfigError, match=rf"^{key}( \+ gamma_offset)?: 1e\+308 .*does not fit"):
        stored(storage="ram", **{key: 1e308}, **changes)


def test_where_a_zero_point_leaves_no_limit_more_bits_are_asked_for() -> None:
    output = IntFormat(8, zero_point=100)
    with pytest.raises(ConfigError, match=r"^beta_max = 100 does not fit beta_bits = 4 .*: more bits are needed$"):
        stored(storage="ram", beta=-100.0, beta_max=100.0, beta_bits=4, output=output)


def test_the_same_configuration_gives_the_same_object() -> None:
    assert stored(gamma=np.ones(LENGTH)) is stored(gamma=[1.0] * LENGTH)
    with pytest.raises(ValueError, match="read-only"):
        stored().gamma[0, 0] = 1


def test_largest_format_and_length_take_a_moment_only() -> None:
    rng = np.random.default_rng(1)
    gamma = rng.integers(-999, 999, (16, 16384)) / 1024.0  # many exact ties
    config = make(max_length=16384, banks=16, gamma=gamma, output=IntFormat(24, scale=2.0**-4), gamma_bits=8)
    parameters = StoredParameters.of(config)
    assert parameters.gamma.shape == (16, 16384)
    element = rng.integers(16), rng.integers(16384)
    assert parameters.gamma[element] == exact(gamma[element], config, "gamma", parameters.gamma_frac_bits)


@given(
    largest=st.sampled_from([0.3, 0.03, 0.01, 1e-3, 1e-6]),
    scale=st.sampled_from([0.05, 1.0, 8.0]),
    loaded=st.booleans(),
    small_gamma=st.booleans(),
)
def test_half_an_output_step_fits_beside_a_beta_however_small(
    largest: float, scale: float, loaded: bool, small_gamma: bool
) -> None:
    """As the hardware stores it, in one bit more; and the sum has bits above its fraction, which are the result."""
    output = IntFormat(8, scale=scale)
    gamma = np.linspace(0.5, 1.0, LENGTH) * (largest if small_gamma else 10 * scale)
    beta = np.linspace(-largest, largest, LENGTH)
    changes = {"storage": "ram", "beta_max": largest, "gamma_max": gamma.max()} if loaded else {}
    try:
        config = make(gamma=gamma, beta=beta, output=output, **changes)
    except ConfigError as error:
        assert "every result would be 0" in str(error)  # noqa: PT017
        return
    parameters = StoredParameters.of(config)
    most = 1 << parameters.beta_bits  # of one bit more than a stored beta
    half = 1 << (parameters.beta_frac_bits - 1)
    assert half + (most >> 1) - 1 < most
    assert int(parameters.beta.max()) + half < most
    assert Plan.of(config).error_bound < 1
