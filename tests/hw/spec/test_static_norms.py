"""Configurations of norms without a statistic: what they take, what they refuse, what is stored for them."""

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.architectures import ARCHITECTURES, architectures_of
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.norms import NORMS
from streamnorm.spec.parameters import StoredParameters

STATIC = [name for name, norm in NORMS.items() if not norm.has_statistic]


def unit(norm: str = "affine", **changes: Any) -> NormConfig:
    keys = {
        "norm": norm,
        "lanes": 2,
        "max_length": 6,
        "input": IntFormat(8, scale=0.1),
        "output": IntFormat(8, scale=0.05),
    }
    own = {"alpha": 0.5} if norm == "dyt" else {"epsilon": 1e-5} if "epsilon" in NORMS[norm].keys else {}
    return NormConfig(**{**keys, **own, **changes})


def test_the_static_norms_are_affine_and_dynamic_tanh() -> None:
    assert STATIC == ["affine", "dyt"]


@pytest.mark.parametrize("norm", STATIC)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epsilon": 1e-5}, "epsilon = 1e-05: norm = '{norm}' has no use for it; goes with: layernorm, "),
        ({"epsilon_placement": "floor"}, "epsilon_placement = floor: norm = '{norm}' has no use for it"),
        ({"statistic_length": 3}, "statistic_length = 3: norm = '{norm}' has no use for it; goes with: rmsnorm"),
        ({"deviation": 2.0}, "deviation = 2: norm = '{norm}' has no use for it; goes with: frozen"),
        ({"architecture": "one-pass"}, "architecture = 'one-pass': norm = '{norm}' has no statistic; allowed: static"),
        ({"architecture": "three-scan:welford"}, "norm = '{norm}' has no statistic; allowed: static"),
    ],
)
def test_keys_about_a_statistic_are_refused(norm: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        unit(norm, **changes)
    told = str(refused.value).replace("'floor'", "floor").replace("2.0", "2")
    assert message.format(norm=norm) in told


def test_the_others_are_not_static() -> None:
    with pytest.raises(
        ConfigError, match="architecture = 'static': norm = 'layernorm' has a statistic; allowed: one-p"
    ):
        unit("layernorm", architecture="static")
    with pytest.raises(ConfigError, match=r"alpha = 0\.5: norm = 'layernorm' has no use for it; goes with: dyt"):
        unit("layernorm", alpha=0.5)


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        (None, "missing key: alpha"),
        (0, "alpha = 0: must not be 0"),
        (float("nan"), "alpha = nan: must be"),
        (float("inf"), "alpha = inf: must be"),
        ("half", "alpha = 'half': must be"),
    ],
)
def test_alpha_is_a_number_that_must_be_said(alpha: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        unit("dyt", alpha=alpha)


def test_an_architecture_that_is_not_said_is_the_first_that_goes_with_the_norm() -> None:
    for name, norm in NORMS.items():
        others = "two-pass" if norm.has_absolute_sum else "one-pass"
        assert architectures_of(norm)[0] == ("static" if name in STATIC else others)
    found = [architectures_of(norm, defer=defer) for norm in NORMS.values() for defer in (False, True)]
    assert set(ARCHITECTURES) == {name for names in found for name in names}
    one = unit("layernorm")
    assert one.architecture == "one-pass"
    assert one == unit("layernorm", architecture="one-pass")  # and so is its digest
    assert unit("affine").architecture == "static"
    assert unit("affine") == unit("affine", architecture="static")
    assert unit("rmsnorm", epsilon=0.0).replace(norm="l2norm").architecture == "one-pass"
    assert unit("affine").replace(norm="dyt", alpha=2.0).architecture == "static"
    assert Plan.of(unit("affine")).to_dict()["architecture"] == "static"


def test_alpha_makes_another_unit() -> None:
    assert unit("dyt", alpha=0.5) != unit("dyt", alpha=0.25)
    assert unit("dyt", alpha=1).alpha == 1.0


def test_the_stored_gamma_of_affine_is_that_of_an_input_step() -> None:
    gamma = np.array([0.3, -0.7, 1.0, 0.013, 1.9, -1.9])
    config = unit(gamma=gamma, gamma_offset=0.1, input=IntFormat(8, scale=0.03), output=IntFormat(8, scale=0.07))
    stored = StoredParameters.of(config)
    for value, code in zip(gamma, stored.gamma[0], strict=True):
        exact = (Fraction(value) + Fraction(0.1)) * Fraction(0.03) / Fraction(0.07)
        assert code == round(exact * 2**stored.gamma_frac_bits)
    np.testing.assert_array_equal(stored.quantize_gamma(gamma), stored.gamma[0])


@pytest.mark.parametrize("bits", [4, 8, 16, 24])
def test_default_widths_store_within_the_promise_and_more_bits_are_taken_for_it(bits: int) -> None:
    source = IntFormat(bits, scale=12 / 2**bits)
    config = unit(input=source, output=IntFormat(8, scale=0.05), gamma=np.linspace(0.6, 1.4, 6), beta=0.3)
    assert Plan.of(config).error_bound_as_given <= 1
    assert StoredParameters.of(config).storage_error <= 0.4
    worst = 0.0
    stored = StoredParameters.of(config)
    for gamma, code in zip(np.linspace(0.6, 1.4, 6), stored.gamma[0], strict=True):
        exact = Fraction(gamma) * Fraction(source.scale) / Fraction(0.05)
        worst = max(worst, float(abs(exact - Fraction(int(code), 2**stored.gamma_frac_bits)) * -source.min))
    assert worst <= stored.storage_error


def test_what_no_width_stores_well_enough_is_refused_with_a_cure() -> None:
    wide = {"input": IntFormat(24, scale=1e-6), "output": IntFormat(24, scale=1e-6)}
    with pytest.raises(ConfigError, match=r"even gamma_bits = \d+ and beta_bits = \d+, the most .* Allowed: a smaller"):
        unit(gamma=np.array([3000.0, 1, 1, 1, 1, 1.1]), **wide)
    with pytest.raises(ConfigError, match=r"does not fit gamma_bits = 8 .* input scale 0.1, output scale 1e-07"):
        StoredParameters.of(unit(gamma=3000.0, gamma_bits=8, output=IntFormat(8, scale=1e-7)))


@pytest.mark.parametrize("norm", STATIC)
def test_results_that_are_all_0_are_refused(norm: str) -> None:
    with pytest.raises(ConfigError, match="every result would be 0"):
        unit(norm, gamma=1e-4)


def test_tanh_that_no_table_holds_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"gamma reaches .* the finest table of tanh would still be off by .* Allowed"
    ):
        Plan.of(unit("dyt", gamma=1e9, gamma_bits=32, beta_bits=36, accuracy="tight"))
