"""AdaNorm: LayerNorm with the sample deviation, scaled by a straight line of itself."""

from functools import cache
from typing import Any

from .layernorm import LayerNorm
from .norm import Norm

__all__ = ["AdaNorm"]


class AdaNorm(LayerNorm):
    """C = 1, w = n (n - 1): z is ``(x - mean) / (s + epsilon)`` with the deviation s over n - 1; ``u = z - k*z**2``.

    The constant C of the paper is gamma, one number; k is the curvature. A row of one element has z = 0.
    """

    name = "adanorm"
    title = "AdaNorm"
    about = "the mean is subtracted; large values are damped"
    use = "translation models that overfit with gamma and beta: those give way to two constants"
    formula = "z - curvature * z**2, z = (x - mean(x)) / (s + epsilon)"
    source = (
        "Xu, Sun, Zhang, Zhao, Lin: Understanding and Improving Layer Normalization, 2019, arXiv:1911.07013; the "
        "deviation s over n - 1, as in the authors' code, lancopku/AdaNorm"
    )
    keys = frozenset({"epsilon", "curvature", "gamma_rounding"})
    placement = "root"
    margin = 0.08  # V is a product of three, so its words are long: the statistic's adders missed 200 MHz by a tenth
    has_sample_variance = True
    why_not_deferred = "what it makes of a row is no number times x - mean"
    length_weight = 1

    def __init__(self, curvature: float = 0.0) -> None:
        self.curvature = curvature

    def of(self, keys: dict[str, Any]) -> Norm:
        return _with_curvature(keys["curvature"])

    def variance_limits(self, n: int, largest: int) -> tuple[int, int]:
        least, most = super().variance_limits(n, largest)
        return least * self.weight(n), most * self.weight(n)

    def epsilon_weight(self, n: int) -> int:
        return n  # n (n - 1) / (n - 1)


@cache
def _with_curvature(curvature: float) -> AdaNorm:
    """One object for each, so that what is computed of it is computed once."""
    return AdaNorm(curvature)
