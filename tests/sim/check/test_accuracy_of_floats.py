"""Errors of floating-point results, in units of the last place."""

import numpy as np
import pytest

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat
from streamnorm_sim.check.accuracy import Accuracy

BF16 = FloatFormat("bf16")
NAN, INFINITY, LARGEST = BF16.code_of_nan, BF16.code_of_infinity, BF16.code_of_largest
ONE, SIGN = 0x3F80, 0x8000


def affine(**changes):
    """y = gamma * x: the exact result is known."""
    return NormConfig(**({"norm": "affine", "lanes": 1, "max_length": 4, "input": "bf16", "output": "bf16"} | changes))


def test_errors_are_in_the_last_place_of_the_result():
    found = Accuracy.of(affine(), [[ONE, ONE + 1, ONE - 1, ONE + 2]], [[ONE] * 4])
    assert found.errors.tolist() == [0.0, 1.0, -0.5, 2.0]
    assert (found.max_ulp, found.mean_ulp, found.correctly_rounded, found.saturated) == (2.0, 0.875, 0.25, 0)


def test_errors_are_those_of_the_result_before_rounding():
    config = affine(gamma=1 + 2.0**-9, parameter_format="fp32")  # a quarter of a step above 1
    assert Accuracy.of(config, [[ONE, ONE + 1]], [[ONE] * 2]).errors.tolist() == [-0.25, 0.75]
    given = config.replace(parameter_format="bf16")
    assert Accuracy.of(given, [[ONE]], [[ONE]], as_given=True).errors.tolist() == [-0.25]
    assert Accuracy.of(given, [[ONE]], [[ONE]]).errors.tolist() == [0.0]


def test_the_unit_is_that_of_a_larger_beta():
    config = affine(beta=-4.0)
    code = int(BF16.quantize(-3.0))
    assert Accuracy.of(config, [[code, code + 1]], [[ONE] * 2]).errors.tolist() == [0.0, -0.5]


def test_subnormal_numbers_have_the_smallest_as_their_unit():
    assert Accuracy.of(affine(), [[3, 5, 0, SIGN]], [[4, 4, 1, 1]]).errors.tolist() == [-1.0, 1.0, -1.0, -1.0]


def test_both_zeros_are_right():
    found = Accuracy.of(affine(), [[0, SIGN, 0, SIGN]], [[0, 0, SIGN, SIGN]])
    assert (found.correctly_rounded, found.max_ulp) == (1.0, 0.0)


def test_special_results_are_right_or_infinitely_wrong():
    x = [[NAN, INFINITY, INFINITY | SIGN, ONE]]
    right = Accuracy.of(affine(), x, x)
    assert (right.correctly_rounded, right.max_ulp, right.saturated, right.elements) == (1.0, 0.0, 0, 4)
    for wrong in ([[ONE, INFINITY, INFINITY | SIGN, ONE]], [[NAN, INFINITY | SIGN, INFINITY | SIGN, ONE]],
                  [[NAN, INFINITY, LARGEST | SIGN, ONE]], [[NAN, INFINITY, INFINITY | SIGN, NAN]]):  # fmt: skip
        found = Accuracy.of(affine(), wrong, x)
        assert (found.correctly_rounded, found.max_ulp) == (0.75, np.inf)


def test_what_overflows_is_left_out_where_it_is_right():
    config = affine(gamma=2.0)
    found = Accuracy.of(config, [[INFINITY, ONE + 128, INFINITY | SIGN]], [[LARGEST, ONE, LARGEST | SIGN]])
    assert (found.elements, found.errors.tolist(), found.saturated) == (3, [0.0], 2)
    assert found.correctly_rounded == 1.0
    wrong = Accuracy.of(config, [[LARGEST]], [[LARGEST]])
    assert (wrong.max_ulp, wrong.correctly_rounded) == (127.5, 0.0)


@pytest.mark.parametrize("overflow", ["infinity", "nan"])
def test_a_result_that_should_not_overflow_is_the_first_number_beyond(overflow):
    output = FloatFormat("bf16", overflow=overflow)
    found = Accuracy.of(affine(output=output), [[output.code_of_overflow]], [[LARGEST]])
    assert found.errors.tolist() == [1.0]


def test_parts_are_joined():
    parts = [
        Accuracy.of(affine(gamma=2.0), [[INFINITY, ONE]], [[LARGEST, ONE]]),
        Accuracy.of(affine(), [[ONE, ONE + 1]], [[ONE, ONE]]),
    ]
    both = Accuracy.join(parts)
    assert (both.elements, both.saturated, both.errors.size, both.correctly_rounded) == (4, 1, 3, 0.5)


def test_padding_does_not_count():
    found = Accuracy.of(affine(), [[ONE, 7]], [[ONE, 0]], [1])
    assert (found.elements, found.max_ulp) == (1, 0.0)


def test_results_that_are_no_codes():
    with pytest.raises(ConfigError, match=r"y\[0\] = 65536: must be from 0 to 65535 \(bf16\)"):
        Accuracy.of(affine(), [[65536]], [[ONE]])
