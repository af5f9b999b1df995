"""Gains beside a linear layer or a norm, taken in: of heads, of features, of a layer."""

from numbers import Real

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import ArrayOrFile
from streamnorm.spec.values import counted, one_of

from .inputs import matrix_or_vector, require_finite, vector, vector_of, vector_or_number
from .linear import LAYOUTS, Linear, by_output, in_layout

__all__ = ["SIDES", "fold_gains"]

SIDES = ("inputs", "outputs")
"""Where a gain stands: before the layer, at its inputs, or behind it, at its outputs."""


def fold_gains(
    weight: ArrayOrFile,
    gains: ArrayOrFile,
    bias: ArrayOrFile | None = None,
    *,
    side: str = SIDES[0],
    layout: str = LAYOUTS[0],
) -> Linear:
    """Return the linear layer that does what the given one does with gains at its inputs or outputs.

        inputs:   W'_ji = W_ji * gain_h of the group h that input i is in,     b' = b
        outputs:  W'_ji = gain_h * W_ji, b'_j = gain_h * b_j of the group h that output j is in

    Groups are of one size and follow each other: a gain for each head is one for each group of ``inputs / heads``
    inputs of the output projection. As many gains as there are inputs are a gain for each, and a number is one for all.

    Source: Shleifer, Weston, Ott: NormFormer, 2021, arXiv:2110.09456. Of what it adds, the gain of each head folds into
    the output projection so, side "inputs", for nothing stands between the two but a concatenation; and the norm inside
    of the feed-forward gives its gamma and beta to the layer behind it, by :func:`fold_flashnorm`. The norm behind
    attention and the factors on the residual (ResScale) have the residual behind them, no layer, and stay.

    A norm's gamma and beta are a layer whose matrix is diagonal: given as weight, of one dimension, and bias, they take
    in a gain behind the norm, side "outputs".

    Parameters
    ----------
    weight : array-like or name of a .npy file, shape (outputs, inputs), or (inputs, outputs), or (n,)
    gains : array-like or name of a .npy file, shape (g,), or a number
        g divides the number of inputs or outputs.
    bias : array-like or name of a .npy file, shape (outputs,), optional
    side : str
        One of :data:`SIDES`, "inputs" or "outputs".
    layout : str
        Which shape a weight of two dimensions has: one of :data:`LAYOUTS`, "out-in" or "in-out".

    Returns
    -------
    Linear
        float64, each number at most 1/2 ulp from the product of the float64 given. The bias is None where none was
        given.

    Raises
    ------
    ConfigError
        If a file cannot be read, a value is no finite number, shapes do not fit, or a result is beyond float64.
    """
    given = matrix_or_vector("weight", weight)
    one_of("side", side, SIDES)
    is_norm = given.ndim == 1
    if is_norm and side == "inputs":
        raise ConfigError(
            'side = "inputs": weight has one dimension, that of a norm, whose gains stand behind it; side = "outputs"'
        )
    rows = given[:, np.newaxis] if is_norm else by_output(given, layout)
    outputs, inputs = rows.shape
    count = inputs if side == "inputs" else outputs
    factors = _each("gains", gains, count, f"{side} of weight")
    added = None if bias is None else vector_of("bias", bias, outputs, "outputs of weight")
    with np.errstate(over="ignore", under="ignore"):  # each product is rounded once
        if side == "inputs":
            folded = rows * factors
        else:
            folded = rows * factors[:, np.newaxis]
            added = None if added is None else added * factors
    made = folded[:, 0] if is_norm else in_layout(folded, layout)
    return Linear(
        require_finite("weight", np.ascontiguousarray(made)), None if added is None else require_finite("bias", added)
    )


def _each(key: str, value: ArrayOrFile, count: int, of: str) -> NDArray[np.float64]:
    """A gain for each of ``count``, from one for each group of them."""
    if isinstance(value, Real):
        return vector_or_number(key, value, count, of)
    gains = vector(key, value)
    if count % len(gains):
        raise ConfigError(f"{key}: has {counted(len(gains), 'value')}; must divide {count}, the {of}")
    return np.repeat(gains, count // len(gains))
