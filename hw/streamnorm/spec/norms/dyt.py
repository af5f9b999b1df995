"""Dynamic Tanh: a squashing function in the place of a norm."""

from fractions import Fraction
from functools import cache
from typing import Any

from streamnorm.spec.formats import NumberFormat

from .norm import Norm
from .static_norm import StaticNorm

__all__ = ["DynamicTanh"]


class DynamicTanh(StaticNorm):
    """``z = tanh(alpha * x)``; alpha is a constant, and has been learned."""

    name = "dyt"
    title = "Dynamic Tanh"
    about = "a squashing function of each element, no statistic"
    use = "transformers that were trained without a norm: ViT, LLaMA and DiT of the paper"
    formula = "tanh(alpha * x)"
    source = "Zhu, Chen, He, LeCun, Liu: Transformers without Normalization, 2025, arXiv:2503.10622"
    keys = frozenset({"alpha"})

    def __init__(self, alpha: float | None = None) -> None:
        self.alpha = alpha

    def of(self, keys: dict[str, Any]) -> Norm:
        return _of_alpha(keys["alpha"])

    def largest(self, source: NumberFormat) -> float:
        return 1.0

    def slope(self, source: NumberFormat) -> Fraction:
        """What tanh is taken of for a step of d."""
        assert self.alpha is not None
        return Fraction(self.alpha) * Fraction(source.scale)


@cache
def _of_alpha(alpha: float) -> DynamicTanh:
    """One object for each alpha, so that what is computed of it is computed once."""
    return DynamicTanh(alpha)
