"""PowerNorm at inference."""

from streamnorm.spec.arrays import ArrayOrFile

from .affine import Affine, affine
from .inputs import vector

__all__ = ["fold_powernorm"]


def fold_powernorm(
    psi2: ArrayOrFile, gamma: ArrayOrFile = 1.0, beta: ArrayOrFile = 0.0, *, epsilon: float = 0.0
) -> Affine:
    """Return PowerNorm with the running quadratic mean of training as a factor and an offset for each channel.

        gamma' = gamma / sqrt(psi2 + epsilon)        beta' = beta

    Source: Shen, Yao, Gholami, Mahoney, Keutzer: PowerNorm: Rethinking Batch Normalization in Transformers, 2020,
    arXiv:2003.07845: ``gamma * x / psi + beta``, without epsilon. Its authors' code (sIncerass/powernorm) keeps psi**2
    as ``running_phi`` and divides by ``sqrt(running_phi + eps)``, eps = 1e-5. That code also divides every token by the
    root of its mean square + 1e-5 before (GroupScaling1D, one group by default), which no constants can do: with one
    group, ``norm = "rmsnorm"`` with epsilon = 1e-5 and this gamma and beta is both.

    Parameters
    ----------
    psi2 : array-like or name of a .npy file, shape (n,)
        The running quadratic mean, psi squared; ``running_phi.reshape(-1)``.
    gamma, beta : array-like or name of a .npy file, shape (n,), or a number
        The layer's own.
    epsilon : float
        At least 0; 0 is the paper's formula.

    Returns
    -------
    Affine
        float64, shape (n,), each number at most 1/2 ulp from the formula's exact value on the float64 given.

    Raises
    ------
    ConfigError
        If a file cannot be read, a value is no finite number, shapes differ, psi2 or epsilon is negative, both are 0,
        or a result is beyond float64; it names the array and the element.
    """
    return affine("psi2", vector("psi2", psi2), None, gamma, beta, epsilon)
