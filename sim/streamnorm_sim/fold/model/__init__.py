"""Whole models: files of named tensors, which of them write to the residual stream and which read it, and folding them.

A model is a mapping of names to arrays. Its tensors belong to modules: ``h.0.ln_1.weight`` and ``h.0.ln_1.bias`` to
``h.0.ln_1``. Which modules do what is told by patterns, in a :class:`Naming`; :data:`NAMINGS` has those of common
models.
"""

from .change import Change, FoldedModel
from .files import FORMATS, TensorFile, read_tensors
from .naming import Naming, Read, Tied
from .namings import NAMINGS
from .norm_scaling import scale_norms
from .preln import preln_to_crms, preln_to_rms

__all__ = [
    "FORMATS",
    "NAMINGS",
    "Change",
    "FoldedModel",
    "Naming",
    "Read",
    "TensorFile",
    "Tied",
    "preln_to_crms",
    "preln_to_rms",
    "read_tensors",
    "scale_norms",
]
