"""Gains of heads, features and norms, and LayerNorm Scaling: against rationals, decimals and networks."""

import math
from decimal import Context, Decimal, localcontext

import numpy as np
import pytest

from streamnorm import ConfigError
from streamnorm_sim.fold import LAYOUTS, fold_flashnorm, fold_gains, fold_layernorm_scaling
from streamnorm_sim.streams.seeds import seeded

HEADS, HEAD_DIM, FEATURES, TOKENS, INNER = 4, 3, 10, 7, 18

layouts = pytest.mark.parametrize("layout", LAYOUTS)


def stored(weight, layout):
    return weight if layout == "out-in" else weight.T


@layouts
def test_a_gain_of_each_head_goes_into_the_columns_of_the_output_projection(layout):
    rng = seeded(0)
    weight, bias = rng.normal(size=(FEATURES, HEADS * HEAD_DIM)), rng.normal(size=FEATURES)
    gains = rng.normal(size=HEADS)
    got = fold_gains(stored(weight, layout), gains, bias, layout=layout)
    for head in range(HEADS):
        of_head = slice(head * HEAD_DIM, (head + 1) * HEAD_DIM)
        assert np.array_equal(stored(got.weight, layout)[:, of_head], weight[:, of_head] * gains[head])
    assert np.array_equal(got.bias, bias)
    assert got.weight.flags.c_contiguous
    assert fold_gains(weight, gains).bias is None


@layouts
def test_gains_at_the_outputs_take_the_bias_along(layout):
    rng = seeded(0)
    weight, bias = rng.normal(size=(HEADS * HEAD_DIM, FEATURES)), rng.normal(size=HEADS * HEAD_DIM)
    gains = rng.normal(size=HEADS)
    got = fold_gains(stored(weight, layout), gains, bias, side="outputs", layout=layout)
    each = np.repeat(gains, HEAD_DIM)
    assert np.array_equal(stored(got.weight, layout), weight * each[:, None])
    assert np.array_equal(got.bias, bias * each)


def test_a_number_is_a_gain_of_all_and_so_many_as_there_are_one_of_each():
    weight = seeded(0).normal(size=(FEATURES, INNER))
    for gain in (3, 3.0, np.int64(3), np.float32(3)):
        assert np.array_equal(fold_gains(weight, gain).weight, weight * 3)
    gains = np.arange(INNER)
    assert np.array_equal(fold_gains(weight, gains).weight, weight * gains)


def test_a_gain_behind_a_norm_goes_into_gamma_and_beta():
    rng = seeded(0)
    gamma, beta, gains = (rng.normal(size=FEATURES) for _ in range(3))
    got = fold_gains(gamma, gains, beta, side="outputs")
    assert np.array_equal(got.weight, gamma * gains)
    assert np.array_equal(got.bias, beta * gains)
    assert np.array_equal(fold_gains(gamma, 0.5, side="outputs").weight, gamma / 2)


def layernorm(x, gamma, beta):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gamma + beta


