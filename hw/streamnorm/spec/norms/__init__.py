"""The norms: each is a description in a file of its own, entered here, that plan, hardware, models and pages read."""

from .groupnorm import GroupNorm
from .instancenorm import InstanceNorm
from .layernorm import LayerNorm
from .norm import Norm
from .rmsnorm import RmsNorm

__all__ = ["NORMS", "Norm"]

NORMS: dict[str, Norm] = {norm.name: norm for norm in (LayerNorm(), RmsNorm(), GroupNorm(), InstanceNorm())}
"""Every norm by its name, which is what ``NormConfig.norm`` may be."""
