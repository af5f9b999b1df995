"""The reciprocal square root by straight lines, as few as the precision takes."""

from __future__ import annotations

from typing import ClassVar

from .fewest_segments import FewestSegments

__all__ = ["PiecewiseLinear"]


class PiecewiseLinear(FewestSegments):
    """A straight line in each segment: one product. Up to 24 bits of rho."""

    title: ClassVar[str] = "piecewise linear"
    source: ClassVar[str] = (
        "J.-M. Muller, Elementary Functions: Algorithms and Implementation, 3rd ed., Birkhäuser 2016, chapter 6"
    )
    degree_of_all: ClassVar[int] = 1
