"""What storing gamma and beta costs, and the widths that keep it small."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat, IntFormat
from streamnorm.spec.given_parameters import STORAGE_ERROR_MAX
from streamnorm.spec.parameters import StoredParameters

LENGTH = 64


def make(**changes: Any) -> NormConfig:
    keywords: dict[str, Any] = {
        "norm": "layernorm",
        "lanes": 2,
        "max_length": LENGTH,
        "input": IntFormat(8, scale=0.05),
        "output": IntFormat(16, scale=2.0**-15),
        "epsilon": 1e-5,
    }
    return NormConfig(**{**keywords, **changes})


def spread(seed: int = 7) -> np.ndarray:
    gamma = 0.01 * np.random.default_rng(seed).normal(1, 0.25, LENGTH)
    gamma[3] = 50.0
    return gamma


def test_an_outlier_widens_gamma_until_the_small_ones_have_bits_enough() -> None:
    config = make(gamma=spread())
    assert config.gamma_bits > 18
    assert config.beta_bits == 20
    assert StoredParameters.of(config).storage_error <= STORAGE_ERROR_MAX
    assert StoredParameters.of(config.replace(gamma_bits=config.gamma_bits - 1)).storage_error > STORAGE_ERROR_MAX
    assert Plan.of(config).error_bound < Plan.of(config).error_bound_as_given <= 1
    without = spread()
    without[3] = 0.01
    assert make(gamma=without).gamma_bits == 18


def test_the_default_width_is_no_other_configuration() -> None:
    config = make(gamma=spread())
    assert config.replace(gamma_bits=config.gamma_bits).digest() == config.digest()
    assert config.replace(gamma_bits=18).digest() != config.digest()
    assert config.replace(gamma=1.0).gamma_bits == 18


def test_widths_given_by_hand_are_taken_and_what_they_cost_is_told() -> None:
    few = Plan.of(make(gamma=spread(), gamma_bits=18))
    assert few.config.gamma_bits == 18
    assert few.error_bound <= 0.8
    assert few.error_bound_as_given > 10
    (notice,) = few.notices
    assert notice.startswith("with gamma and beta as given, a result can be off by ")
    assert "gamma_bits = 18" in notice
    assert few.to_dict()["error_bound_as_given_lsb"] == few.error_bound_as_given
    assert few.to_dict()["notices"] == few.notices


def test_a_beta_far_from_the_others_widens_beta() -> None:
    beta = np.full(LENGTH, 1 / 3)
    beta[0] = 1e3
    config = make(beta=beta)
    assert (config.gamma_bits, config.beta_bits) == (18, 27)
    assert StoredParameters.of(config).storage_error <= STORAGE_ERROR_MAX


def test_what_is_stored_exactly_costs_nothing() -> None:
    for changes in ({}, {"gamma": 0.25, "beta": -0.5}, {"gamma": np.arange(LENGTH) / 64}):
        assert StoredParameters.of(make(**changes)).storage_error < 1e-6


def test_run_time_loading_counts_everything_that_may_be_loaded() -> None:
    config = make(storage="ram", gamma_max=2.0)
    stored = StoredParameters.of(config)
    z = (LENGTH - 1) ** 0.5
    assert stored.storage_error == pytest.approx(
        z / 2 ** (stored.gamma_frac_bits + 1) + 2.0 ** -(stored.beta_frac_bits + 1)
    )
    assert config.gamma_bits > 18
    assert stored.storage_error <= STORAGE_ERROR_MAX


def test_results_that_saturate_anyway_do_not_count() -> None:
    """A gamma of 3e9 output steps, whose unit is a thousand of them, only meets z below 1e-5."""
    config = make(gamma=1e5 / 3)
    assert config.gamma_bits == 18
    assert StoredParameters.of(config).storage_error < STORAGE_ERROR_MAX


@pytest.mark.parametrize("seed", range(4))
def test_the_error_is_that_of_every_z(seed: int) -> None:
    """Against exact fractions, over a grid of z; the bends need not lie on it."""
    rng = np.random.default_rng(seed)
    gamma = rng.standard_t(1.5, LENGTH) * 0.1
    beta = rng.normal(0, 0.3, LENGTH)
    config = make(gamma=gamma, beta=beta, output=IntFormat(12, scale=0.003, zero_point=90), gamma_bits=9)
    stored, given = StoredParameters.of(config), config.given_parameters
    scale, ends = Fraction(config.output.scale), (config.output.min, config.output.max)
    found = 0.0
    for e in range(LENGTH):
        exact = Fraction(float(gamma[e])) / scale, Fraction(float(beta[e])) / scale + 90
        held = (
            Fraction(int(stored.gamma[0, e])) / Fraction(2) ** stored.gamma_frac_bits,
            Fraction(int(stored.beta[0, e])) / Fraction(2) ** stored.beta_frac_bits,
        )
        for z in np.linspace(-given.z_limit, given.z_limit, 101).tolist():
            sides = [min(max(g * Fraction(z) + b, ends[0]), ends[1]) for g, b in (exact, held)]
            found = max(found, float(abs(sides[0] - sides[1])))
    assert 0.9 * stored.storage_error <= found <= stored.storage_error, f"seed {seed}"


def test_where_no_width_suffices_the_values_the_error_and_the_cure_are_named() -> None:
    keys = {"storage": "ram", "gamma_max": 1e6, "output": IntFormat(24, scale=2.0**-20)}
    with pytest.raises(ConfigError) as caught:
        make(**keys)
    message = str(caught.value)
    assert message.startswith("gamma_max = 1e+06 and beta_max = 4: even gamma_bits = 32 and beta_bits = 36, ")
    assert (
        "must be at most 0.4, beside the rounding. Allowed: a smaller gamma_max or beta_max, a larger output" in message
    )
    assert make(**keys, gamma_bits=32).gamma_bits == 32
    gamma = spread() * 1e-3
    gamma[3] = 1e9
    with pytest.raises(
        ConfigError, match=r"^gamma from .* to 1e\+09 and beta from 0 to 0: .* a smaller range of gamma"
    ):
        make(gamma=gamma)


def test_beta_takes_what_a_gamma_of_the_widest_leaves() -> None:
    """A gamma of 32 bits is off by 0.39 of the 0.4 output LSB."""
    config = make(storage="ram", max_length=40, gamma_max=200.0, output=IntFormat(24, scale=2.0**-20))
    assert (config.gamma_bits, config.beta_bits) == (32, 30)
    assert 0.39 < StoredParameters.of(config).storage_error <= STORAGE_ERROR_MAX
    assert StoredParameters.of(config.replace(beta_bits=29)).storage_error > STORAGE_ERROR_MAX
    assert Plan.of(config).error_bound_as_given <= 1


def test_gammas_that_are_lost_are_told() -> None:
    gamma = np.ones(LENGTH)
    gamma[:5] = 1e-9
    gamma[5] = 0.0
    (notice,) = Plan.of(make(gamma=gamma)).notices
    assert notice == "5 of 64 values of gamma are stored as 0 and are not 0: too small for 18 bits"
    assert Plan.of(make(gamma=np.ones(LENGTH))).notices == []


def test_an_epsilon_that_leaves_nothing_but_zeros_is_told() -> None:
    (notice,) = Plan.of(make(epsilon=1e20)).notices
    assert notice.startswith("every result is 0: epsilon = 1e+20 is so large beside inputs of scale 0.05 that z is at ")


def test_integers_of_floating_point_elements_are_stored_in_real_units() -> None:
    """An affine norm's z may be 1e38; what saturates makes no error, and gamma has no scale of elements in it."""
    config = make(norm="affine", epsilon=None, input="bf16", output=IntFormat(8, scale=0.05), gamma=0.75)
    stored = StoredParameters.of(config)
    assert stored.gamma[0, 0] / 2.0**stored.gamma_frac_bits == 15.0
    assert config.given_parameters.z_max == FloatFormat("bf16").largest
    assert stored.storage_error < 1e-9
    assert StoredParameters.of(config.replace(gamma=0.1)).storage_error <= STORAGE_ERROR_MAX


def test_a_frozen_norm_of_floating_point_reaches_as_far_as_its_numbers() -> None:
    config = make(norm="frozen", epsilon=None, deviation=0.5, input="fp16", output=IntFormat(8, scale=0.05))
    assert config.given_parameters.z_max == pytest.approx(2 * 65504 / 0.5)
    assert StoredParameters.of(config).storage_error <= STORAGE_ERROR_MAX
