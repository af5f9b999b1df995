"""L1 norm of deviations: LayerNorm with the mean absolute deviation in the place of the standard one."""

from .norm import Norm

__all__ = ["L1Norm"]


class L1Norm(Norm):
    """C = 1, B = 0, w = n**2: ``M / n**2`` is the mean absolute deviation, so that nothing but sums is needed of a row.

    But each deviation is from the mean, which must be there before: a row is read twice.
    """

    name = "l1norm"
    title = "L1 norm"
    about = "the mean is subtracted; the deviation is the mean absolute one"
    use = "8-bit transformers and recurrent networks trained with it; a factor in gamma makes it as large as LayerNorm"
    formula = "(x - mean(x)) / (mean(abs(x - mean(x))) + epsilon)"
    source = (
        "Lin, Li and others: Towards Fully 8-bit Integer Inference for the Transformer Model, 2020, arXiv:2009.08034; "
        "Sari, Courville, Partovi Nia: iRNN, 2021, arXiv:2109.09828"
    )
    keys = frozenset({"epsilon", "gamma_rounding"})
    placement = "root"
    centred = True
    has_squares = False
    has_absolute_sum = True
    why_not_deferred = "its deviations need the mean first, and so a second pass over the row"
    reach = 2.0  # two elements differ by at most the sum of all deviations, one strays by at most half of it
    length_weight = 1

    def variance_limits(self, n: int, largest: int) -> tuple[int, int]:
        # Least: one element is off by 1. Most: half of them at each end.
        return (2 * (n - 1)) ** 2, (2 * (n // 2) * ((n + 1) // 2) * largest) ** 2

    def square_limit(self, n: int) -> int:
        return -(-(n**2) // 4)  # one element has half of the sum of all deviations

    def epsilon_weight(self, n: int) -> int:
        return -(-((n + 2) ** 2) // 4)  # n**4 / (2 n - 2)**2 with n >= 2
