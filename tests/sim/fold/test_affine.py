"""BatchNorm, PowerNorm and Unified Normalization as gamma and beta, against 400-digit decimal arithmetic."""

import math
from decimal import Context, Decimal, localcontext

import numpy as np
import pytest

from streamnorm import ConfigError
from streamnorm_sim.fold import fold_batchnorm, fold_powernorm, fold_unified
from streamnorm_sim.streams.seeds import seeded

DIGITS = Context(prec=400)
LENGTH = 50


def assert_nearest(got, want, case):
    """No other float64 is nearer to the exact value."""
    value = float(got)
    distance = abs(Decimal(value) - want)
    for other in (math.nextafter(value, -math.inf), math.nextafter(value, math.inf)):
        assert distance <= abs(Decimal(other) - want), f"{case}: got {value!r}, want {want:.30}"


def assert_folded(got, mean, var, gamma, beta, epsilon, seed):
    """The formula of the paper, word for word."""
    shape = np.shape(var)
    assert got.gamma.shape == got.beta.shape == shape
    assert got.gamma.dtype == got.beta.dtype == np.float64
    columns = [np.broadcast_to(np.asarray(each, np.float64), shape).tolist() for each in (mean, var, gamma, beta)]
    with localcontext(DIGITS):
        for index, numbers in enumerate(zip(*columns, strict=True)):
            m, v, g, b = map(Decimal, numbers)
            deviation = (v + Decimal(epsilon)).sqrt()
            assert_nearest(got.gamma[index], g / deviation, f"gamma {index} (seed {seed})")
            assert_nearest(got.beta[index], b - g * m / deviation, f"beta {index} (seed {seed})")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i2"])
def test_batchnorm_is_rounded_once(kind, seed):
    rng = seeded(seed)
    mean, beta = (rng.normal(0, 20, LENGTH).astype(kind) for _ in range(2))
    gamma, var = rng.normal(0, 3, LENGTH).astype(kind), rng.uniform(0, 50, LENGTH).astype(kind)
    epsilon = float(rng.choice([1e-5, 1e-3, 1.0]))
    assert_folded(fold_batchnorm(mean, var, gamma, beta, epsilon=epsilon), mean, var, gamma, beta, epsilon, seed)


@pytest.mark.parametrize("seed", range(4))
def test_batchnorm_of_numbers_of_any_size(seed):
    rng = seeded(seed)
    mean, gamma, beta = (rng.normal(0, 1, LENGTH) * 2.0 ** rng.integers(-150, 150, LENGTH) for _ in range(3))
    var = rng.uniform(0, 1, LENGTH) * 2.0 ** rng.integers(-150, 150, LENGTH)
    assert_folded(fold_batchnorm(mean, var, gamma, beta, epsilon=0.0), mean, var, gamma, beta, 0.0, seed)


@pytest.mark.parametrize("seed", range(4))
def test_what_cancels_is_rounded_once_too(seed):
    """beta is gamma * mean / sqrt(var + epsilon) but for its own rounding: what is left is that."""
    rng = seeded(seed)
    mean, gamma, var = rng.normal(0, 20, LENGTH), rng.normal(1, 0.1, LENGTH), rng.uniform(0.1, 2, LENGTH)
    beta = gamma * mean / np.sqrt(var + 1e-5)
    folded = fold_batchnorm(mean, var, gamma, beta, epsilon=1e-5)
    assert np.abs(folded.beta).max() < 1e-12
    assert_folded(folded, mean, var, gamma, beta, 1e-5, seed)


def test_batchnorm_by_hand():
    folded = fold_batchnorm([1, -2, 5], [3, 8, 0], [1, 3, 2], 0.5, epsilon=1)
    assert folded.gamma.tolist() == [0.5, 1.0, 2.0]
    assert folded.beta.tolist() == [0.0, 2.5, -9.5]


