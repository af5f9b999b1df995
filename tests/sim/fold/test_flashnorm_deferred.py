"""FlashNorm's other half: the row's factor behind the matrix, since every output has the same."""

from fractions import Fraction

import numpy as np
import pytest

from streamnorm_sim.fold import LAYOUTS, fold_flashnorm
from streamnorm_sim.streams.seeds import seeded

ROWS, INPUTS, OUTPUTS, EPSILON = 20, 48, 30, 1e-5


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", range(3))
def test_norm_then_matrix_is_matrix_then_factor(seed, layout):
    rng = seeded(seed)
    x, gamma = rng.normal(0.5, 2, (ROWS, INPUTS)), rng.normal(1, 0.3, INPUTS)
    weight = rng.normal(size=(OUTPUTS, INPUTS))
    folded = fold_flashnorm(weight if layout == "out-in" else weight.T, gamma, layout=layout).weight
    factor = 1 / np.sqrt((x**2).mean(axis=1, keepdims=True) + EPSILON)
    want = (x * factor * gamma) @ weight.T
    got = x @ (folded.T if layout == "out-in" else folded) * factor
    assert np.abs(got - want).max() < 1e-13 * np.abs(want).max(), f"seed {seed}"
    assert np.abs(x @ weight.T * factor - want).max() > 0.1, f"seed {seed}"


@pytest.mark.parametrize("seed", range(3))
def test_of_integers_both_are_the_same_number(seed):
    """(x W*)**2 / (mean x**2 + epsilon), and the same of (x gamma) W: what is under the root is one, and exact."""
    rng = seeded(seed)
    x, gamma = rng.integers(-128, 128, (ROWS, INPUTS)), rng.integers(-40, 40, INPUTS)
    weight = rng.integers(-128, 128, (OUTPUTS, INPUTS))
    folded = fold_flashnorm(weight, gamma).weight
    for row in x:
        square = Fraction(int((row**2).sum()), INPUTS) + Fraction(EPSILON)
        want = [Fraction(int(each)) ** 2 / square for each in (row * gamma) @ weight.T]
        got = [Fraction(each) ** 2 / square for each in (row @ folded.T).tolist()]  # sums below 2**53: no rounding
        assert got == want, f"seed {seed}"
        assert np.array_equal(np.sign(row @ folded.T), np.sign((row * gamma) @ weight.T)), f"seed {seed}"
