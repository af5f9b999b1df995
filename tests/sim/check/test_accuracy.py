"""Error figures of results whose errors are known."""

import numpy as np
import pytest

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_sim.check.accuracy import Accuracy, cosines, float_layernorm
from streamnorm_sim.reference.exact import exact_result
from streamnorm_sim.reference.rows import random_rows

GAMMA, BETA = np.linspace(0.5, 2, 40), np.linspace(-1, 1, 40)
CONFIG = NormConfig(
    norm="layernorm",
    lanes=2,
    max_length=40,
    input=IntFormat(8, scale=0.1),
    output=IntFormat(8, scale=1 / 32),
    epsilon=1e-5,
    gamma=GAMMA,
    beta=BETA,
)


def test_correctly_rounded_results():
    batch = random_rows(CONFIG, 200, np.random.default_rng(5))
    exact = exact_result(CONFIG, batch.x, batch.lengths)
    accuracy = Accuracy.of(CONFIG, exact.rounded, batch.x, batch.lengths)
    assert accuracy.elements == batch.lengths.sum() == len(accuracy.errors)
    assert 0.49 < accuracy.max_ulp <= 0.5
    assert 0.2 < accuracy.mean_ulp <= 0.26
    assert accuracy.correctly_rounded == 1.0


def test_known_errors():
    """z = -1 and 1, times 32 and 2.25: what is above the range counts from its end."""
    config = CONFIG.replace(epsilon=0.0, beta=None, gamma=1.0, output=IntFormat(8, scale=1 / 32))
    accuracy = Accuracy.of(config, [[-32, 34], [-31, 32]], [[1, 3], [5, 6]])
    assert accuracy.errors.tolist() == [0, 2, 1, 0]
    assert (accuracy.max_ulp, accuracy.mean_ulp, accuracy.correctly_rounded) == (2.0, 0.75, 0.5)
    saturated = config.replace(gamma=100.0)
    assert Accuracy.of(saturated, [[-128, 127]], [[1, 3]]).max_ulp == 0
    assert Accuracy.of(saturated, [[-128, 126]], [[1, 3]]).errors.tolist() == [0, -1]
    assert Accuracy.of(saturated, [[-128, 126]], [[1, 3]]).saturated == 2
    assert accuracy.saturated == 0


def test_padding_does_not_count():
    accuracy = Accuracy.of(CONFIG, [[0, 99]], [[7, 0]], [1])
    assert accuracy.elements == 1
    assert accuracy.max_ulp == 32


def test_no_rows():
    none = np.zeros((0, 4), int)
    accuracy = Accuracy.of(CONFIG, none, none)
    assert (accuracy.elements, accuracy.max_ulp, accuracy.mean_ulp) == (0, 0.0, 0.0)
    assert accuracy.correctly_rounded == 1.0


@pytest.mark.parametrize("y", [np.zeros((1, 3), int), np.zeros((1, 2))])
def test_refused(y):
    with pytest.raises(ValueError, match=r"^y is an array of .*: must be integers of shape \(1, 2\)$"):
        Accuracy.of(CONFIG, y, [[1, 2]])


def test_float_layernorm_agrees_with_the_exact_result():
    batch = random_rows(CONFIG, 20, np.random.default_rng(5), lengths=[40] * 20)
    real = float_layernorm(CONFIG.input.dequantize(batch.x), GAMMA, BETA, CONFIG.epsilon)
    exact = CONFIG.output.dequantize(exact_result(CONFIG, batch.x).scaled)
    # γ and β are rounded to 16 bits
    np.testing.assert_allclose(real, exact, atol=40**0.5 * 2**-14)


def test_cosines():
    a = [[1, 2, 3], [1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]]
    b = [[2, 4, 6], [0, 5, 0], [-1, -1, 0], [0, 0, 0], [1, 0, 0]]
    np.testing.assert_allclose(cosines(a, b), [1, 0, -1, 1, 0], atol=1e-15)
