"""Timed operations on floating-point numbers: taken apart, set side by side, rounded."""

from .decode import DecodedFloat, decoded
from .exponent import Exponent
from .rounding import RoundedFloat, rounded
from .side_by_side import Placed, SideBySide, field_of, product_field, side_by_side

__all__ = [
    "DecodedFloat",
    "Exponent",
    "Placed",
    "RoundedFloat",
    "SideBySide",
    "decoded",
    "field_of",
    "product_field",
    "rounded",
    "side_by_side",
]
