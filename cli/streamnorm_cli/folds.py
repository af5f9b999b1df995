"""What ``streamnorm fold`` folds: each kind's arguments, and the function of `streamnorm_sim.fold` that does it."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamnorm_cli.options import file_path, number

__all__ = ["KINDS", "Given", "Kind"]


@dataclass(frozen=True)
class Given:
    """Something that a kind takes: by its place, or where it may be left out, as an option too.

    Attributes
    ----------
    name : the argument of the function
    about : what it is
    is_required : False: it may be left out
    read : what makes the argument's text a value
    """

    name: str
    about: str
    is_required: bool = True
    read: Callable[[str], Any] = file_path

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare the argument, and the option if there is one."""
        if self.is_required and self.read is file_path:
            parser.add_argument(self.name, type=self.read, metavar=self.name.upper(), help=self.about)
            return
        place, option = f"{self.name}_by_place", f"--{self.name}"
        parser.add_argument(place, nargs="?", type=self.read, metavar=self.name.upper(), help=self.about)
        parser.add_argument(option, type=self.read, metavar=self.name.upper(), help="the same, by name")


@dataclass(frozen=True)
class Kind:
    """One kind of folding.

    Attributes
    ----------
    name, title : what the command calls it; what people call it
    function : name of the function in `streamnorm_sim.fold`; its parameters have the names of what is given
    given : in the order of their places
    makes : the arrays that the function returns, which are the names of their files, too
    formula : what becomes of what, a line each
    source : where that was published
    example : arguments
    keys : keys of a configuration to go on with; from a shape, that of gamma or (outputs, inputs), and ``--crmsnorm``
    advice : what else there is to do, a line each; from ``--crmsnorm``
    crmsnorm : what ``--crmsnorm`` does
    """

    name: str
    title: str
    function: str
    given: tuple[Given, ...]
    makes: tuple[str, ...]
    formula: tuple[str, ...]
    source: str
    example: str
    keys: Callable[[tuple[int, ...], bool], dict[str, Any]]
    advice: Callable[[bool], tuple[str, ...]] = lambda crmsnorm: ()
    crmsnorm: str = ""

    @property
    def is_of_layer(self) -> bool:
        """Whether a linear layer is folded, whose weight has a layout."""
        return "weight" in self.makes


def _number_or_file(text: str) -> float | Path:
    try:
        return float(text)
    except ValueError:
        return file_path(text)


def _affine_keys(shape: tuple[int, ...], _: bool) -> dict[str, Any]:
    return {"norm": "affine", "max_length": shape[0], "gamma": "gamma.npy", "beta": "beta.npy"}


def _recentred_keys(shape: tuple[int, ...], crmsnorm: bool) -> dict[str, Any]:
    return {"norm": "crmsnorm" if crmsnorm else "rmsnorm", "max_length": shape[0]}


def _flashnorm_keys(shape: tuple[int, ...], crmsnorm: bool) -> dict[str, Any]:
    length = {"max_length": shape[1]}
    return {"norm": "crmsnorm", **length} if crmsnorm else length


def _recentring_advice(crmsnorm: bool) -> tuple[str, ...]:
    every = "every layer and embedding that adds to the same stream has to be re-centred"
    if crmsnorm:
        return every, "the layers behind the norm: streamnorm fold flashnorm WEIGHT GAMMA --crmsnorm"
    return every, "epsilon, gamma and beta stay those of LayerNorm"


_GAMMA = Given("gamma", "the layer's factor, a file or a number (default: 1)", False, _number_or_file)
_BETA = Given("beta", "the layer's offset, a file or a number (default: 0)", False, _number_or_file)
_EPSILON = Given("epsilon", "added to what the root is taken of, as the model defines it", True, number)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="batchnorm",
            title="BatchNorm at inference",
            function="fold_batchnorm",
            given=(Given("mean", "running mean"), Given("var", "running variance"), _GAMMA, _BETA, _EPSILON),
            makes=("gamma", "beta"),
            formula=("gamma' = gamma / sqrt(var + epsilon)", "beta'  = beta - gamma * mean / sqrt(var + epsilon)"),
            source="Ioffe, Szegedy 2015, arXiv:1502.03167",
            example="mean.npy var.npy gamma.npy beta.npy 1e-5",
            keys=_affine_keys,
        ),
        Kind(
            name="powernorm",
            title="PowerNorm at inference",
            function="fold_powernorm",
            given=(
                Given("psi2", "running quadratic mean, psi squared; running_phi of the authors' code"),
                _GAMMA,
                _BETA,
                Given(
                    "epsilon", "added to psi2; 1e-5 in the authors' code, 0 in the paper (default: 0)", False, number
                ),
            ),
            makes=("gamma", "beta"),
            formula=("gamma' = gamma / sqrt(psi2 + epsilon)", "beta'  = beta"),
            source="Shen, Yao, Gholami, Mahoney, Keutzer 2020, arXiv:2003.07845",
            example="psi2.npy gamma.npy beta.npy 1e-5",
            keys=_affine_keys,
            advice=lambda crmsnorm: (
                'where rows are divided by their root mean square first: norm = "rmsnorm", epsilon = 1e-5',
            ),
        ),
        Kind(
            name="unified",
            title="Unified Normalization at inference",
            function="fold_unified",
            given=(Given("var", "smoothed statistic, running_var of UN1d"), _GAMMA, _BETA, _EPSILON),
            makes=("gamma", "beta"),
            formula=("gamma' = gamma / sqrt(var + epsilon)", "beta'  = beta"),
            source="Yang et al. 2022, arXiv:2208.01313",
            example="running_var.npy weight.npy bias.npy 1e-5",
            keys=_affine_keys,
        ),
        Kind(
            name="recentre",
            title="a linear layer before a norm, to outputs of mean 0 (Pre-RMSNorm, Pre-CRMSNorm)",
            function="recentre",
            given=(Given("weight", "the layer's weight"), Given("bias", "the layer's bias, if it has one", False)),
            makes=("weight", "bias"),
            formula=("W' = W - mean of W over the outputs", "b' = b - mean(b)"),
            source="Jiang, Gu, Zhu, Pan 2023, arXiv:2305.14858",
            example="weight.npy bias.npy",
            keys=_recentred_keys,
            advice=_recentring_advice,
            crmsnorm="leave out the last output, as CRMSNorm does: the others tell it",
        ),
        Kind(
            name="flashnorm",
            title="gamma and beta of a norm, into the linear layer behind it (FlashNorm)",
            function="fold_flashnorm",
            given=(
                Given("weight", "the layer's weight"),
                Given("gamma", "the norm's factor (Gemma's: 1 + gamma), a file or a number", True, _number_or_file),
                Given("beta", "the norm's offset, a file or a number (default: 0)", False, _number_or_file),
                Given("bias", "the layer's bias, if it has one", False),
            ),
            makes=("weight", "bias"),
            formula=("W* = W * gamma, input i's weights by gamma_i", "b* = b + W @ beta  (in-out: b + beta @ W)"),
            source="Graef, Wasielewski, Clapp 2024, arXiv:2407.09577",
            example="weight.npy gamma.npy beta.npy bias.npy",
            keys=_flashnorm_keys,
            advice=lambda crmsnorm: ("the norm as it was, but without gamma and beta",),
            crmsnorm="the norm is CRMSNorm: take the last input's weights from the others' and leave it out",
        ),
    )
}
"""Every kind by its name."""
