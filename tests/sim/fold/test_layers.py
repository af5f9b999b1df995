"""Linear layers beside a norm: re-centred, or with gamma and beta taken in, against rationals and whole networks."""

from fractions import Fraction

import numpy as np
import pytest

from streamnorm import ConfigError
from streamnorm_sim.fold import LAYOUTS, fold_flashnorm, recentre
from streamnorm_sim.streams.seeds import seeded

OUTPUTS, INPUTS = 7, 5
EPSILON = 1e-5

layouts = pytest.mark.parametrize("layout", LAYOUTS)
compressed = pytest.mark.parametrize("crmsnorm", [False, True])


def drawn(rng, *shape):
    """Numbers of many sizes: float32 for some seeds, float64 for others."""
    values = rng.normal(size=shape) * 2.0 ** rng.integers(-40, 40, shape)
    return values.astype(rng.choice(["f4", "f8"]))


def stored(weight, layout):
    return weight if layout == "out-in" else weight.T


def rationals(values):
    return np.array([Fraction(value) for value in np.asarray(values, np.float64).flat], object).reshape(values.shape)


def nearest(values):
    return np.array([float(value) for value in values.flat]).reshape(values.shape)


@layouts
@compressed
@pytest.mark.parametrize("seed", range(5))
def test_recentring_is_rounded_once(layout, crmsnorm, seed):
    rng = seeded(seed)
    weight, bias = drawn(rng, OUTPUTS, INPUTS), drawn(rng, OUTPUTS)
    got = recentre(stored(weight, layout), bias, layout=layout, crmsnorm=crmsnorm)
    kept = OUTPUTS - crmsnorm
    want = rationals(weight) - rationals(weight).sum(axis=0) / OUTPUTS
    assert np.array_equal(got.weight, stored(nearest(want)[:kept], layout)), f"seed {seed}"
    want = rationals(bias) - rationals(bias).sum() / OUTPUTS
    assert np.array_equal(got.bias, nearest(want)[:kept]), f"seed {seed}"
    assert got.weight.flags.c_contiguous
    assert recentre(stored(weight, layout), layout=layout, crmsnorm=crmsnorm).bias is None


@pytest.mark.parametrize("seed", range(3))
def test_the_outputs_have_mean_0_but_for_what_is_rounded(seed):
    weight = seeded(seed).normal(size=(64, 20)).astype("f2")
    centred = recentre(weight).weight
    sums = np.abs(nearest(rationals(centred).sum(axis=0)))
    assert (sums <= 64 / 2 * np.spacing(np.abs(centred).max(axis=0))).all(), f"seed {seed}"


@layouts
@pytest.mark.parametrize("seed", range(5))
def test_folding_gamma_and_beta_is_rounded_once(layout, seed):
    rng = seeded(seed)
    weight, gamma, beta, bias = (drawn(rng, *shape) for shape in ((OUTPUTS, INPUTS), (INPUTS,), (INPUTS,), (OUTPUTS,)))
    got = fold_flashnorm(stored(weight, layout), gamma, beta, bias, layout=layout)
    assert np.array_equal(got.weight, stored(nearest(rationals(weight) * rationals(gamma)), layout)), f"seed {seed}"
    products = (rationals(weight) * rationals(beta)).sum(axis=1)
    assert np.array_equal(got.bias, nearest(products + rationals(bias))), f"seed {seed}"
    without = fold_flashnorm(stored(weight, layout), gamma, beta, layout=layout)
    assert np.array_equal(without.bias, nearest(products)), f"seed {seed}"
    assert fold_flashnorm(weight, gamma).bias is None
    assert np.array_equal(fold_flashnorm(weight, 1.0, None, bias).bias, bias)


