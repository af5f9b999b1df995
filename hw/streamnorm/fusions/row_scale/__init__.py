"""Results that are scaled by the largest of their row, behind the unit that normalizes."""

from .row_scale_unit import RowScaleUnit

__all__ = ["RowScaleUnit"]
