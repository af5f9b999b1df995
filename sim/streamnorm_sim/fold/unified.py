"""Unified Normalization at inference."""

from streamnorm.spec.arrays import ArrayOrFile

from .affine import Affine, affine
from .inputs import vector

__all__ = ["fold_unified"]


def fold_unified(var: ArrayOrFile, gamma: ArrayOrFile = 1.0, beta: ArrayOrFile = 0.0, *, epsilon: float) -> Affine:
    """Return Unified Normalization with the smoothed statistic of training as a factor and an offset for each channel.

        gamma' = gamma / sqrt(var + epsilon)        beta' = beta

    Source: Yang, Zhang, Lan, Yang, Li, Tan, Xiao, Pu: Unified Normalization for Accelerating and Stabilizing
    Transformers, 2022, arXiv:2208.01313. Its framework is ``gamma * (x - mu) / sqrt(sigma**2 + epsilon) + beta``, of
    which the method sets mu = 0. In its authors' code (hikvision-research/Unified-Normalization, UN1d)
    ``running_var`` is a moving average of the geometric mean of the last quadratic means, no variance; at inference
    x is divided by ``sqrt(running_var + eps)``, eps = 1e-5, and nothing is subtracted.

    Parameters
    ----------
    var : array-like or name of a .npy file, shape (n,)
        The smoothed statistic; ``running_var``.
    gamma, beta : array-like or name of a .npy file, shape (n,), or a number
        The layer's own; ``weight`` and ``bias``.
    epsilon : float
        At least 0; ``eps``.

    Returns
    -------
    Affine
        float64, shape (n,), each number at most 1/2 ulp from the formula's exact value on the float64 given.

    Raises
    ------
    ConfigError
        If a file cannot be read, a value is no finite number, shapes differ, var or epsilon is negative, both are 0,
        or a result is beyond float64; it names the array and the element.
    """
    return affine("var", vector("var", var), None, gamma, beta, epsilon)
