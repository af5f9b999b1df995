"""IterL2Norm's iteration, as far as it is public."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache
from typing import ClassVar

from .estimate import Estimate
from .fixed_rate import FixedRate
from .parity_estimate import ParityEstimate
from .refined_root import RefinedRoot
from .refinement import Refinement

__all__ = ["IterL2Norm"]

_STEPS = 5


@cache
def _estimate() -> ParityEstimate:
    return ParityEstimate()


class IterL2Norm(RefinedRoot):
    """:class:`.ParityEstimate` and five steps of :class:`.FixedRate`, or as many as are asked for.

    **Reconstructed.** The abstract tells that a differential equation is followed in fixed steps, without division and
    root, to the steady state, within five steps, and that the first value and the rate come from the exponent of the
    squared norm. The update and both constants here are the simplest that this describes; the paper's may differ.
    """

    title: ClassVar[str] = "IterL2Norm (reconstructed)"
    source: ClassVar[str] = (
        "C. Ye, Y. Sim, Y. Kim, S. Jin, D. S. Jeong, IterL2Norm: fast iterative L2-normalization, arXiv 2412.04778 "
        "(2024)"
    )
    steps_allowed: ClassVar[Collection[int]] = range(1, 21)
    refinement: ClassVar[Refinement] = FixedRate()

    @classmethod
    def estimates(cls, mantissa_bits: int) -> Iterable[Estimate]:
        return [_estimate()]

    @classmethod
    def usual_steps(cls) -> Iterable[int]:
        return [_STEPS]
