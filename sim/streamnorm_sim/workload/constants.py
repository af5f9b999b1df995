"""The constants that a model's placement of norms brings, and where each is folded."""

from .calls import steps
from .model import Model, Stack
from .styles import STYLES, Constant, LayersOfStyle

__all__ = ["constants"]


def constants(model: Model, stack: Stack) -> list[Constant]:
    """Return the constants of one of a model's stacks, style by style in the order of its layers."""
    found: list[Constant] = []
    norms = [call for step in steps(stack) for call in step]
    other_depth = sum(len(other.layers) for other in model.stacks if other is not stack)
    for style in dict.fromkeys(stack.schedule):
        layers = tuple(number for number, each in enumerate(stack.schedule) if each == style)
        there = tuple(call for call in norms if call.layer in layers)
        found += STYLES[style].constants(LayersOfStyle(stack.role, len(stack.layers), other_depth, layers, there))
    return found
