"""The modules of a model: what a weight and its bias belong to, by their names."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Module", "modules_of"]

_BIASES = {
    "weight": "bias",  # PyTorch
    "kernel": "bias",  # Keras, Flax
    "embedding": "bias",
    "scale": "bias",
    "gamma": "beta",  # norms of Keras
    "w": "b",  # GPT-2 as it was published
    "g": "b",
}
"""Ends of a weight's name, by library, and those of the bias beside it."""

_SEPARATED = re.compile(r"(.+)[./]([^./]+)")


@dataclass(frozen=True)
class Module:
    """A layer, a norm, or a table, by the names of its tensors.

    Attributes
    ----------
    name : what their names begin with, or the name itself of a tensor that stands alone
    weight : name of its weight
    bias : name of its bias, or None
    new_bias : the name that its bias has, or would have
    """

    name: str
    weight: str
    bias: str | None
    new_bias: str


def modules_of(tensors: Iterable[str]) -> dict[str, Module]:
    """Return the modules of a model by their names, in the order of their weights.

    A tensor whose name ends with none of the usual names of weights (``cls_token``) is the weight of a module of its
    own name.
    """
    names = list(dict.fromkeys(tensors))
    there, found = set(names), {}
    for tensor in names:
        split = _SEPARATED.fullmatch(tensor)
        module, end = split.groups() if split else (tensor, "")
        if end in _BIASES and module not in found:
            bias = f"{module}{tensor[len(module)]}{_BIASES[end]}"
            found[module] = Module(module, tensor, bias if bias in there else None, bias)
    taken = {name for module in found.values() for name in (module.weight, module.bias)}
    for tensor in names:
        if tensor not in taken and tensor not in found:
            found[tensor] = Module(tensor, tensor, None, f"{tensor}.bias")
    return found
