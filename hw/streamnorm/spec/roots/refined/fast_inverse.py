"""The fast inverse square root with its magic constant, and Newton's steps."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import ClassVar

from .estimate import Estimate
from .magic_estimate import MagicEstimate
from .newton import Newton
from .refined_root import RefinedRoot
from .refinement import Refinement

__all__ = ["FastInverse"]


class FastInverse(RefinedRoot):
    """:class:`.MagicEstimate`, off by up to 3.5 %, and the fewest of 1 to 3 steps of :class:`.Newton` that it takes:
    0.18 %, 4.7e-6 and 3.4e-11 where no bits are missing."""

    title: ClassVar[str] = "fast inverse square root"
    source: ClassVar[str] = (
        "C. Lomont, Fast inverse square root, Purdue University 2003, about the 0x5f3759df of Quake III Arena (1999)"
    )
    steps_allowed: ClassVar[Collection[int]] = (1, 2, 3)
    refinement: ClassVar[Refinement] = Newton()

    @classmethod
    def estimates(cls, mantissa_bits: int) -> Iterable[Estimate]:
        return [MagicEstimate(mantissa_bits)]
