"""Widths of units whose elements come in or go out as floating-point numbers."""

from .float_precision import FloatPrecision

__all__ = ["FloatPrecision"]
