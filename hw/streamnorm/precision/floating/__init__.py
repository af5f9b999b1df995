"""Widths of units whose elements come in or go out as floating-point numbers."""

from .float_ending import EXACT_ENDING
from .float_precision import FloatPrecision
from .kept_sums import KeptSums
from .static_float_precision import StaticFloatPrecision

__all__ = ["EXACT_ENDING", "FloatPrecision", "KeptSums", "StaticFloatPrecision"]
