"""A scale that comes with each row: what a configuration may ask for, and what its codes are."""

import copy
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from small_unit import FLOAT_SCALES, POWER_SCALES, small_unit
from streamnorm.errors import ConfigError
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import RowVariancePlacement
from streamnorm.spec.formats import IntFormat, RowScaledFormat, RowScaledInput
from streamnorm.spec.fusions.input_scale import INPUT_SCALES


def make(**keys: Any) -> NormConfig:
    return small_unit(**{"input": FLOAT_SCALES, "output": {"format": "int8", "scale": 0.05}, **keys})


def test_a_table_is_a_format_and_comes_back() -> None:
    config = make(input={"format": "uint8", "scale": "row", "zero_point": 128})
    assert config.input == RowScaledInput("uint8", signed=False, zero_point=128)
    table = config.to_dict()["input"]
    assert table == {"format": "uint8", "scale": "row", "scale_kind": "float32", "zero_point": 128}
    assert make(input=table) == config
    assert copy.deepcopy(config) == config
    assert make(input=POWER_SCALES) != make() != make(input="int8")
    assert config.input != IntFormat("uint8", zero_point=128, signed=False)


def test_the_scales_are_a_stream_of_one_number_a_row() -> None:
    (side,) = make().side_inputs
    assert (side.name, side.number.name, side.per_row, side.lanes(4)) == ("input_scale", "fp32", True, 1)
    assert make(input=POWER_SCALES).side_inputs[0].number == IntFormat("int8")
    assert make(input="int8").side_inputs == ()
    assert make(output=FLOAT_SCALES).core.input_scale is make().input_scale


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"residual": {"format": "int8", "scale": 0.1}}, "residual: does not go with"),
        ({"output": "bf16"}, "output = bf16: does not go with"),
        ({"norm": "l1norm"}, "norm = 'l1norm': does not go with"),
        ({"norm": "frozen", "deviation": 2.0, "epsilon": None}, "norm = 'frozen': does not go with"),
        ({"norm": "dyt", "alpha": 1.0, "epsilon": None}, "norm = 'dyt': does not go with"),
        ({"epsilon_placement": "floor"}, "epsilon_placement = 'floor': does not go with"),
        ({"norm": "rmsnorm", "statistic_length": 8}, "statistic_length = 8: does not go with"),
        ({"algorithm": "i-bert", "epsilon": 0.0}, "algorithm = 'i-bert': does not go with"),
        ({"architecture": "two-pass"}, "architecture = 'two-pass': does not go with"),
        ({"gamma_rounding": "output"}, 'gamma_rounding = "output": does not go with'),
        ({"epsilon": 1e-70}, "epsilon = 1e-70: must be 0, or at least 6"),
        ({"input": {"format": "bf16", "scale": "row"}}, "in [input]: format = 'bf16': must be one of int4"),
        ({"input": {**FLOAT_SCALES, "scale_kind": "e8m0"}}, "in [input]: scale_kind = 'e8m0': must be one of float32"),
        ({"input": {**FLOAT_SCALES, "scale": "rows"}}, "in [input]: scale = 'rows': must be a number, or \"row\""),
        ({"input": {**POWER_SCALES, "scale": 0.1}}, 'in [input]: scale_kind: only goes with scale = "row"'),
        ({"input": {**FLOAT_SCALES, "scale_max": 1.0}}, 'in [input]: scale_max: does not go with scale = "row"'),
        ({"input": {**FLOAT_SCALES, "zero_point": 300}}, "in [input]: zero_point = 300: must be an integer from -128"),
        ({"input": RowScaledFormat("int8")}, "input: a scale for each row: must be a RowScaledInput"),
        ({"output": RowScaledInput("int8")}, "output: a scale for each row: must be a RowScaledFormat"),
    ],
)
def test_what_does_not_go_together_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make(**keys)
    assert str(caught.value).startswith(message)


def test_the_least_epsilon_that_is_named_is_taken() -> None:
    with pytest.raises(ConfigError) as caught:
        make(epsilon=1e-70)
    least = float(str(caught.value).split("at least ")[1].split()[0])
    make(epsilon=least * 1.01)
    with pytest.raises(ConfigError):
        make(epsilon=least / 1.05)
    make(epsilon=0.0)
    make(epsilon=1e-90, input=POWER_SCALES)


def test_codes_of_float32() -> None:
    kind = INPUT_SCALES["float32"]
    scales = [1.0, 2.0**-149, 2.0**-126, 3.4028234663852886e38, 0.3]
    codes = kind.codes(scales)
    assert not kind.is_bad(codes).any()
    assert [kind.value(code) for code in codes.tolist()] == [Fraction(float(np.float32(scale))) for scale in scales]
    exact = [Fraction(kind.value(code)) for code in codes.tolist()]
    for code, scale in zip(codes, exact, strict=True):
        exponent, fraction = int(kind.exponent(code)), Fraction(int(kind.fraction(code)), 1 << 23)
        assert exponent == -127 or Fraction(2) ** exponent * (1 + fraction) == scale
    bad = kind.codes([0.0, -0.0, -1.0, -(2.0**-149), np.nan, np.inf, -np.inf])
    assert kind.is_bad(bad).all()


def test_codes_of_powers_of_two() -> None:
    kind = INPUT_SCALES["power-of-two"]
    assert kind.codes([1.0, 0.125, 2.0**-128, 2.0**127]).tolist() == [0, -3, -128, 127]
    assert not kind.is_bad(np.arange(-128, 128)).any()
    for scale in (0.3, 0.0, -1.0, 2.0**128, np.nan):
        with pytest.raises(ConfigError, match="must be powers of two"):
            kind.codes([scale])


@pytest.mark.parametrize("given", [FLOAT_SCALES, POWER_SCALES])
@pytest.mark.parametrize("epsilon", [1e-12, 1e-5, 3.0])
def test_what_is_taken_for_0_is_less_than_the_plan_says(given: dict[str, Any], epsilon: float) -> None:
    """Below the least scale, no element is farther from beta than ``cut``; in V, epsilon has a place up to it."""
    config = make(input=given, epsilon=epsilon, gamma=1.7)
    placement, precision = config.placement, Precision.of(config)
    assert isinstance(placement, RowVariancePlacement)
    least = 1 - Fraction(1, 1 << 24) if given == FLOAT_SCALES else Fraction(1, 2)
    below = Fraction(2) ** placement.exponent_min * least
    e = Fraction(epsilon) / below**2
    assert 255**2 / e * Fraction(1.7 / 0.05) ** 2 < Fraction(placement.cut) ** 2
    assert placement.cut <= precision.error_bound
    largest = 24**2 * Fraction(epsilon) / Fraction(4) ** placement.exponent_min
    assert 24**2 * 255**2 + largest < 1 << precision.variance_bits
