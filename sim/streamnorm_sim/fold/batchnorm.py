"""BatchNorm at inference."""

from streamnorm.spec.arrays import ArrayOrFile

from .affine import Affine, affine
from .inputs import vector, vector_of

__all__ = ["fold_batchnorm"]


def fold_batchnorm(
    mean: ArrayOrFile, var: ArrayOrFile, gamma: ArrayOrFile = 1.0, beta: ArrayOrFile = 0.0, *, epsilon: float
) -> Affine:
    """Return BatchNorm with the statistics of training as a factor and an offset for each channel.

        gamma' = gamma / sqrt(var + epsilon)        beta' = beta - gamma * mean / sqrt(var + epsilon)

    Source: Ioffe, Szegedy: Batch Normalization, 2015, arXiv:1502.03167, algorithm 2, which takes the unbiased variance,
    as PyTorch's ``running_var`` is. A row of the unit holds a value of each channel, in this order.

    Parameters
    ----------
    mean, var : array-like or name of a .npy file, shape (n,)
        The running mean and variance; in PyTorch ``running_mean`` and ``running_var``.
    gamma, beta : array-like or name of a .npy file, shape (n,), or a number
        The layer's own; in PyTorch ``weight`` and ``bias``.
    epsilon : float
        At least 0; PyTorch's ``eps``.

    Returns
    -------
    Affine
        float64, shape (n,), each number at most 1/2 ulp from the formula's exact value on the float64 given.

    Raises
    ------
    ConfigError
        If a file cannot be read, a value is no finite number, shapes differ, a variance or epsilon is negative, both
        are 0, or a result is beyond float64; it names the array and the element.
    """
    variances = vector("var", var)
    means = vector_of("mean", mean, len(variances), "var")
    return affine("var", variances, means, gamma, beta, epsilon)