@layouts
@pytest.mark.parametrize("seed", range(5))
def test_folding_for_crmsnorm_is_rounded_once(layout, seed):
    rng = seeded(seed)
    weight, gamma, beta = drawn(rng, OUTPUTS, INPUTS), drawn(rng, INPUTS), drawn(rng, INPUTS)
    got = fold_flashnorm(stored(weight, layout), gamma, beta, layout=layout, crmsnorm=True)
    products = rationals(weight) * rationals(gamma)
    assert np.array_equal(got.weight, stored(nearest(products[:, :-1] - products[:, -1:]), layout)), f"seed {seed}"
    assert np.array_equal(got.bias, fold_flashnorm(weight, gamma, beta).bias)


def layernorm(x):
    return (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + EPSILON)


def rmsnorm(x):
    return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + EPSILON)


def crmsnorm_of(x):
    return x / np.sqrt(((x**2).sum(axis=1) + x.sum(axis=1) ** 2)[:, None] / (x.shape[1] + 1) + EPSILON)


@pytest.mark.parametrize("norm", [layernorm, rmsnorm, crmsnorm_of])
@layouts
def test_a_network_with_layernorm_and_its_folded_forms_are_one(norm, layout):
    """Embedding plus residual branch, norm with gamma and beta, next layer: to rounding in float64."""
    rng = seeded(0)
    features, tokens, inputs, outputs = 24, 30, 10, 8
    embedding, branch = rng.normal(3, 1, (tokens, features)), rng.normal(1, 1, (features, inputs))
    branch_bias, gamma, beta = rng.normal(size=features), rng.normal(1, 0.2, features), rng.normal(size=features)
    after, after_bias = rng.normal(size=(outputs, features)), rng.normal(size=outputs)
    x = rng.normal(size=(tokens, inputs))
    want = (layernorm(embedding + x @ branch.T + branch_bias) * gamma + beta) @ after.T + after_bias

    short = norm is crmsnorm_of
    first = recentre(stored(branch, layout), branch_bias, layout=layout, crmsnorm=short)
    table = recentre(embedding, layout="in-out", crmsnorm=short).weight
    last = fold_flashnorm(stored(after, layout), gamma, beta, after_bias, layout=layout, crmsnorm=short)
    rows = norm(table + x @ stored(first.weight, layout).T + first.bias)
    assert rows.shape[1] == features - short
    assert np.abs(rows @ stored(last.weight, layout).T + last.bias - want).max() < 1e-12


@pytest.mark.parametrize(
    ("fold", "message"),
    [
        (lambda: recentre([1.0, 2.0]), "weight: has shape (2,); must be two dimensions, as a linear layer's weight"),
        (lambda: recentre([[1.0, np.nan]]), "weight: element [0, 1] is nan; every value must be finite"),
        (lambda: recentre([[1.0], [2.0]], [1.0]), "bias: has 1 value; must have 2, as outputs of weight"),
        (lambda: recentre([[1.0, 2.0]], crmsnorm=True), "weight: has 1 output; CRMSNorm leaves out the last, and none"),
        (lambda: recentre([[1.0]], layout="io"), "layout = 'io': must be one of out-in, in-out"),
        (lambda: recentre([[1.7e308], [-1.7e308], [-1.7e308]]), "weight[0, 0]: the result is beyond the range of"),
        (lambda: fold_flashnorm([[1.0, 2.0]], [1.0]), "gamma: has 1 value; must have 2, as inputs of weight"),
        (lambda: fold_flashnorm([[1.0, 2.0]], 1, 0, [1, 2]), "bias: has 2 values; must have 1, as outputs of weight"),
        (lambda: fold_flashnorm([[1.0], [1]], 1, crmsnorm=True), "weight: has 1 input; CRMSNorm leaves out the last"),
        (lambda: fold_flashnorm([[1.0, 1e200]], 1e200), "weight[0, 1]: the result is beyond the range of float64"),
        (lambda: fold_flashnorm([[1.0, 1e200]], 1, 1e200), "bias[0]: the result is beyond the range of float64"),
    ],
)
def test_what_cannot_be_folded_is_told(fold, message):
    with pytest.raises(ConfigError) as error:
        fold()
    assert str(error.value).startswith(message)
