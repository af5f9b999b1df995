"""The golden model of units for floating point: NumPy, bit for bit what the hardware computes."""

from .rows import FloatRows
from .static_rows import StaticFloatRows

__all__ = ["FloatRows", "StaticFloatRows"]
