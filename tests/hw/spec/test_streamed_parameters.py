"""The configuration of gamma and beta that come with each row."""

from typing import Any

import numpy as np
import pytest

from small_unit import small_unit
from streamnorm.errors import ConfigError
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import streams_of
from streamnorm.spec.stored_floats import stored_parameters


def make(**changes: Any) -> NormConfig:
    return small_unit(**{"max_length": 40, "storage": "stream", **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gamma": 1.0}, 'gamma: does not go with storage = "stream": each row comes with its own; leave it out'),
        (
            {"beta": np.zeros(40)},
            'beta: does not go with storage = "stream": each row comes with its own; leave it out',
        ),
        (
            {"banks": 2},
            'banks = 2: does not go with storage = "stream": nothing is stored; each row comes with its own',
        ),
        (
            {"parameter_repeat": 5},
            'parameter_repeat = 5: does not go with storage = "stream": each element comes with its own gamma and beta',
        ),
        (
            {"architecture": "three-scan"},
            "architecture = 'three-scan': does not go with storage = \"stream\": it takes a row at a time, and has "
            "gamma and beta in a memory; allowed: one-pass, two-pass",
        ),
        (
            {"architecture": "five-scan:welford"},
            "architecture = 'five-scan:welford': does not go with storage = \"stream\": it takes a row at a time, and "
            "has gamma and beta in a memory; allowed: one-pass, two-pass",
        ),
        ({"algorithm": "i-bert"}, "storage = 'stream': does not go with algorithm = 'i-bert'; allowed: rom"),
        ({"output": "bf16", "gamma_max": 2.0}, "gamma_max: output = bf16 has no use for it; any number may be loaded"),
    ],
)
def test_what_does_not_go_with_it_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make(**changes)
    assert str(refused.value) == message


@pytest.mark.parametrize("changes", [{}, {"gamma_max": 9.0, "beta_max": 0.5}, {"output": "bf16"}, {"gamma_bits": 20}])
def test_what_comes_is_stored_as_what_is_loaded(changes: dict[str, Any]) -> None:
    config = make(**changes)
    loaded = config.replace(storage="ram")
    for key in ("gamma_bits", "beta_bits", "gamma_max", "beta_max", "parameter_format"):
        assert getattr(config, key) == getattr(loaded, key), key
    stored, other = stored_parameters(config), stored_parameters(loaded)
    assert stored.storage_error == other.storage_error
    assert not stored.gamma_is_constant
    assert not stored.beta_is_constant
    assert Plan.of(config).error_bound_as_given == Plan.of(loaded).error_bound_as_given


def test_it_is_said_once_what_becomes_of_gamma_and_beta() -> None:
    properties = ("parameters_are_known", "parameters_are_loaded", "parameters_are_streamed")
    said = {
        storage: [getattr(make(storage=storage), name) for name in properties] for storage in ("rom", "ram", "stream")
    }
    assert said == {"rom": [True, False, False], "ram": [False, True, False], "stream": [False, False, True]}


def test_one_stream_carries_both() -> None:
    residual = make(residual={"format": "int8", "scale": 0.05})
    assert {name: [side.name for side in sides] for name, sides in streams_of(residual.side_inputs).items()} == {
        "residual": ["residual"],
        "param": ["gamma", "beta"],
    }
    assert [side.follows for side in residual.side_inputs] == [False, True, True]
    assert [side.name for side in residual.core.side_inputs] == ["gamma", "beta"]
    assert make(storage="ram").side_inputs == ()


@pytest.mark.parametrize("changes", [{}, {"output": "bf16", "parameter_format": "fp16"}, {"gamma_rounding": "output"}])
@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_real_numbers_are_stored_as_those_that_are_loaded(changes: dict[str, Any], offset: float) -> None:
    config = make(gamma_offset=offset, **changes)
    stored = stored_parameters(config)
    values = np.random.default_rng(3).normal(0, 0.5, (6, 40)).clip(-2, 2)
    gamma, beta = (side.number for side in config.side_inputs)
    np.testing.assert_array_equal(gamma.quantize(values), stored.quantize_gamma(values))
    np.testing.assert_array_equal(beta.quantize(values), stored.quantize_beta(values))
    for number in (gamma, beta):
        codes = number.quantize(values)
        assert codes.min() >= number.min
        assert codes.max() <= number.max
        np.testing.assert_allclose(number.dequantize(codes), values, atol=2e-3)
        np.testing.assert_array_equal(number.quantize(number.dequantize(codes)), codes)


def test_a_real_number_that_does_not_fit_is_refused() -> None:
    gamma, _ = (side.number for side in make().side_inputs)
    with pytest.raises(ConfigError, match=r"gamma: 100 does not fit gamma_bits = 16"):
        gamma.quantize([100.0])
