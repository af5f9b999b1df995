"""Pre-LN transformers of a few blocks in float64, with the names that common models give their tensors.

Each is run from its tensors alone, with any norm: widths come from their shapes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MODELS", "Names", "crmsnorm", "drawn", "layernorm", "rmsnorm", "run"]

Reals = NDArray[np.float64]
Norm = Callable[[Reals, Reals, Reals], Reals]

WIDTH, HEADS, BLOCKS, VOCABULARY, PLACES, INNER, PATCH = 16, 4, 3, 23, 11, 40, 3
EPSILON = 1e-5


def layernorm(x: Reals, gamma: Reals, beta: Reals) -> Reals:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + EPSILON) * gamma + beta


def rmsnorm(x: Reals, gamma: Reals, beta: Reals) -> Reals:
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + EPSILON) * gamma + beta


def crmsnorm(x: Reals, gamma: Reals, beta: Reals) -> Reals:
    squares = (x**2).sum(-1, keepdims=True) + x.sum(-1, keepdims=True) ** 2
    return x / np.sqrt(squares / (x.shape[-1] + 1) + EPSILON) * gamma + beta


@dataclass(frozen=True)
class Names:
    """What a model calls its modules; those of a block with ``{}`` for its number."""

    tables: tuple[str, ...]
    patches: str
    norms: tuple[str, str]
    qkv: tuple[str, ...]
    out: str
    up: str
    down: str
    final: str
    head: str
    layout: str = "out-in"
    tied: bool = False
    head_bias: bool = False
    parallel: bool = False


MODELS = {
    "gpt2": Names(
        ("wte.weight", "wpe.weight"),
        "",
        ("h.{}.ln_1", "h.{}.ln_2"),
        ("h.{}.attn.c_attn",),
        "h.{}.attn.c_proj",
        "h.{}.mlp.c_fc",
        "h.{}.mlp.c_proj",
        "ln_f",
        "lm_head",
        layout="in-out",
        tied=True,
    ),
    "gpt-j": Names(
        ("transformer.wte.weight",),
        "",
        ("transformer.h.{}.ln_1", "transformer.h.{}.ln_1"),
        tuple(f"transformer.h.{{}}.attn.{which}_proj" for which in "qkv"),
        "transformer.h.{}.attn.out_proj",
        "transformer.h.{}.mlp.fc_in",
        "transformer.h.{}.mlp.fc_out",
        "transformer.ln_f",
        "lm_head",
        head_bias=True,
        parallel=True,
    ),
    "gpt-neox": Names(
        ("gpt_neox.embed_in.weight",),
        "",
        ("gpt_neox.layers.{}.input_layernorm", "gpt_neox.layers.{}.post_attention_layernorm"),
        ("gpt_neox.layers.{}.attention.query_key_value",),
        "gpt_neox.layers.{}.attention.dense",
        "gpt_neox.layers.{}.mlp.dense_h_to_4h",
        "gpt_neox.layers.{}.mlp.dense_4h_to_h",
        "gpt_neox.final_layer_norm",
        "embed_out",
        parallel=True,
    ),
    "opt": Names(
        ("model.decoder.embed_tokens.weight", "model.decoder.embed_positions.weight"),
        "",
        ("model.decoder.layers.{}.self_attn_layer_norm", "model.decoder.layers.{}.final_layer_norm"),
        tuple(f"model.decoder.layers.{{}}.self_attn.{which}_proj" for which in "qkv"),
        "model.decoder.layers.{}.self_attn.out_proj",
        "model.decoder.layers.{}.fc1",
        "model.decoder.layers.{}.fc2",
        "model.decoder.final_layer_norm",
        "lm_head",
        tied=True,
    ),
    "vit": Names(
        ("vit.embeddings.cls_token", "vit.embeddings.position_embeddings"),
        "vit.embeddings.patch_embeddings.projection",
        ("vit.encoder.layer.{}.layernorm_before", "vit.encoder.layer.{}.layernorm_after"),
        tuple(f"vit.encoder.layer.{{}}.attention.attention.{which}" for which in ("query", "key", "value")),
        "vit.encoder.layer.{}.attention.output.dense",
        "vit.encoder.layer.{}.intermediate.dense",
        "vit.encoder.layer.{}.output.dense",
        "vit.layernorm",
        "classifier",
        head_bias=True,
    ),
    "vit-timm": Names(
        ("cls_token", "pos_embed"),
        "patch_embed.proj",
        ("blocks.{}.norm1", "blocks.{}.norm2"),
        ("blocks.{}.attn.qkv",),
        "blocks.{}.attn.proj",
        "blocks.{}.mlp.fc1",
        "blocks.{}.mlp.fc2",
        "norm",
        "head",
        head_bias=True,
    ),
}


def drawn(names: Names, rng: np.random.Generator) -> dict[str, Reals]:
    """Tensors of a model, in no order; their means are far from 0, so that a mean left in shows."""
    tensors: dict[str, Reals] = {}

    def table(name: str, *shape: int) -> None:
        tensors[name] = rng.normal(0.7, 1, shape)

    def layer(name: str, outputs: int, *inputs: int, bias: bool = True, layout: str = "out-in") -> None:
        weight = rng.normal(0.1, 1 / np.sqrt(np.prod(inputs)), (outputs, *inputs))
        tensors[f"{name}.weight"] = weight.T.copy() if layout == "in-out" else weight
        if bias:
            tensors[f"{name}.bias"] = rng.normal(0.3, 0.5, outputs)

    def norm(name: str) -> None:
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = rng.normal(1, 0.3, WIDTH), rng.normal(0.2, 0.5, WIDTH)

    if names.patches:
        layer(names.patches, WIDTH, 3, PATCH, PATCH)
        table(names.tables[0], 1, 1, WIDTH)
        table(names.tables[1], 1, PLACES, WIDTH)
    else:
        for name, entries in zip(names.tables, (VOCABULARY, PLACES), strict=False):
            table(name, entries, WIDTH)
    for block in range(BLOCKS):
        for name in dict.fromkeys(names.norms):
            norm(name.format(block))
        for name in names.qkv:
            layer(name.format(block), 3 * WIDTH // len(names.qkv), WIDTH, layout=names.layout)
        layer(names.out.format(block), WIDTH, WIDTH, layout=names.layout)
        layer(names.up.format(block), INNER, WIDTH, layout=names.layout)
        layer(names.down.format(block), WIDTH, INNER, layout=names.layout)
    norm(names.final)
    if not names.tied:
        layer(names.head, VOCABULARY, WIDTH, bias=names.head_bias)
    return {str(name): tensors[str(name)] for name in rng.permutation(list(tensors))}


def run(names: Names, tensors: Mapping[str, Reals], given: Reals, norm: Norm, *, head: str = "") -> Reals:
    """Outputs of the head, for tokens (whole numbers) or patches (places, 3, PATCH, PATCH)."""

    def layer(name: str, x: Reals, layout: str = "out-in") -> Reals:
        weight = tensors[f"{name}.weight"]
        return x @ (weight if layout == "in-out" else weight.T) + tensors.get(f"{name}.bias", 0.0)

    def normed(name: str, x: Reals) -> Reals:
        return norm(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    def attention(block: int, x: Reals) -> Reals:
        parts = [layer(name.format(block), x, names.layout) for name in names.qkv]
        shape = (3, len(x), HEADS, WIDTH // HEADS)
        queries, keys, values = np.concatenate(parts, -1).reshape(len(x), 3, -1).swapaxes(0, 1).reshape(shape)
        scores = np.einsum("ihd,jhd->hij", queries, keys) / np.sqrt(WIDTH // HEADS)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = np.einsum("hij,jhd->ihd", scores / scores.sum(-1, keepdims=True), values)
        return layer(names.out.format(block), mixed.reshape(len(x), WIDTH), names.layout)

    def feed_forward(block: int, x: Reals) -> Reals:
        return layer(names.down.format(block), np.tanh(layer(names.up.format(block), x, names.layout)), names.layout)

    if names.patches:
        patches = np.tensordot(given, tensors[f"{names.patches}.weight"], ((1, 2, 3), (1, 2, 3)))
        patches = patches + tensors[f"{names.patches}.bias"]
        x = np.concatenate([tensors[names.tables[0]][0], patches])
        x = x + tensors[names.tables[1]][0, : len(x)]
    else:
        x = tensors[names.tables[0]][given]
        for places in names.tables[1:]:
            x = x + tensors[places][: len(x)]
    first, second = names.norms
    for block in range(BLOCKS):
        attended = x + attention(block, normed(first.format(block), x))
        source = x if names.parallel else attended
        x = attended + feed_forward(block, normed(second.format(block), source))
    x = normed(names.final, x)
    head = head or (f"{names.head}.weight" if f"{names.head}.weight" in tensors else names.tables[0])
    return x @ tensors[head].T + tensors.get(f"{names.head}.bias", 0.0)
