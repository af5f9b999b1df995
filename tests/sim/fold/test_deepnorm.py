"""DeepNorm: its constants against the paper's and decimals, its identity in rationals, and a network of many layers."""

import math
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

from streamnorm import ConfigError
from streamnorm_sim.fold import LAYOUTS, deepnorm_constants, fold_deepnorm
from streamnorm_sim.streams.seeds import seeded
from streamnorm_sim.workload import constants, find_model

DEPTHS = [1, 2, 6, 8, 12, 24, 100, 999]


def power(factor, value, exponent):
    with localcontext(Context(prec=60)):
        return float(Decimal(factor) * (Decimal(exponent) * Decimal(value).ln()).exp())


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_constants_are_those_of_the_paper_rounded_once(depth):
    alone = (power("1", 2 * depth, "0.25"), power("1", 8 * depth, "-0.25"))
    assert deepnorm_constants(depth) == deepnorm_constants(0, depth) == alone
    assert deepnorm_constants(decoder_layers=depth, stack="decoder") == alone
    for other in DEPTHS:
        decoder = (power("1", 3 * depth, "0.25"), power("1", 12 * depth, "-0.25"))
        assert deepnorm_constants(other, depth, "decoder") == decoder
        both = depth**4 * other
        encoder = (power("0.81", both, "0.0625"), power("0.87", both, "-0.0625"))
        assert deepnorm_constants(depth, other, "encoder") == encoder


def test_exact_roots_are_exact():
    assert deepnorm_constants(8)[0] == 2.0
    assert deepnorm_constants(2) == (math.sqrt(2), 0.5)
    assert deepnorm_constants(1, 27, "decoder")[0] == 3.0


def test_they_are_those_that_workloads_tell():
    for name in ("bert-large", "gpt2", "t5-base"):
        known = find_model(name, placement="deepnorm")
        depth = {stack.role: len(stack.layers) for stack in known.stacks}
        for stack in known.stacks:
            (constant,) = constants(known, stack)
            both = {"encoder_layers": depth.get("encoder", 0), "decoder_layers": depth.get("decoder", 0)}
            alpha, _ = deepnorm_constants(**both, stack=stack.role)
            assert constant.values is not None
            assert math.isclose(constant.values[0], alpha, rel_tol=1e-15)


@pytest.mark.parametrize("alpha", [Fraction(deepnorm_constants(24)[0]), Fraction(3, 7), Fraction(50)])
def test_the_identity_holds_exactly(alpha):
    """LN(alpha x + f) with epsilon, and LN(x + f / alpha) with epsilon / alpha**2: squares and signs, in rationals."""
    rng = seeded(0)
    x, f = ([Fraction(int(each), 8) for each in rng.integers(-99, 99, 9)] for _ in range(2))

    def squares(row, epsilon):
        mean = sum(row) / len(row)
        over = sum((each - mean) ** 2 for each in row) / len(row) + epsilon
        return [(each > mean, (each - mean) ** 2 / over) for each in row]

    epsilon = Fraction(1, 1000)
    want = squares([alpha * a + b for a, b in zip(x, f, strict=True)], epsilon)
    assert squares([a + b / alpha for a, b in zip(x, f, strict=True)], epsilon / alpha**2) == want
    assert squares([a + b / alpha for a, b in zip(x, f, strict=True)], epsilon) != want


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_written_is_rounded_once(layout):
    rng = seeded(0)
    weight, bias = rng.normal(size=(6, 4)).astype("f4"), rng.normal(size=6)
    stored = weight if layout == "out-in" else weight.T
    got = fold_deepnorm(stored, bias, epsilon=1e-5, encoder_layers=12, layout=layout)
    alpha = Fraction(got.alpha)
    want = [float(Fraction(float(each)) / alpha) for each in stored.flat]
    assert got.weight is not None
    assert got.weight.ravel().tolist() == want
    assert got.bias is not None
    assert got.bias.tolist() == [float(Fraction(each) / alpha) for each in bias.tolist()]
    assert got.epsilon == float(Fraction(1e-5) / alpha**2)
    assert (got.alpha, got.beta) == deepnorm_constants(12)
    given = fold_deepnorm(stored, alpha=2.5)
    assert (given.alpha, given.beta, given.epsilon, given.bias) == (2.5, None, None, None)
    assert np.array_equal(given.weight, stored.astype(float) / 2.5)
    assert fold_deepnorm(encoder_layers=12)[:2] == (None, None)


