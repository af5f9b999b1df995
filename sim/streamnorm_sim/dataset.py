"""Activations and parameters of a real model, part of the package; `data/README.md` names their source."""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

_FILE = "minilm_layernorm_rows.npz"


@dataclass(frozen=True, eq=False)
class LayerRows:
    """One LayerNorm of a model, and rows that entered it.

    Attributes
    ----------
    name : str
        The layer's name in the model.
    x : float32 (rows, n)
        What entered the layer, a row per token.
    gamma, beta : float64 (n,)
        The layer's weight and bias.
    epsilon : float
        What the layer adds to the variance.
    """

    name: str
    x: NDArray[np.float32]
    gamma: NDArray[np.float64]
    beta: NDArray[np.float64]
    epsilon: float


def minilm_layers() -> tuple[LayerRows, ...]:
    """Return the 13 LayerNorms of all-MiniLM-L6-v2 in the model's order, with 64 rows of 384 each."""
    with (files("streamnorm_sim") / "data" / _FILE).open("rb") as file, np.load(file) as data:
        arrays = {key: data[key] for key in ("layer", "x", "gamma", "beta", "eps")}
    return tuple(
        LayerRows(str(name), x, gamma.astype(np.float64), beta.astype(np.float64), float(epsilon))
        for name, x, gamma, beta, epsilon in zip(*arrays.values(), strict=True)
    )
