"""Blocks of units whose elements come in or go out as floating-point numbers."""

from .float_absolute_sum import FloatAbsoluteSum
from .float_moments import FloatMoments

__all__ = ["FloatAbsoluteSum", "FloatMoments"]
