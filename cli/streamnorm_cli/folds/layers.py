"""What belongs to a norm, into the linear layer before or behind it."""

from collections.abc import Mapping
from typing import Any

from streamnorm_cli.options import number, whole_number

from .arrays import ArraysKind
from .given import Given, number_or_file

__all__ = ["DEEPNORM", "FLASHNORM", "GAINS", "RECENTRE"]

_Options = Mapping[str, Any]


def _features(result: Any, options: _Options, side: str) -> int:
    """Outputs or inputs of the layer that was made."""
    return result.weight.shape[(options["layout"] == "out-in") == (side == "inputs")]


def _recentred_keys(result: Any, options: _Options) -> dict[str, Any]:
    norm = "crmsnorm" if options["crmsnorm"] else "rmsnorm"
    return {"norm": norm, "max_length": _features(result, options, "outputs")}


def _recentring_advice(result: Any, options: _Options) -> tuple[str, ...]:
    every = "every layer and embedding that adds to the same stream has to be re-centred"
    if options["crmsnorm"]:
        return every, "the layers behind the norm: streamnorm fold flashnorm WEIGHT GAMMA --crmsnorm"
    return every, "epsilon, gamma and beta stay those of LayerNorm"


def _flashnorm_keys(result: Any, options: _Options) -> dict[str, Any]:
    length = {"max_length": _features(result, options, "inputs")}
    return {"norm": "crmsnorm", **length} if options["crmsnorm"] else length


def _deepnorm_advice(result: Any, options: _Options) -> tuple[str, ...]:
    lines = ("the residual is added as it is, x + f(x), without alpha",) if "weight" in options else ()
    if "epsilon" not in options:
        lines += ("epsilon of the norm has to be divided by alpha**2: --epsilon works it out",)
    return lines


def _gain_keys(result: Any, options: _Options) -> dict[str, Any]:
    if result.weight.ndim > 1:
        return {}
    return {"gamma": "weight.npy"} | ({} if result.bias is None else {"beta": "bias.npy"})


_WEIGHT = Given("weight", "the layer's weight")
_BIAS = Given("bias", "the layer's bias, if it has one", False)

RECENTRE = ArraysKind(
    name="recentre",
    title="a linear layer before a norm, to outputs of mean 0 (Pre-RMSNorm, Pre-CRMSNorm)",
    function="recentre",
    given=(_WEIGHT, _BIAS),
    makes=("weight", "bias"),
    formula=("W' = W - mean of W over the outputs", "b' = b - mean(b)"),
    source="Jiang, Gu, Zhu, Pan 2023, arXiv:2305.14858",
    examples=("weight.npy bias.npy",),
    keys=_recentred_keys,
    advice=_recentring_advice,
    has_layout=True,
    crmsnorm="leave out the last output, as CRMSNorm does: the others tell it",
)

FLASHNORM = ArraysKind(
    name="flashnorm",
    title="gamma and beta of a norm, into the linear layer behind it (FlashNorm)",
    function="fold_flashnorm",
    given=(
        _WEIGHT,
        Given("gamma", "the norm's factor (Gemma's: 1 + gamma), a file or a number", True, number_or_file),
        Given("beta", "the norm's offset, a file or a number (default: 0)", False, number_or_file),
        _BIAS,
    ),
    makes=("weight", "bias"),
    formula=("W* = W * gamma, input i's weights by gamma_i", "b* = b + W @ beta  (in-out: b + beta @ W)"),
    source="Graef, Wasielewski, Clapp 2024, arXiv:2407.09577",
    examples=("weight.npy gamma.npy beta.npy bias.npy",),
    keys=_flashnorm_keys,
    advice=lambda result, options: ("the norm as it was, but without gamma and beta",),
    has_layout=True,
    crmsnorm="the norm is CRMSNorm: take the last input's weights from the others' and leave it out",
)

DEEPNORM = ArraysKind(
    name="deepnorm",
    title="alpha of DeepNorm, LayerNorm(alpha x + f(x)), into the last layer of f",
    function="fold_deepnorm",
    given=(
        Given("weight", "the last layer of f; left out: only alpha and beta are told", False),
        _BIAS,
        Given("epsilon", "that of the norm, as the model defines it", False, number, has_place=False),
        Given("encoder_layers", "layers of the encoder, if there is one", False, whole_number(0), has_place=False),
        Given("decoder_layers", "layers of the decoder, if there is one", False, whole_number(0), has_place=False),
        Given("stack", "of a model with both, the one this layer is in: encoder or decoder", False, str, False),
        Given("alpha", "alpha itself, in place of the depth", False, number, has_place=False),
    ),
    makes=("weight", "bias"),
    formula=(
        "W' = W / alpha, b' = b / alpha, epsilon' = epsilon / alpha**2",
        "LayerNorm(alpha x + f(x)) with epsilon = LayerNorm(x + f(x) / alpha) with epsilon'",
        "",
        "                          alpha                  beta, of the first weights of training",
        "one stack of L layers     (2 L)**(1/4)           (8 L)**(-1/4)",
        "encoder, N before M       0.81 (N**4 M)**(1/16)  0.87 (N**4 M)**(-1/16)",
        "decoder, M behind N       (3 M)**(1/4)           (12 M)**(-1/4)",
    ),
    source="Wang, Ma, Dong, Huang, Zhang, Wei 2022, arXiv:2203.00555",
    examples=(
        "--encoder-layers 24",
        "weight.npy bias.npy --epsilon 1e-5 --encoder-layers 24",
        "weight.npy --epsilon 1e-5 --encoder-layers 6 --decoder-layers 6 --stack decoder",
    ),
    keys=lambda result, options: {} if result.epsilon is None else {"epsilon": result.epsilon},
    advice=_deepnorm_advice,
    facts=("alpha", "beta"),
    has_layout=True,
)

GAINS = ArraysKind(
    name="gains",
    title="gains of heads or features, into the layer or norm beside them (NormFormer)",
    function="fold_gains",
    given=(
        Given("weight", "the layer's weight, or a norm's gamma"),
        Given("gains", "one for each head, or group of others; a file or a number", True, number_or_file),
        Given("bias", "the layer's bias, or the norm's beta, if it has one", False),
        Given("side", "where the gains stand: at the inputs (default) or the outputs", False, str, has_place=False),
    ),
    makes=("weight", "bias"),
    formula=(
        "inputs:   W' = W, the weights of input i times the gain of its group; b' = b",
        "outputs:  W' = W, the weights of output j times the gain of its group, b' = b times it",
        "a norm:   gamma' = gamma * gain, beta' = beta * gain, as outputs",
    ),
    source="Shleifer, Weston, Ott 2021, arXiv:2110.09456",
    examples=(
        "out_proj.npy head_gains.npy bias.npy",
        "value_proj.npy head_gains.npy bias.npy --side outputs",
        "gamma.npy 0.5 beta.npy --side outputs",
    ),
    keys=_gain_keys,
    advice=lambda result, options: ("the model without these gains, which are in what was written",),
    has_layout=True,
)
