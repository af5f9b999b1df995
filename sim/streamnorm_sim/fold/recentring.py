"""Pre-RMSNorm and Pre-CRMSNorm: linear layers whose outputs have mean 0."""

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import ArrayOrFile

from .exact import as_integers, rounded_quotients
from .inputs import matrix, require_finite, vector_of
from .linear import LAYOUTS, Linear, by_output, in_layout

__all__ = ["centred", "recentre"]


def recentre(
    weight: ArrayOrFile, bias: ArrayOrFile | None = None, *, layout: str = LAYOUTS[0], crmsnorm: bool = False
) -> Linear:
    """Return a linear layer whose output is that of the given one less its mean over the output features.

        W'_ji = W_ji - mean over j of W_ji        b'_j = b_j - mean(b)

    LayerNorm gives the same for both, and RMSNorm with the same epsilon, gamma and beta gives that of LayerNorm for
    this one: on rows of mean 0 the two are one. Before a norm of a residual stream, whatever adds to that stream has to
    be re-centred: output projections of attention and of the MLP, embeddings of tokens (layout "in-out") and places.

    Source: Jiang, Gu, Zhu, Pan: Pre-RMSNorm and Pre-CRMSNorm Transformers, 2023, arXiv:2305.14858.

    Parameters
    ----------
    weight : array-like or name of a .npy file, shape (outputs, inputs), or (inputs, outputs)
    bias : array-like or name of a .npy file, shape (outputs,), optional
    layout : str
        Which of the two shapes: one of :data:`LAYOUTS`, "out-in" or "in-out".
    crmsnorm : bool
        Leave out the last output, as CRMSNorm does: since the mean is 0, the others tell it. Layers that take the
        normalized row are made for that by ``fold_flashnorm(..., crmsnorm=True)``.

    Returns
    -------
    Linear
        float64, each number at most 1/2 ulp from the formula's exact value on the float64 given. So a column's sum is
        not 0 exactly, but within outputs/2 ulp of its largest element. The bias is None where none was given.

    Raises
    ------
    ConfigError
        If a file cannot be read, a value is no finite number, shapes do not fit, no output is left, or a result is
        beyond float64.
    """
    given = by_output(matrix("weight", weight), layout)
    outputs = len(given)
    if crmsnorm and outputs == 1:
        raise ConfigError("weight: has 1 output; CRMSNorm leaves out the last, and none would be left")
    added = None
    if bias is not None:
        added = centred("bias", vector_of("bias", bias, outputs, "outputs of weight"), crmsnorm=crmsnorm)
    folded = centred("weight", given, crmsnorm=crmsnorm)
    return Linear(in_layout(folded, layout), added)


def centred(what: str, values: NDArray[np.float64], axis: int = 0, *, crmsnorm: bool = False) -> NDArray[np.float64]:
    """Return an array less its mean over one axis, each number rounded once.

    Parameters
    ----------
    what : str
        Its name in messages.
    values : ndarray of float64
    axis : int
        That of the features.
    crmsnorm : bool
        Leave out the last feature.

    Raises
    ------
    ConfigError
        If a result is beyond float64.
    """
    features = np.moveaxis(values, axis, 0)
    columns = features.reshape(len(features), -1)
    made = np.empty_like(columns)
    for each, column in enumerate(columns.T):
        made[:, each] = _centred(column)
    kept = np.moveaxis(made.reshape(features.shape)[: len(features) - crmsnorm], 0, axis)
    return np.ascontiguousarray(require_finite(what, kept))


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    integers, exponent = as_integers(values)
    return rounded_quotients(len(values) * integers - integers.sum(), exponent, len(values))
