"""Constants beside the norms: what they are, that folding them changes no result, and where they are said to go."""

import numpy as np
import pytest

from sim.workload.small_model import SMALL, model
from streamnorm.errors import ConfigError
from streamnorm_sim.workload import STYLES, Model, constants, find_model


def of(**changes):
    small = model(**changes)
    return constants(small, small.stacks[0])


def encoder_decoder(encoder, decoder, **of_decoder):
    both = {key: value for key, value in SMALL.items() if key != "layers"} | {"placement": "deepnorm"}
    stacks = {"encoder": {"layers": encoder}, "decoder": {"layers": decoder, "cross_attention": True, **of_decoder}}
    return Model.of("two", both | stacks)


@pytest.mark.parametrize("style", [name for name in STYLES if name not in ("deepnorm", "layernorm-scaling")])
def test_other_styles_have_no_numbers(style):
    assert all(constant.values is None for constant in of(placement=style))


@pytest.mark.parametrize(("layers", "alpha"), [(1, 2**0.25), (8, 2.0), (128, 4.0)])
@pytest.mark.parametrize("generates", [False, True])
def test_alpha_of_one_stack(layers, alpha, generates):
    (constant,) = of(placement="deepnorm", layers=layers, generates=generates)
    assert constant.values == pytest.approx((alpha,) * layers, rel=1e-14)
    assert constant.sites == ("attention-sum", "ffn-sum")
    assert constant.folded_into == "the residual x, where it is added"


def test_alphas_of_encoder_and_decoder():
    two = encoder_decoder(6, 27)
    encoder, decoder = (constants(two, stack) for stack in two.stacks)
    # From the paper by logarithms, another way than the code's.
    assert encoder[0].values == pytest.approx((0.81 * np.exp((4 * np.log(6) + np.log(27)) / 16),) * 6, rel=1e-14)
    assert decoder[0].values == pytest.approx((3.0,) * 27, rel=1e-14)
    assert decoder[0].sites == ("attention-sum", "cross-attention-sum", "ffn-sum")


def test_deepnorm_in_one_of_two_stacks_is_refused():
    with pytest.raises(ConfigError, match=r"^placement: deepnorm: must be that of encoder and decoder both$"):
        encoder_decoder(6, 6, placement="pre")


def test_alpha_can_stand_in_weights_and_epsilon():
    (constant,) = of(placement="deepnorm", layers=128, epsilon=0.25)
    assert constant.remark.endswith("1 / alpha = 0.25, and epsilon / alpha**2 = 0.01562 in the norm")
    rng = np.random.default_rng()
    x, part = rng.normal(size=(2, 50, 32))

    def norm(row, epsilon):
        return (row - row.mean(-1, keepdims=True)) / np.sqrt(row.var(-1, keepdims=True) + epsilon)

    assert constant.values is not None
    alpha = constant.values[0]
    np.testing.assert_allclose(norm(alpha * x + part, 0.25), norm(x + part / alpha, 0.25 / alpha**2), rtol=1e-9)


def test_layernorm_scaling_counts_layers_from_one():
    (constant,) = of(placement="layernorm-scaling", layers=16)
    assert constant.layers == tuple(range(16))
    assert constant.values == pytest.approx(tuple(1 / np.sqrt(np.arange(1, 17))), rel=1e-14)
    assert (constant.values[0], constant.values[3], constant.values[15]) == (1.0, 0.5, 0.25)
    assert (constant.sites, constant.folded_into) == (("attention-in", "ffn-in"), "gamma and beta")
    assert constant.remark == ""


def test_layernorm_scaling_in_some_layers_keeps_their_numbers():
    (constant,) = of(placement="post:3, layernorm-scaling")
    assert (constant.layers, constant.values) == ((3,), (0.5,))
    (constant,) = of(placement="layernorm-scaling", pruned=["*-in:0-2", "ffn-in:3"])
    assert (constant.sites, constant.layers, constant.values) == (("attention-in",), (3,), (0.5,))


def test_the_factor_of_a_stored_gamma_with_an_offset():
    (constant,) = of(placement="layernorm-scaling", gamma_offset=1.0)
    assert constant.remark == "gamma is stored less 1: store (gamma + 1) factor - 1"


def test_norms_without_gamma_leave_the_factor_to_the_weights():
    plain = {"ffn-in": {"affine": False}}
    first, second = of(placement="layernorm-scaling", norms=plain)
    assert (first.sites, first.folded_into) == (("attention-in",), "gamma and beta")
    assert (second.sites, second.folded_into) == (("ffn-in",), "the weights behind, these norms have no gamma")


def test_a_gain_of_each_head_is_learned_and_in_the_weights():
    (constant,) = of(placement="normformer")
    assert (constant.values, constant.layers) == (None, (0, 1, 2, 3))
    assert constant.folded_into == "the rows of the attention's output matrix that take the head"


def test_models_as_they_are_have_no_constants():
    for name in ("gpt2", "bert-base", "t5-base", "gemma-3-1b"):
        known = find_model(name)
        assert [constants(known, stack) for stack in known.stacks] == [[] for _ in known.stacks]
