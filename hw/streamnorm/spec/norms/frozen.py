"""LayerNorm with a standard deviation that is a constant of the layer."""

from .norm import Norm

__all__ = ["FrozenNorm"]


class FrozenNorm(Norm):
    """C = 1, B = 0: ``V / n**2`` is ``e``, the square of the constant deviation, in input steps."""

    name = "frozen"
    title = "frozen norm"
    about = "the mean is subtracted; the deviation is a constant"
    use = "models that are finetuned to do without LayerNorm: a step on the way, and cheaper than what it replaces"
    formula = "(x - mean(x)) / deviation"
    source = (
        "Baroni, Khara, Schaeffer, Subkhankulov, Heimersheim: Transformers Don't Need LayerNorm at Inference Time, "
        "2025, arXiv:2507.02559"
    )
    keys = frozenset({"deviation", "gamma_rounding"})
    centred = True
    has_squares = False
    why_not_deferred = "its deviation is a constant, which the matrix behind can hold"
    reach = 1.0
    length_weight = None

    def variance_limits(self, n: int, largest: int) -> tuple[int, int]:
        return 0, 0

    def square_limit(self, n: int) -> None:
        return None

    def epsilon_weight(self, n: int) -> None:
        return None
