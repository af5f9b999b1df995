"""RMSNorm: divided by the root mean square; no mean is subtracted."""

from functools import cache
from typing import Any

from .norm import Norm

__all__ = ["RmsNorm"]


class RmsNorm(Norm):
    """C = 0: ``V / w**2`` is the mean square of d, the elements less the zero point.

    With a ``statistic_length`` k, that of the first k elements, w of them in a row of that many or fewer (pRMSNorm).
    Nothing then limits the elements behind those but epsilon, which must not be 0. As these rows are to leave early, V
    has no product with w: the root of w is looked up while the elements come in.
    """

    name = "rmsnorm"
    title = "RMSNorm"
    about = "no mean is subtracted"
    use = "language models such as T5, Llama and Gemma: LayerNorm without its mean; of a part of the row, pRMSNorm"
    formula = "x / sqrt(mean(x**2) + epsilon)"
    source = "Zhang, Sennrich: Root Mean Square Layer Normalization, 2019, arXiv:1910.07467"
    keys = Norm.keys | {"statistic_length"}
    centred = False
    reach = 1.0

    def __init__(self, statistic_length: int | None = None) -> None:
        self.statistic_length = statistic_length
        self.length_weight = 1 if statistic_length is None else None
        if statistic_length is not None:
            self.has_weight_root = True

    def of(self, keys: dict[str, Any]) -> Norm:
        length = keys["statistic_length"]
        return self if length in (None, keys["max_length"]) else _of_part(length)

    def variance_limits(self, n: int, largest: int) -> tuple[int, int]:
        # Least: one element is 1. Most: all are at the farther end.
        counted = self.weight(n)
        weight = self.weight_in_variance(n)
        return weight, weight * counted * largest**2

    def square_limit(self, n: int) -> int | None:
        return n if self.statistic_length is None else None  # one element differs from 0

    def epsilon_weight(self, n: int) -> int | None:
        return n if self.statistic_length is None else None  # n**2 / n


@cache
def _of_part(length: int) -> RmsNorm:
    """One object for each length, so that what is computed of it is computed once."""
    return RmsNorm(length)
