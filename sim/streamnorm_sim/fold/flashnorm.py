"""FlashNorm: gamma and beta of a norm, taken in by the linear layer behind it."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import ArrayOrFile

from .exact import Integers, as_integers, power_of_two, rounded, rounded_quotients
from .inputs import matrix, require_finite, vector_of, vector_or_number
from .linear import LAYOUTS, Linear, by_output, in_layout

__all__ = ["fold_flashnorm"]


def fold_flashnorm(
    weight: ArrayOrFile,
    gamma: ArrayOrFile,
    beta: ArrayOrFile | None = None,
    bias: ArrayOrFile | None = None,
    *,
    layout: str = LAYOUTS[0],
    crmsnorm: bool = False,
) -> Linear:
    """Return the linear layer that takes a norm's rows without gamma and beta, and gives what the given one did.

        W*_ji = gamma_i * W_ji        b*_j = b_j + sum over i of beta_i * W_ji

    for output j and input i: ``diag(gamma) @ W`` and ``b + beta @ W`` where W is of shape (inputs, outputs).

    Source: Graef, Wasielewski, Clapp: FlashNorm, 2024, arXiv:2407.09577. Without bias and beta, the row's factor may
    also be applied behind the layer, since every output has the same.

    Parameters
    ----------
    weight : array-like or name of a .npy file, shape (outputs, inputs), or (inputs, outputs)
    gamma : array-like or name of a .npy file, shape (inputs,), or a number
        The norm's, with its offset if it has one (Gemma: 1 + gamma).
    beta : array-like or name of a .npy file, shape (inputs,), or a number; optional
        The norm's; None is 0.
    bias : array-like or name of a .npy file, shape (outputs,), optional
        The layer's; None is 0.
    layout : str
        Which of the two shapes: one of :data:`LAYOUTS`, "out-in" or "in-out".
    crmsnorm : bool
        The norm is CRMSNorm, whose rows lack the last element, minus the sum of the others: the weight's last input is
        subtracted from the others and left out, ``W*_ji = gamma_i * W_ji - gamma_n * W_jn`` for i < n. gamma and beta
        still have n values (arXiv:2305.14858).

    Returns
    -------
    Linear
        float64, each number at most 1/2 ulp from the formula's exact value on the float64 given. The bias is None
        where neither beta nor bias was given.

    Raises
    ------
    ConfigError
        If a file cannot be read, a value is no finite number, shapes do not fit, no input is left, or a result is
        beyond float64.
    """
    given = by_output(matrix("weight", weight), layout)
    outputs, inputs = given.shape
    if crmsnorm and inputs == 1:
        raise ConfigError("weight: has 1 input; CRMSNorm leaves out the last, and none would be left")
    factors = vector_or_number("gamma", gamma, inputs, "inputs of weight")
    folded = _without_last(given, factors) if crmsnorm else _products(given, factors)
    added = None
    if beta is not None or bias is not None:
        betas = vector_or_number("beta", 0.0 if beta is None else beta, inputs, "inputs of weight")
        biases = np.zeros(outputs) if bias is None else vector_of("bias", bias, outputs, "outputs of weight")
        added = require_finite("bias", _plus_products(biases, given, betas))
    return Linear(require_finite("weight", in_layout(folded, layout)), added)


def _products(weight: NDArray[np.float64], factors: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore", under="ignore"):
        return weight * factors  # rounded once, as any product


def _without_last(weight: NDArray[np.float64], factors: NDArray[np.float64]) -> NDArray[np.float64]:
    factor_integers, factor_exponent = as_integers(factors)
    folded = np.empty((len(weight), len(factors) - 1))
    for each, row in enumerate(weight):
        integers, exponent = as_integers(row)
        products = integers * factor_integers
        folded[each] = rounded_quotients(products[:-1] - products[-1], exponent + factor_exponent)
    return folded


def _plus_products(
    biases: NDArray[np.float64], weight: NDArray[np.float64], betas: NDArray[np.float64]
) -> NDArray[np.float64]:
    beta_integers, beta_exponent = as_integers(betas)
    return np.array([_plus(bias, row, beta_integers, beta_exponent) for bias, row in zip(biases, weight, strict=True)])


def _plus(bias: float, row: NDArray[np.float64], beta_integers: Integers, beta_exponent: int) -> float:
    integers, exponent = as_integers(row)
    products = Fraction(int(integers @ beta_integers)) * power_of_two(exponent + beta_exponent)
    return rounded(products + Fraction(float(bias)))
