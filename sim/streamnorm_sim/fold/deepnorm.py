"""DeepNorm: the factor on the residual, taken in by the layer that adds to it."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import ArrayOrFile
from streamnorm.spec.values import finite_float, integer_between, one_of, positive_float

from .exact import rounded, rounded_root
from .inputs import matrix, require_finite, vector_of
from .linear import LAYOUTS, by_output

__all__ = ["STACKS", "DeepNorm", "deepnorm_constants", "fold_deepnorm"]

STACKS = ("encoder", "decoder")
"""Of a model that has both, the one that a layer stands in."""

_LAYERS_MAX = 1_000_000


class DeepNorm(NamedTuple):
    """What DeepNorm comes to.

    Attributes
    ----------
    weight : ndarray of float64, or None
        ``W / alpha``, in its layout.
    bias : ndarray of float64, shape (outputs,), or None
        ``b / alpha``.
    alpha, beta : float
        The factor on the residual, and that of the first weights of training, which is None where alpha was given.
    epsilon : float or None
        ``epsilon / alpha**2``, that of the norm now.
    """

    weight: NDArray[np.float64] | None
    bias: NDArray[np.float64] | None
    alpha: float
    beta: float | None
    epsilon: float | None


def deepnorm_constants(
    encoder_layers: int = 0, decoder_layers: int = 0, stack: str | None = None
) -> tuple[float, float]:
    """Return alpha and beta of DeepNorm, by the depth of the model.

        one stack of L layers            alpha = (2 L)**(1/4)                beta = (8 L)**(-1/4)
        encoder of N before decoder M    alpha = 0.81 (N**4 M)**(1/16)       beta = 0.87 (N**4 M)**(-1/16)
        decoder of M behind encoder N    alpha = (3 M)**(1/4)                beta = (12 M)**(-1/4)

    beta is the gain that the first weights of training are drawn with (those of the feed-forward, of values and of
    outputs of attention); it is nothing afterwards.

    Source: Wang, Ma, Dong, Huang, Zhang, Wei: DeepNet, 2022, arXiv:2203.00555, figure 2.

    Parameters
    ----------
    encoder_layers, decoder_layers : int
        0: the model has no such stack.
    stack : str, optional
        Which of :data:`STACKS` the layer stands in; needed where the model has both.

    Returns
    -------
    tuple of float
        alpha and beta, each the exact value rounded once.

    Raises
    ------
    ConfigError
        If there are no layers, or the stack is missing or not there.
    """
    depth = {
        "encoder": integer_between("encoder_layers", encoder_layers, 0, _LAYERS_MAX),
        "decoder": integer_between("decoder_layers", decoder_layers, 0, _LAYERS_MAX),
    }
    there = [each for each in STACKS if depth[each]]
    if not there:
        raise ConfigError("encoder_layers, decoder_layers: both are 0; alpha is of the depth")
    if stack is None and len(there) == 2:
        raise ConfigError("stack is missing: encoder and decoder have constants of their own; one of encoder, decoder")
    of = one_of("stack", there[0] if stack is None else stack, there)
    if len(there) == 1:
        return _roots(Fraction(1), 2 * depth[of], 2), _roots(Fraction(1), 8 * depth[of], 2, inverse=True)
    if of == "decoder":
        return _roots(Fraction(1), 3 * depth[of], 2), _roots(Fraction(1), 12 * depth[of], 2, inverse=True)
    both = depth["encoder"] ** 4 * depth["decoder"]
    return _roots(Fraction(81, 100), both, 4), _roots(Fraction(87, 100), both, 4, inverse=True)


def fold_deepnorm(
    weight: ArrayOrFile | None = None,
    bias: ArrayOrFile | None = None,
    *,
    epsilon: float | None = None,
    encoder_layers: int = 0,
    decoder_layers: int = 0,
    stack: str | None = None,
    alpha: float | None = None,
    layout: str = LAYOUTS[0],
) -> DeepNorm:
    """Return the last layer of f, and epsilon of the norm, so that ``x + f(x)`` may stand for ``alpha * x + f(x)``.

        W' = W / alpha        b' = b / alpha        epsilon' = epsilon / alpha**2

    The same numbers come out. Let u = x + f(x) / alpha, of mean m and variance v; then alpha * x + f(x) = alpha * u has
    mean alpha * m and variance alpha**2 * v, and, alpha being positive, ::

        (alpha u - alpha m) / sqrt(alpha**2 v + epsilon)  =  (u - m) / sqrt(v + epsilon / alpha**2)

    alpha cannot go into x instead, for f takes x, too. It is the nearest float64 of its formula, as
    :func:`deepnorm_constants` gives it, and the three quotients are of that number.

    Source: Wang, Ma, Dong, Huang, Zhang, Wei: DeepNet, 2022, arXiv:2203.00555.

    Parameters
    ----------
    weight : array-like or name of a .npy file, shape (outputs, inputs), or (inputs, outputs); optional
        The output projection of attention, or the last layer of the feed-forward. None: constants only.
    bias : array-like or name of a .npy file, shape (outputs,), optional
    epsilon : float, optional
        The norm's, as the model defines it.
    encoder_layers, decoder_layers, stack
        As in :func:`deepnorm_constants`.
    alpha : float, optional
        In place of that of the depth, if the model has another; greater than 0.
    layout : str
        Which of the two shapes, for the bias's length: one of :data:`LAYOUTS`.

    Returns
    -------
    DeepNorm
        float64, each number at most 1/2 ulp from the quotient of the float64 given. What was not given is None.

    Raises
    ------
    ConfigError
        If a file cannot be read, a value is no finite number, shapes do not fit, both the depth and alpha are given, or
        neither, or a result is beyond float64.
    """
    if alpha is None:
        factor, first = deepnorm_constants(encoder_layers, decoder_layers, stack)
    elif encoder_layers or decoder_layers:
        raise ConfigError(f"alpha = {alpha}: is given besides the depth, which tells it; give one of the two")
    else:
        factor, first = positive_float("alpha", alpha), None
    matrices = None if weight is None else matrix("weight", weight)
    vectors = None
    if bias is not None:
        if matrices is None:
            raise ConfigError("bias: is given without a weight")
        vectors = vector_of("bias", bias, len(by_output(matrices, layout)), "outputs of weight")
    elif matrices is not None:
        by_output(matrices, layout)
    return DeepNorm(
        _over("weight", matrices, factor),
        _over("bias", vectors, factor),
        factor,
        first,
        None if epsilon is None else _epsilon(finite_float("epsilon", epsilon, low=0.0), factor),
    )


def _roots(factor: Fraction, value: int, halvings: int, *, inverse: bool = False) -> float:
    """``factor * value**(1 / 2**halvings)``, or over it, rounded once."""
    inside = Fraction(1, value) if inverse else Fraction(value)
    return rounded_root(factor ** (1 << halvings) * inside, halvings)


def _epsilon(epsilon: float, factor: float) -> float:
    scaled = rounded(Fraction(epsilon) / Fraction(factor) ** 2)
    return finite_float("epsilon / alpha**2", scaled)


def _over(what: str, values: NDArray[np.float64] | None, factor: float) -> NDArray[np.float64] | None:
    if values is None:
        return None
    with np.errstate(over="ignore", under="ignore"):
        return require_finite(what, values / factor)  # rounded once, as any quotient
