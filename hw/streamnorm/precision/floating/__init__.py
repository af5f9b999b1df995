"""Widths of units whose elements come in or go out as floating-point numbers."""

from .float_precision import FloatPrecision
from .static_float_precision import StaticFloatPrecision

__all__ = ["FloatPrecision", "StaticFloatPrecision"]
