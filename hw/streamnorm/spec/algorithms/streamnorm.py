"""The project's own algorithm: rounded once, within a proven bound."""

from .algorithm import Algorithm

__all__ = ["Streamnorm"]


class Streamnorm(Algorithm):
    """The steps of :class:`~streamnorm.precision.precision.Precision`, or of its kin for norms without a statistic."""

    name = "streamnorm"
    title = "streamnorm"
    about = "exact moments, a reciprocal root as exact as the output needs, one rounding"
    formula = ("y = round(z gamma + beta)",)
    source = "this project"
    promises = True
    is_dyadic = False
