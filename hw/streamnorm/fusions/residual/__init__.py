"""The residual add before the unit that normalizes, and the sums that leave beside the results."""

from .residual_unit import ResidualUnit

__all__ = ["ResidualUnit"]
