"""Gamma and beta as floating-point codes: what is stored, how far off it is, messages."""

from fractions import Fraction

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.stored_floats import StoredFloats


def make(**changes):
    keywords = {"norm": "layernorm", "lanes": 2, "max_length": 5, "input": "bf16", "output": "bf16", "epsilon": 1e-5}
    return NormConfig(**(keywords | changes))


def stored(**changes):
    return StoredFloats.of(make(**changes))


def test_defaults_are_one_and_nothing():
    found = stored()
    assert (found.format.name, found.gamma.tolist(), found.beta.tolist()) == ("bf16", [[0x3F80] * 5], [[0] * 5])
    assert found.gamma_is_constant
    assert found.beta_is_constant
    assert not found.has_beta
    assert (found.gamma_error, found.beta_error) == (0.0, 0.0)
    assert found is StoredFloats.of(make())
    assert repr(found) == "<StoredFloats of 1 bank of 5: bf16>"


def test_gamma_has_its_offset():
    found = stored(gamma=[0.5, 0.25, 0.0, -1.0, 1.0], gamma_offset=1.0)
    assert found.format.dequantize(found.gamma).tolist() == [[1.5, 1.25, 1.0, 0.0, 2.0]]
    assert not found.gamma_is_constant
    assert found.format.dequantize(found.quantize_gamma([2.0, -3.0])).tolist() == [3.0, -2.0]
    assert found.format.dequantize(found.quantize_beta([2.0, -3.0])).tolist() == [2.0, -3.0]


def test_zeros_keep_their_sign():
    minus, zeros = 0x8000, [0.0, -0.0, 0.0, -0.0, 0.0]
    found = stored(gamma=zeros, beta=zeros)
    assert found.gamma.tolist() == found.beta.tolist() == [[0, minus] * 2 + [0]]
    assert found.has_beta  # -0 is left of some sums of zeros alone
    assert found.quantize_gamma([-0.0]).tolist() == found.quantize_beta([-0.0]).tolist() == [minus]
    assert stored(gamma=zeros, gamma_offset=1.0).gamma.tolist() == [[0x3F80] * 5]
    underflowing = stored(gamma=-0.0, gamma_offset=-1e-50, parameter_format="bf16")
    assert underflowing.gamma.tolist() == [[minus] * 5]
    alone = stored(beta=-0.0)  # whatever it is added to stays as it is
    assert alone.beta.tolist() == [[minus] * 5]
    assert not alone.has_beta


def test_constants_and_what_may_be_loaded():
    assert stored(beta=[0.0, 0, 0, 0, 0]).has_beta is False
    assert stored(beta=[0.0, 0, 0, 0, 1]).has_beta
    loaded = stored(storage="ram", parameter_format="fp16")
    assert loaded.has_beta
    assert (loaded.gamma_is_constant, loaded.beta_is_constant) == (False, False)
    assert (loaded.gamma_error, loaded.beta_error) == (2.0**-11, 2.0**-11)


def test_banks_share_values():
    gamma = np.arange(1.0, 7.0).reshape(2, 3)
    found = stored(gamma=gamma, banks=2, parameter_repeat=2)
    assert found.format.dequantize(found.gamma).tolist() == gamma.tolist()
    assert found.beta.shape == (2, 3)


@pytest.mark.parametrize("name", ["bf16", "fp16", "fp32"])
def test_the_error_is_that_of_the_worst_value(name):
    gamma, offset = np.array([0.1, 1 / 3, 2.0**-12, 700.0, 1e-30]), 1.0 + 2.0**-30
    found = stored(gamma=gamma, gamma_offset=offset, beta=gamma, parameter_format=name)
    for codes, added, error in ((found.gamma, offset, found.gamma_error), (found.beta, 0.0, found.beta_error)):
        exact = [Fraction(value) + Fraction(added) for value in gamma.tolist()]
        real = [Fraction(value) for value in found.format.dequantize(codes)[0].tolist()]
        worst = max(abs(held - value) / value for held, value in zip(real, exact, strict=True))
        assert worst <= Fraction(error) <= worst * (1 + Fraction(1, 2**40))


def test_a_row_of_gamma_is_read_only():
    with pytest.raises(ValueError, match="read-only"):
        stored().gamma[0, 0] = 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gamma": 1e6, "parameter_format": "fp16"}, "gamma: 1e\\+06 does not fit parameter_format = 'fp16'.*65504"),
        ({"gamma": 1e39, "gamma_offset": 1.0}, "gamma \\+ gamma_offset: 1e\\+39 \\+ 1 does not fit"),
        ({"beta": -1e39}, "beta: -1e\\+39 does not fit parameter_format = 'fp32'"),
        ({"output": "int8"}, "output = int8: gamma and beta are stored as integers"),
    ],
)
def test_what_cannot_be_stored(change, message):
    with pytest.raises(ConfigError, match=message):
        stored(**change)
    with pytest.raises(ConfigError, match="every value must be finite"):
        stored().quantize_beta([np.nan])
