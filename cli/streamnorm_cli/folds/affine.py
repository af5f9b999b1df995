"""Norms that are gamma and beta at inference."""

from collections.abc import Mapping
from typing import Any

from streamnorm_cli.options import number

from .arrays import ArraysKind
from .given import Given, number_or_file

__all__ = ["BATCHNORM", "POWERNORM", "UNIFIED"]


def _keys(result: Any, _: Mapping[str, Any]) -> dict[str, Any]:
    return {"norm": "affine", "max_length": len(result.gamma), "gamma": "gamma.npy", "beta": "beta.npy"}


_GAMMA = Given("gamma", "the layer's factor, a file or a number (default: 1)", False, number_or_file)
_BETA = Given("beta", "the layer's offset, a file or a number (default: 0)", False, number_or_file)
_EPSILON = Given("epsilon", "added to what the root is taken of, as the model defines it", True, number)

BATCHNORM = ArraysKind(
    name="batchnorm",
    title="BatchNorm at inference",
    function="fold_batchnorm",
    given=(Given("mean", "running mean"), Given("var", "running variance"), _GAMMA, _BETA, _EPSILON),
    makes=("gamma", "beta"),
    formula=("gamma' = gamma / sqrt(var + epsilon)", "beta'  = beta - gamma * mean / sqrt(var + epsilon)"),
    source="Ioffe, Szegedy 2015, arXiv:1502.03167",
    examples=("mean.npy var.npy gamma.npy beta.npy 1e-5",),
    keys=_keys,
)

POWERNORM = ArraysKind(
    name="powernorm",
    title="PowerNorm at inference",
    function="fold_powernorm",
    given=(
        Given("psi2", "running quadratic mean, psi squared; running_phi of the authors' code"),
        _GAMMA,
        _BETA,
        Given("epsilon", "added to psi2; 1e-5 in the authors' code, 0 in the paper (default: 0)", False, number),
    ),
    makes=("gamma", "beta"),
    formula=("gamma' = gamma / sqrt(psi2 + epsilon)", "beta'  = beta"),
    source="Shen, Yao, Gholami, Mahoney, Keutzer 2020, arXiv:2003.07845",
    examples=("psi2.npy gamma.npy beta.npy 1e-5",),
    keys=_keys,
    advice=lambda result, options: (
        'where rows are divided by their root mean square first: norm = "rmsnorm", epsilon = 1e-5',
    ),
)

UNIFIED = ArraysKind(
    name="unified",
    title="Unified Normalization at inference",
    function="fold_unified",
    given=(Given("var", "smoothed statistic, running_var of UN1d"), _GAMMA, _BETA, _EPSILON),
    makes=("gamma", "beta"),
    formula=("gamma' = gamma / sqrt(var + epsilon)", "beta'  = beta"),
    source="Yang et al. 2022, arXiv:2208.01313",
    examples=("running_var.npy weight.npy bias.npy 1e-5",),
    keys=_keys,
)