def test_a_row_through_the_constants_is_that_through_the_layer():
    rng = seeded(0)
    mean, beta = rng.normal(size=LENGTH), rng.normal(size=LENGTH)
    gamma, var = rng.normal(1, 0.1, LENGTH), rng.uniform(0.5, 2, LENGTH)
    x = rng.normal(0, 3, (20, LENGTH))
    a, b = fold_batchnorm(mean, var, gamma, beta, epsilon=1e-5)
    assert np.abs(a * x + b - (gamma * (x - mean) / np.sqrt(var + 1e-5) + beta)).max() < 1e-13


@pytest.mark.parametrize("fold", [fold_powernorm, fold_unified])
@pytest.mark.parametrize("epsilon", [0.0, 1e-5])
def test_norms_without_a_mean(fold, epsilon):
    rng = seeded(1)
    square, gamma, beta = rng.uniform(0.1, 9, LENGTH), rng.normal(1, 0.1, LENGTH), rng.normal(size=LENGTH)
    folded = fold(square, gamma, beta, epsilon=epsilon)
    assert_folded(folded, 0.0, square, gamma, beta, epsilon, 1)
    assert np.array_equal(folded.beta, beta)
    assert np.array_equal(fold(square, epsilon=epsilon).beta, np.zeros(LENGTH))


def test_the_papers_powernorm_has_no_epsilon():
    assert fold_powernorm([4.0, 0.25], 3).gamma.tolist() == [1.5, 6.0]


def test_files_lists_and_numbers(tmp_path):
    names = {}
    for name, values in {"mean": [1, 2], "var": [3, 8]}.items():
        names[name] = tmp_path / f"{name}.npy"
        np.save(names[name], np.array(values, np.float16))
    folded = fold_batchnorm(names["mean"], str(names["var"]), [2, 3], np.float32(0.5), epsilon=1)
    assert (folded.gamma.tolist(), folded.beta.tolist()) == ([1.0, 1.0], [-0.5, -1.5])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"var": [1.0, -0.5]}, "var[1] = -0.5: must be at least 0"),
        ({"var": [1.0, 0.0], "epsilon": 0}, "var[1] = 0.0 and epsilon = 0: the factor would be infinite; give a"),
        ({"var": [1.0, math.nan]}, "var: element [1] is nan; every value must be finite"),
        ({"mean": [math.inf, 0]}, "mean: element [0] is inf; every value must be finite"),
        ({"mean": [1.0]}, "mean: has 1 value; must have 2, as var"),
        ({"gamma": [1.0, 2.0, 3.0]}, "gamma: has 3 values; must have 2, as var"),
        ({"beta": [[1.0, 2.0]]}, "beta: has shape (1, 2); must be (n,), one dimension"),
        ({"var": []}, "var: has shape (0,); must be (n,), one dimension"),
        ({"var": 1.0}, "var: has shape (); must be (n,), one dimension"),
        ({"var": ["1", "2"]}, "var: has elements of type <U1; floating-point or integer numbers are needed"),
        ({"gamma": True}, "gamma = True: must be a number, an array or the name of a .npy file"),
        ({"gamma": math.nan}, "gamma = nan: must be a finite number"),
        ({"epsilon": -1}, "epsilon = -1: must be a finite number of at least 0"),
        ({"epsilon": "1"}, "epsilon = '1': must be a finite number of at least 0"),
        ({"gamma": 1e300, "var": [1, 1e-20], "epsilon": 0}, "gamma[1]: the result is beyond the range of float64"),
        ({"gamma": 1e200, "mean": [0, 1e200]}, "beta[1]: the result is beyond the range of float64"),
        ({"mean": "missing.npy"}, "mean: missing.npy: no such file"),
    ],
)
def test_what_cannot_be_folded_is_told(changes, message):
    given = {"mean": [0.0, 0.0], "var": [1.0, 1.0], "gamma": 1.0, "beta": 0.0, "epsilon": 1e-5, **changes}
    with pytest.raises(ConfigError) as error:
        fold_batchnorm(**given)
    assert str(error.value).startswith(message)
