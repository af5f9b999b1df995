"""The reciprocal square root by parabolas, as few as the precision takes."""

from __future__ import annotations

from typing import ClassVar

from .fewest_segments import FewestSegments

__all__ = ["PiecewiseQuadratic"]


class PiecewiseQuadratic(FewestSegments):
    """A parabola in each segment: two products, one behind the other. Up to 36 bits of rho."""

    title: ClassVar[str] = "piecewise quadratic"
    source: ClassVar[str] = (
        "J.-A. Piñeiro, J. D. Bruguera, High-speed double-precision computation of reciprocal, division, square root, "
        "and inverse square root, IEEE Transactions on Computers 51 (2002)"
    )
    degree_of_all: ClassVar[int] = 2
