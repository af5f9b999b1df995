"""The golden model of units for floating point: NumPy, bit for bit what the hardware computes."""

from .rows import FloatRows

__all__ = ["FloatRows"]
