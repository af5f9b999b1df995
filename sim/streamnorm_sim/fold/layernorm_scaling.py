"""LayerNorm Scaling: a norm's output times a constant of its layer, in gamma and beta."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.arrays import ArrayOrFile
from streamnorm.spec.values import finite_float, integer_at_least

from .exact import plus_root
from .inputs import require_finite, vector, vector_of

__all__ = ["Scaled", "fold_layernorm_scaling"]


class Scaled(NamedTuple):
    """gamma and beta of a norm.

    Attributes
    ----------
    gamma : ndarray of float64, shape (n,)
    beta : ndarray of float64, shape (n,), or None
    """

    gamma: NDArray[np.float64]
    beta: NDArray[np.float64] | None


def fold_layernorm_scaling(
    gamma: ArrayOrFile, beta: ArrayOrFile | None = None, *, layer: int, gamma_offset: float = 0.0
) -> Scaled:
    """Return gamma and beta of the norm whose output is that of the given one over the root of its layer's number.

        gamma' = gamma / sqrt(layer)        beta' = beta / sqrt(layer)

    Source: Sun, Song, Li, Yin, Zheng, Liu: The Curse of Depth in Large Language Models, 2025, arXiv:2502.05795. Both
    norms of a layer, before attention and before the feed-forward, have its number, counted from 1; the norm at the end
    has none and stays.

    Parameters
    ----------
    gamma : array-like or name of a .npy file, shape (n,)
    beta : array-like or name of a .npy file, shape (n,), optional
    layer : int
        At least 1.
    gamma_offset : float
        What the model adds to what is stored of gamma (Gemma: 1): ``gamma' = (gamma + offset) / sqrt(layer) - offset``.

    Returns
    -------
    Scaled
        float64, each number at most 1/2 ulp from the formula's exact value on the float64 given. beta is None where
        none was given.

    Raises
    ------
    ConfigError
        If a file cannot be read, a value is no finite number, shapes differ, there is no such layer, or a result is
        beyond float64.
    """
    factors = vector("gamma", gamma)
    number = integer_at_least("layer", layer, 1)
    offset = Fraction(finite_float("gamma_offset", gamma_offset))
    made = require_finite("gamma", _over_root(factors, number, offset))
    if beta is None:
        return Scaled(made, None)
    return Scaled(made, _over_root(vector_of("beta", beta, len(factors), "gamma"), number, Fraction(0)))


def _over_root(values: NDArray[np.float64], layer: int, offset: Fraction) -> NDArray[np.float64]:
    whole = [Fraction(value) + offset for value in values.tolist()]
    return np.array([plus_root(-offset, -1 if each < 0 else 1, each * each / layer) for each in whole])
