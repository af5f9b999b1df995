"""The norms of a stack in the order in which a token meets them."""

from collections.abc import Iterator
from dataclasses import dataclass

from streamnorm.errors import ConfigError

from .model import Stack
from .placement import is_pruned

__all__ = ["NormCall", "Step", "steps"]


@dataclass(frozen=True)
class NormCall:
    """One norm of a model.

    Attributes
    ----------
    site : what is normalized: a part's input (``attention-in``), its output before it is added (``attention-out``), the
        sum behind it (``attention-sum``), the same of ``cross-attention`` and ``ffn``; ``block-in`` for both of a
        parallel block; ``q``, ``k``; ``embedding``, ``final``
    layer : counted from 0; None for ``embedding`` and ``final``
    length : elements of a row
    rows : rows of each token
    """

    site: str
    layer: int | None
    length: int
    rows: int


Step = tuple[NormCall, ...]
"""Norms that do not wait for each other: those of a step may run side by side, steps follow one another."""


def steps(stack: Stack) -> tuple[Step, ...]:
    """Return every norm of a stack, those of a parallel block, and q and k, in one step.

    Raises
    ------
    ConfigError
        If an entry of ``pruned`` names no norm that is there.
    """
    whole = [step for layer in range(stack.layers) for step in _layer(stack, layer)]
    norms = {(call.site, call.layer) for step in whole for call in step}
    for entry in stack.pruned:
        if not any(is_pruned((entry,), site, layer) for site, layer in norms if layer is not None):
            sites = ", ".join(sorted({site for site, _ in norms})) or "none"
            raise ConfigError(f"pruned: {entry[0]}: no such norm in these layers; the sites are {sites}")
    kept = [tuple(call for call in step if not _left_out(stack, call)) for step in whole]
    ends = [("embedding", stack.embedding_norm), ("final", stack.final_norm)]
    first, last = ([(NormCall(site, None, stack.d_model, 1),)] if there else [] for site, there in ends)
    return tuple(first + [step for step in kept if step] + last)


def _left_out(stack: Stack, call: NormCall) -> bool:
    return call.layer is not None and is_pruned(stack.pruned, call.site, call.layer)


def _layer(stack: Stack, layer: int) -> Iterator[Step]:
    style = stack.schedule[layer]

    def norm(site: str) -> NormCall:
        return NormCall(site, layer, stack.d_model, 1)

    queries_and_keys = _queries_and_keys(stack, layer)
    if style.startswith("parallel"):
        yield (norm("block-in"),) if style == "parallel" else (norm("attention-in"), norm("ffn-in"))
        yield from queries_and_keys
        return
    # A decoder attends to the encoder between its self-attention and its feed-forward.
    for part in ("attention", *(["cross-attention"] if stack.cross_attention else []), "ffn"):
        if style in ("pre", "peri"):
            yield (norm(f"{part}-in"),)
        if part == "attention":
            yield from queries_and_keys
        if style in ("peri", "output"):
            yield (norm(f"{part}-out"),)
        if style == "post":
            yield (norm(f"{part}-sum"),)


def _queries_and_keys(stack: Stack, layer: int) -> list[Step]:
    heads, kv_heads, size = stack.heads[layer], stack.kv_heads[layer], stack.head_dim
    if stack.qk_norm == "head":
        return [(NormCall("q", layer, size, heads), NormCall("k", layer, size, kv_heads))]
    if stack.qk_norm == "model":
        return [(NormCall("q", layer, heads * size, 1), NormCall("k", layer, kv_heads * size, 1))]
    return []
