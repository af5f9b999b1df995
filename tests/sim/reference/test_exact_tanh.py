"""tanh by bounds, against a series in fractions, and the rounding that is decided by them."""

from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import pytest

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.reference.exact import exact_result, exact_rows
from streamnorm_sim.reference.exact_tanh import tanh_bounds, tanh_floor


def series(t: Fraction, terms: int = 200) -> Fraction:
    """tanh by the series of sinh and cosh, to some 60 digits; with 80 terms to 20, up to 10."""
    sinh = cosh = Fraction(0)
    term = Fraction(1)
    for k in range(1, terms):
        if k % 2:
            cosh += term
        else:
            sinh += term
        term = term * t / k
    return sinh / cosh


@pytest.mark.parametrize("t", [Fraction(1, 10**9), Fraction(3, 7), Fraction(1), Fraction(77, 10), Fraction(25)])
@pytest.mark.parametrize("digits", [20, 30, 45])
def test_bounds_hold_and_are_near(t: Fraction, digits: int) -> None:
    low, high = tanh_bounds(t, digits)
    assert low < series(t) < high
    assert high - low < Fraction(10) ** (5 - digits) * (1 + t)


@pytest.mark.parametrize("t", [Fraction(2047), Fraction(2048), Fraction(10**300)])
def test_far_out_it_is_below_1(t: Fraction) -> None:
    low, high = tanh_bounds(t, 1900)
    assert 0 < 1 - low < Fraction(1, 1 << 4000)
    assert high <= 1 or t < 2048
    assert tanh_floor(t, 100) == (1 << 100) - 1


def test_floors_are_those_of_the_series() -> None:
    for t in (Fraction(k, 37) for k in range(1, 300, 7)):
        for divisor in (1, 3):
            assert tanh_floor(t, 90, divisor) == (series(t) * (1 << 90) / divisor).__floor__()
    assert tanh_floor(Fraction(0), 50) == 0


def unit(**changes) -> NormConfig:
    keys = {"norm": "dyt", "alpha": 0.75, "lanes": 1, "max_length": 4}
    formats = {"input": IntFormat(8, scale=0.1, zero_point=3), "output": IntFormat(8, scale=0.05)}
    return NormConfig(**{**keys, **formats, **changes})


@pytest.mark.parametrize("as_given", [False, True])
@pytest.mark.parametrize("alpha", [0.75, -0.3])
def test_results_are_those_of_the_series(as_given: bool, alpha: float) -> None:
    gamma, beta = np.array([1.0, -0.7, 3.3, 0.01]), np.array([0.0, 0.025, -0.4, 1.1])
    config = unit(alpha=alpha, gamma=gamma, beta=beta)
    x = np.arange(-128, 128, 2).reshape(-1, 4)
    got = exact_result(config, x, as_given=as_given)
    for row, wanted, scaled in zip(x, got.rounded, got.scaled, strict=True):
        for i, element in enumerate(row):
            t = Fraction(alpha) * Fraction(0.1) * (int(element) - 3)
            z = series(abs(t), 80) * (1 if t > 0 else -1)
            y = (z * Fraction(gamma[i]) + Fraction(beta[i])) / Fraction(0.05)
            if as_given:
                assert wanted[i] == min(max(round(y), -128), 127)
            assert abs(float(y) - scaled[i]) < (1e-9 if as_given else 0.1)


def test_elements_far_out_are_no_ties() -> None:
    """gamma and beta add up to a tie; tanh is less than 1, so that none of the results is one."""
    config = unit(alpha=10.0, gamma=0.05, beta=0.025, input=IntFormat(16, scale=1.0))
    assert exact_rows(config, [[32767, 1000, -1000, 0]]).tolist() == [[1, 1, 0, 0]]
    config = unit(alpha=10.0, gamma=0.1, beta=0.025, input=IntFormat(16, scale=1.0))
    assert exact_rows(config, [[32767, 1000, -1000, 0]]).tolist() == [[2, 2, -1, 0]]


def test_decimal_rounds_exp_as_is_relied_on() -> None:
    for k in range(1, 40):
        short, long = (Context(prec=digits).exp(Decimal(k) / 7) for digits in (25, 60))
        assert abs(Fraction(short) / Fraction(long) - 1) < Fraction(1, 10**24)