def test_a_normformer_block_and_its_folded_form_are_one():
    """Gains of the heads, and the norm inside of the feed-forward; the norm behind attention has a residual behind."""
    rng = seeded(0)
    width = HEADS * HEAD_DIM
    qkv, out, out_bias = rng.normal(size=(3 * width, width)), rng.normal(size=(width, width)), rng.normal(size=width)
    up, down, down_bias = rng.normal(size=(INNER, width)), rng.normal(size=(width, INNER)), rng.normal(size=width)
    gains = rng.normal(1, 0.5, HEADS)
    norms = [(rng.normal(1, 0.3, size), rng.normal(size=size)) for size in (width, width, width, INNER)]
    x = rng.normal(size=(TOKENS, width))

    def block(gains, out, out_bias, inside, down, down_bias):
        rows = layernorm(x, *norms[0]) @ qkv.T
        queries, keys, values = rows.reshape(TOKENS, 3, HEADS, HEAD_DIM).transpose(1, 2, 0, 3)
        scores = np.exp(queries @ keys.swapaxes(1, 2) / math.sqrt(HEAD_DIM))
        mixed = scores / scores.sum(-1, keepdims=True) @ values * gains[:, None, None]
        y = x + layernorm(mixed.swapaxes(0, 1).reshape(TOKENS, width) @ out.T + out_bias, *norms[1])
        inner = np.maximum(layernorm(y, *norms[2]) @ up.T, 0)
        return y + layernorm(inner, *inside) @ down.T + down_bias

    want = block(gains, out, out_bias, norms[3], down, down_bias)
    scaled, taken = fold_gains(out, gains, out_bias), fold_flashnorm(down, *norms[3], down_bias)
    none = np.ones(HEADS)
    got = block(none, scaled.weight, scaled.bias, (1.0, 0.0), taken.weight, taken.bias)
    assert np.abs(got - want).max() < 1e-12 * np.abs(want).max()
    assert np.abs(block(none, out, out_bias, (1.0, 0.0), taken.weight, taken.bias) - want).max() > 0.01


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("layer", [1, 2, 4, 12, 1000])
@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_layernorm_scaling_is_rounded_once(seed, layer, offset):
    rng = seeded(seed)
    gamma, beta = rng.normal(size=(2, 40)) * 2.0 ** rng.integers(-30, 30, (2, 40))
    got = fold_layernorm_scaling(gamma, beta, layer=layer, gamma_offset=offset)
    with localcontext(Context(prec=120)):
        root, more = Decimal(layer).sqrt(), Decimal(offset)
        assert got.gamma.tolist() == [float((Decimal(each) + more) / root - more) for each in gamma.tolist()]
        assert got.beta is not None
        assert got.beta.tolist() == [float(Decimal(each) / root) for each in beta.tolist()]
    assert fold_layernorm_scaling(gamma, layer=layer).beta is None


@pytest.mark.parametrize(
    ("fold", "message"),
    [
        (lambda: fold_gains(np.ones((2, 6)), np.ones(4)), "gains: has 4 values; must divide 6, the inputs of weight"),
        (lambda: fold_gains(np.ones((2, 6)), [1, 1, 1], side="outputs"), "gains: has 3 values; must divide 2, the out"),
        (lambda: fold_gains(np.ones(6), 2), 'side = "inputs": weight has one dimension, that of a norm, whose gains'),
        (lambda: fold_gains(np.ones((2, 2, 2)), 2), "weight: has shape (2, 2, 2); must be two dimensions, as a linear"),
        (lambda: fold_gains(np.ones((2, 6)), 2, side="in"), "side = 'in': must be one of inputs, outputs"),
        (lambda: fold_gains(np.ones((2, 6)), 2, layout="io"), "layout = 'io': must be one of out-in, in-out"),
        (lambda: fold_gains(np.ones((2, 6)), 2, np.ones(6)), "bias: has 6 values; must have 2, as outputs of weight"),
        (lambda: fold_gains(np.ones((2, 6)), math.nan), "gains = nan: must be a finite number"),
        (lambda: fold_gains(np.ones((2, 6)), True), "gains = True: must be a number, an array or the name of a .npy"),
        (lambda: fold_gains([[1e200]], 1e200), "weight[0, 0]: the result is beyond the range of float64"),
        (lambda: fold_gains([[1]], 1e200, [1e200], side="outputs"), "bias[0]: the result is beyond the range of float"),
        (lambda: fold_layernorm_scaling([1.0], layer=0), "layer = 0: must be an integer of at least 1"),
        (lambda: fold_layernorm_scaling([1.0], [1, 2], layer=1), "beta: has 2 values; must have 1, as gamma"),
        (lambda: fold_layernorm_scaling([1.0], layer=1, gamma_offset=math.inf), "gamma_offset = inf: must be a finite"),
    ],
)
def test_what_cannot_be_folded_is_told(fold, message):
    with pytest.raises(ConfigError) as error:
        fold()
    assert str(error.value).startswith(message)
