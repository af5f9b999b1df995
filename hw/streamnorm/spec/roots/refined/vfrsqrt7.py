"""RISC-V's estimate instruction and Newton's steps."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache
from typing import ClassVar

from .estimate import Estimate
from .newton import Newton
from .refined_root import RefinedRoot
from .refinement import Refinement
from .vfrsqrt7_estimate import Vfrsqrt7Estimate

__all__ = ["Vfrsqrt7"]


@cache
def _estimate() -> Vfrsqrt7Estimate:
    return Vfrsqrt7Estimate()


class Vfrsqrt7(RefinedRoot):
    """:class:`.Vfrsqrt7Estimate`, off by less than ``2**-7``, and the fewest of 0 to 2 steps of :class:`.Newton` that
    it takes: the instruction sequence of a vector processor."""

    title: ClassVar[str] = "RISC-V vfrsqrt7"
    source: ClassVar[str] = (
        "RISC-V International, RISC-V 'V' vector extension, version 1.0 (2021), section 13.9, vfrsqrt7.v"
    )
    steps_allowed: ClassVar[Collection[int]] = (0, 1, 2)
    refinement: ClassVar[Refinement] = Newton()

    @classmethod
    def estimates(cls, mantissa_bits: int) -> Iterable[Estimate]:
        return [_estimate()]
