"""The norms: each is a description in a file of its own, entered here, that plan, hardware, models and pages read."""

from .adanorm import AdaNorm
from .affine import AffineNorm
from .crmsnorm import CrmsNorm
from .dyt import DynamicTanh
from .frozen import FrozenNorm
from .groupnorm import GroupNorm
from .instancenorm import InstanceNorm
from .l1norm import L1Norm
from .l2norm import L2Norm
from .layernorm import LayerNorm
from .norm import Norm
from .rmsnorm import RmsNorm
from .static_norm import StaticNorm

__all__ = ["NORMS", "DynamicTanh", "Norm", "StaticNorm"]

NORMS: dict[str, Norm] = {
    norm.name: norm
    for norm in (
        *(LayerNorm(), RmsNorm(), L2Norm(), CrmsNorm(), FrozenNorm(), AdaNorm(), L1Norm()),
        *(GroupNorm(), InstanceNorm(), AffineNorm(), DynamicTanh()),
    )
}
"""Every norm by its name, which is what ``NormConfig.norm`` may be."""
