"""CRMSNorm: RMSNorm of a vector of mean 0 whose last element is not sent, since the others tell it."""

from .norm import Norm

__all__ = ["CrmsNorm"]


class CrmsNorm(Norm):
    """C = 0, A = 1, w = n + 1: the element that is left out is -S1, so ``V / w**2`` is the mean square of all n + 1."""

    name = "crmsnorm"
    title = "CRMSNorm"
    about = "the row is a vector of mean 0 without its last element"
    use = "models made for LayerNorm whose weights were re-centred: an element less is sent, and no mean is needed"
    formula = "x / sqrt((sum(x**2) + sum(x)**2) / (n + 1) + epsilon)"
    source = "Jiang, Gu, Zhu, Pan: Pre-RMSNorm and Pre-CRMSNorm Transformers, 2023, arXiv:2305.14858"
    centred = False
    has_squared_sum = True
    weight_offset = 1
    reach = 1.0
    length_weight = 1

    def variance_limits(self, n: int, largest: int) -> tuple[int, int]:
        # Least: one element is 1, and so the one left out -1. Most: all are at the farther end.
        return 2 * (n + 1), (n + 1) * (n + n**2) * largest**2

    def square_limit(self, n: int) -> int:
        return n  # one of n + 1 elements of mean 0, the others equal

    def epsilon_weight(self, n: int) -> int:
        return n // 2 + 1  # (n + 1)**2 / (2 n + 2)
