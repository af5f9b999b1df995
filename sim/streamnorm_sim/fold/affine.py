"""Norms that are a straight line for each element at inference, and their factor and offset."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import ArrayOrFile
from streamnorm.spec.values import finite_float

from .exact import plus_root
from .inputs import require_finite, require_no_negative, vector_or_number

__all__ = ["Affine", "affine"]


class Affine(NamedTuple):
    """``y_i = gamma_i * x_i + beta_i``: what ``norm = "affine"`` takes.

    Attributes
    ----------
    gamma, beta : ndarray of float64, shape (n,)
    """

    gamma: NDArray[np.float64]
    beta: NDArray[np.float64]


def affine(
    key: str,
    square: NDArray[np.float64],
    mean: NDArray[np.float64] | None,
    gamma: ArrayOrFile,
    beta: ArrayOrFile,
    epsilon: float,
) -> Affine:
    """Return ``gamma * (x - mean) / sqrt(square + epsilon) + beta`` as a straight line over x.

    Both numbers are rounded once: that of beta is ``beta - gamma * mean / sqrt(square + epsilon)`` with the factor
    before its rounding.

    Parameters
    ----------
    key : str
        What messages call ``square``.
    square, mean : ndarray of float64, shape (n,)
        No mean is 0.
    gamma, beta : array-like, shape (n,), or a number
    epsilon : float

    Raises
    ------
    ConfigError
        If a square or epsilon is negative, both are 0, a shape is wrong, or a result is beyond float64.
    """
    require_no_negative(key, square)
    length = len(square)
    gammas = vector_or_number("gamma", gamma, length, key)
    betas = vector_or_number("beta", beta, length, key)
    added = Fraction(finite_float("epsilon", epsilon, low=0.0))
    if not added and (square == 0).any():
        index = int(np.argmax(square == 0))
        raise ConfigError(f"{key}[{index}] = 0.0 and epsilon = 0: the factor would be infinite; give a larger epsilon")
    means = [0.0] * length if mean is None else mean.tolist()
    lines = [
        _line(Fraction(v) + added, Fraction(m), Fraction(g), Fraction(b))
        for v, m, g, b in zip(square.tolist(), means, gammas.tolist(), betas.tolist(), strict=True)
    ]
    factors, offsets = np.array(lines, np.float64).T
    return Affine(require_finite("gamma", factors.copy()), require_finite("beta", offsets.copy()))


def _line(square: Fraction, mean: Fraction, gamma: Fraction, beta: Fraction) -> tuple[float, float]:
    shift = gamma * mean
    factor = plus_root(Fraction(0), _sign(gamma), gamma * gamma / square)
    return factor, plus_root(beta, -_sign(shift), shift * shift / square)


def _sign(value: Fraction) -> int:
    return -1 if value < 0 else 1
