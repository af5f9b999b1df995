"""Folding: what a norm does at inference, or the parameters of a norm, as constants and weights made once.

- To gamma and beta of ``norm = "affine"``, ``y = gamma_i * x_i + beta_i``: :func:`fold_batchnorm`,
  :func:`fold_powernorm`, :func:`fold_unified`.
- Into linear layers beside the norm: :func:`recentre` before it, so that RMSNorm or CRMSNorm serves in place of
  LayerNorm; :func:`fold_flashnorm` behind it, which takes in gamma and beta; :func:`fold_deepnorm` before it, where the
  residual has a factor; :func:`fold_gains`, gains at the inputs or outputs of a layer, or behind a norm.
- Into gamma and beta of a norm: :func:`fold_layernorm_scaling`.
- Whole models, from their named tensors: :mod:`streamnorm_sim.fold.model`.

Every array may be an array, a list, or the name of a .npy file, of floating-point or integer numbers. They are read as
float64, which only integers beyond 2**53 and long doubles do not fit exactly. Every number that comes out is the
formula's exact value on these, rounded once, to the nearest float64 (half to even): an error of at most 1/2 ulp.
"""

from .affine import Affine
from .batchnorm import fold_batchnorm
from .deepnorm import STACKS, DeepNorm, deepnorm_constants, fold_deepnorm
from .flashnorm import fold_flashnorm
from .gains import SIDES, fold_gains
from .layernorm_scaling import Scaled, fold_layernorm_scaling
from .linear import LAYOUTS, Linear
from .powernorm import fold_powernorm
from .recentring import recentre
from .unified import fold_unified

__all__ = [
    "LAYOUTS",
    "SIDES",
    "STACKS",
    "Affine",
    "DeepNorm",
    "Linear",
    "Scaled",
    "deepnorm_constants",
    "fold_batchnorm",
    "fold_deepnorm",
    "fold_flashnorm",
    "fold_gains",
    "fold_layernorm_scaling",
    "fold_powernorm",
    "fold_unified",
    "recentre",
]
