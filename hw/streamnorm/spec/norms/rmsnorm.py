"""RMSNorm: divided by the root mean square; no mean is subtracted."""

from .norm import Norm

__all__ = ["RmsNorm"]


class RmsNorm(Norm):
    """C = 0: ``V / n**2`` is the mean square of d, the elements less the zero point."""

    name = "rmsnorm"
    title = "RMSNorm"
    about = "no mean is subtracted"
    formula = "x / sqrt(mean(x**2) + epsilon)"
    source = "Zhang, Sennrich: Root Mean Square Layer Normalization, 2019, arXiv:1910.07467"
    centred = False
    reach = 1.0
    length_weight = 1

    def differences(self, low: int, high: int, zero_point: int) -> tuple[int, int]:
        return low - zero_point, high - zero_point

    def nonzero_differences(self, n: int) -> int:
        return n

    def variance_limits(self, n: int, largest: int) -> tuple[int, int]:
        # Least: one element is 1. Most: all are at the farther end.
        return n, (n * largest) ** 2

    def square_limit(self, n: int) -> int:
        return n  # one element differs from 0

    def epsilon_weight(self, n: int) -> int:
        return n  # n**2 / n
