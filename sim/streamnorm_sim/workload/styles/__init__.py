"""Where in a layer the norms stand: each style is entered here, and schedules, counts, reports and pages read it."""

from .deepnorm import DEEPNORM
from .layernorm_scaling import LAYERNORM_SCALING
from .normformer import NORMFORMER
from .plain import PLAIN
from .style import PARTS, Constant, LayersOfStyle, Style

__all__ = ["PARTS", "STYLES", "Constant", "LayersOfStyle", "Style"]

STYLES: dict[str, Style] = {style.name: style for style in (*PLAIN, DEEPNORM, LAYERNORM_SCALING, NORMFORMER)}
"""Every style by its name, which is what a schedule is made of."""
