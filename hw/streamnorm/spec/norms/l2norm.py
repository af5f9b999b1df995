"""L2 norm: divided by the length of the row as a vector."""

from .norm import Norm

__all__ = ["L2Norm"]


class L2Norm(Norm):
    """C = 0, w = 1: V is the sum of the squares of d, the elements less the zero point."""

    name = "l2norm"
    title = "L2 norm"
    about = "divided by the row's Euclidean length; no mean is subtracted"
    use = "queries and keys in attention, embeddings (FixNorm), and with one number for gamma ScaleNorm"
    formula = "x / sqrt(sum(x**2) + epsilon)"
    source = (
        "ONNX LpNormalization, p = 2; FixNorm and, with one number for gamma, ScaleNorm: Nguyen, Salazar: Transformers "
        "without Tears, 2019, arXiv:1910.05895"
    )
    centred = False
    has_unit_weight = True
    reach = 1.0
    length_weight = 1

    def variance_limits(self, n: int, largest: int) -> tuple[int, int]:
        # Least: one element is 1. Most: all are at the farther end.
        return 1, n * largest**2

    def square_limit(self, n: int) -> int:
        return 1  # one element differs from 0

    def epsilon_weight(self, n: int) -> int:
        return 1
