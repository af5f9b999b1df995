"""LayerNorm Scaling, of one norm or of a model."""

from collections.abc import Mapping
from typing import Any

from streamnorm_cli.options import number, whole_number

from .arrays import ArraysKind
from .either import EitherKind
from .given import Given
from .model import ModelKind
from .patterns import NormPatterns

__all__ = ["LAYERNORM_SCALING"]

_NAME = "layernorm-scaling"
_TITLE = "the factor 1 / sqrt(l) of LayerNorm Scaling, into gamma and beta of a norm, or of all of a model"
_FORMULA = ("gamma' = gamma / sqrt(l), beta' = beta / sqrt(l), l the number of the layer, from 1",)
_SOURCE = "Sun, Song, Li, Yin, Zheng, Liu 2025, arXiv:2502.05795"


def _keys(result: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    offset = options.get("gamma_offset", 0.0)
    return {
        "gamma": "gamma.npy",
        **({} if result.beta is None else {"beta": "beta.npy"}),
        **({"gamma_offset": offset} if offset else {}),
    }


_ONE = ArraysKind(
    name=_NAME,
    title=_TITLE,
    function="fold_layernorm_scaling",
    given=(
        Given("gamma", "the norm's factor; or a model, a .npz or .safetensors file"),
        Given("beta", "the norm's offset, if it has one", False),
        Given("layer", "of one norm: the number of its layer, from 1", True, whole_number(1), has_place=False),
        Given("gamma_offset", "what the model adds to gamma (Gemma: 1; default: 0)", False, number, has_place=False),
    ),
    makes=("gamma", "beta"),
    formula=_FORMULA,
    source=_SOURCE,
    examples=("gamma.npy beta.npy --layer 3",),
    keys=_keys,
)

_MODEL = ModelKind(
    name=_NAME,
    title=_TITLE,
    function="scale_norms",
    patterns=NormPatterns(),
    formula=_FORMULA,
    source=_SOURCE,
    examples=(
        "model.npz --preset gpt2 -o scaled.npz",
        "model.npz --norm '*layers.*.input_layernorm' --norm '*layers.*.post_attention_layernorm'",
    ),
    keys=lambda folded: {},
    advice=lambda folded: (),
)

LAYERNORM_SCALING = EitherKind(
    name=_NAME,
    title=_TITLE,
    formula=_FORMULA,
    source=_SOURCE,
    examples=(*_ONE.examples, *_MODEL.examples),
    arrays=_ONE,
    model=_MODEL,
)