def test_a_post_norm_network_and_its_folded_form_are_one():
    """Attention of one head and feed-forward in turns, each behind its residual and norm."""
    rng = seeded(0)
    layers, width, tokens, epsilon = 6, 12, 9, 1e-2
    x = rng.normal(size=(tokens, width))
    qkv = rng.normal(size=(layers, 3 * width, width)) / 3
    out, out_bias = rng.normal(size=(layers, width, width)), rng.normal(size=(layers, width))
    up = rng.normal(size=(layers, 30, width)) / 3
    down, down_bias = rng.normal(size=(layers, width, 30)) / 3, rng.normal(size=(layers, width))
    gamma, beta = rng.normal(1, 0.3, (2, layers, width)), rng.normal(size=(2, layers, width))

    def network(alpha, out, out_bias, down, down_bias, epsilon):
        def norm(row, which, layer):
            row = (row - row.mean(-1, keepdims=True)) / np.sqrt(row.var(-1, keepdims=True) + epsilon)
            return row * gamma[which, layer] + beta[which, layer]

        y = x
        for layer in range(layers):
            queries, keys, values = np.split(y @ qkv[layer].T, 3, -1)
            scores = np.exp(queries @ keys.T / math.sqrt(width))
            mixed = scores / scores.sum(-1, keepdims=True) @ values
            y = norm(alpha * y + mixed @ out[layer].T + out_bias[layer], 0, layer)
            inner = np.tanh(y @ up[layer].T)
            y = norm(alpha * y + inner @ down[layer].T + down_bias[layer], 1, layer)
        return y

    alpha, _ = deepnorm_constants(layers)
    want = network(alpha, out, out_bias, down, down_bias, epsilon)
    depth = {"epsilon": epsilon, "encoder_layers": layers}
    folds = [
        [fold_deepnorm(weight, bias, **depth) for weight, bias in zip(*pair, strict=True)]
        for pair in ((out, out_bias), (down, down_bias))
    ]
    parts = [[getattr(each, name) for each in folded] for folded in folds for name in ("weight", "bias")]
    got = network(1.0, *parts, folds[0][0].epsilon)
    assert np.abs(got - want).max() < 1e-12 * np.abs(want).max()
    assert np.abs(network(1.0, *parts, epsilon) - want).max() > 1e-4  # epsilon, too


@pytest.mark.parametrize(
    ("fold", "message"),
    [
        (lambda: fold_deepnorm([[1.0]]), "encoder_layers, decoder_layers: both are 0; alpha is of the depth"),
        (lambda: deepnorm_constants(6, 6), "stack is missing: encoder and decoder have constants of their own; one of"),
        (lambda: deepnorm_constants(6, stack="decoder"), "stack = 'decoder': must be one of encoder"),
        (lambda: deepnorm_constants(-1), "encoder_layers = -1: must be an integer from 0 to 1000000"),
        (lambda: fold_deepnorm(alpha=2.0, encoder_layers=3), "alpha = 2.0: is given besides the depth, which tells it"),
        (lambda: fold_deepnorm(alpha=0), "alpha = 0: must be a finite number greater than 0"),
        (lambda: fold_deepnorm(alpha=2, epsilon=-1), "epsilon = -1: must be a finite number of at least 0"),
        (lambda: fold_deepnorm(alpha=1e-300, epsilon=1), "epsilon / alpha**2 = inf: must be a finite number"),
        (lambda: fold_deepnorm(bias=[1.0], alpha=2), "bias: is given without a weight"),
        (lambda: fold_deepnorm([[1.0]], [1, 2], alpha=2), "bias: has 2 values; must have 1, as outputs of weight"),
        (lambda: fold_deepnorm([[1.0]], alpha=2, layout="io"), "layout = 'io': must be one of out-in, in-out"),
        (lambda: fold_deepnorm([[1e200]], alpha=1e-200), "weight[0, 0]: the result is beyond the range of float64"),
    ],
)
def test_what_cannot_be_folded_is_told(fold, message):
    with pytest.raises(ConfigError) as error:
        fold()
    assert str(error.value).startswith(message)
