"""LayerNorm: the mean is subtracted, and the rest divided by its standard deviation."""

from math import sqrt

from .norm import Norm

__all__ = ["LayerNorm"]


class LayerNorm(Norm):
    """C = 1: ``V / n**2`` is the variance.

    V does not depend on the pivot. With an element of the row for it, one d is 0, and Cauchy and Schwarz give
    ``S1**2 <= (n - 1) * S2``: V is at least S2, so nothing cancels.
    """

    name = "layernorm"
    title = "LayerNorm"
    about = "the mean is subtracted"
    use = "encoders such as BERT, and GPT-2; what other norms are compared with"
    formula = "(x - mean(x)) / sqrt(var(x) + epsilon)"
    source = "Ba, Kiros, Hinton: Layer Normalization, 2016, arXiv:1607.06450"
    centred = True
    reach = sqrt(2.0)  # two elements stray at most sqrt(2n) standard deviations from each other
    length_weight = 2

    def variance_limits(self, n: int, largest: int) -> tuple[int, int]:
        # Least: one element is off by 1. Most: half of them at each end.
        return n - 1, (n // 2) * ((n + 1) // 2) * largest**2

    def square_limit(self, n: int) -> int:
        return n - 1  # one element apart from all others, which are equal

    def epsilon_weight(self, n: int) -> int:
        return 2 * n + 4  # n**2 / (n - 1) with n >= 2
