"""Timed operations on floating-point numbers: taken apart, set side by side, rounded."""

from .decode import DecodedFloat, decoded
from .rounding import RoundedFloat, rounded
from .side_by_side import set_side_by_side

__all__ = ["DecodedFloat", "RoundedFloat", "decoded", "rounded", "set_side_by_side"]
