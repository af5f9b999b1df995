"""Linear layers, as one or the other library stores their weights."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.values import one_of

__all__ = ["LAYOUTS", "Linear", "by_output", "in_layout"]

LAYOUTS = ("out-in", "in-out")
"""Shapes of a weight: (outputs, inputs), as PyTorch's ``nn.Linear`` has it, ``y = W @ x + b``; (inputs, outputs), as in
``y = x @ W + b``, of Keras, JAX and GPT-2's ``Conv1D``. A table of embeddings is (tokens, features): "in-out"."""


class Linear(NamedTuple):
    """A linear layer.

    Attributes
    ----------
    weight : ndarray of float64
        In the layout in which it was given.
    bias : ndarray of float64, shape (outputs,), or None
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64] | None


def by_output(weight: NDArray[np.float64], layout: str) -> NDArray[np.float64]:
    """Return a weight of either layout as a view of shape (outputs, inputs), and such a view as the weight again.

    Raises
    ------
    ConfigError
        If there is no such layout.
    """
    return weight if one_of("layout", layout, LAYOUTS) == LAYOUTS[0] else weight.T


def in_layout(weight: NDArray[np.float64], layout: str) -> NDArray[np.float64]:
    """Return a weight of shape (outputs, inputs) in its layout, its elements in the order of that."""
    return np.ascontiguousarray(by_output(weight, layout))
