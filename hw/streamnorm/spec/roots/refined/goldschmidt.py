"""A table and Goldschmidt's iteration."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import ClassVar

from .estimate import Estimate
from .goldschmidt_iteration import GoldschmidtIteration
from .refined_root import RefinedRoot
from .refinement import Refinement
from .table_newton import table_estimates

__all__ = ["Goldschmidt"]


class Goldschmidt(RefinedRoot):
    """The fewest of 1 to 3 steps of :class:`.GoldschmidtIteration` for which a table of 8 to 512 words is good enough,
    and the smallest such table."""

    title: ClassVar[str] = "table and Goldschmidt"
    source: ClassVar[str] = (
        "R. E. Goldschmidt, Applications of division by convergence, MIT 1964; for the root M. D. Ercegovac, "
        "L. Imbert, D. W. Matula, J.-M. Muller, G. Wei, Improving Goldschmidt division, square root and square root "
        "reciprocal, IEEE Transactions on Computers 49 (2000)"
    )
    steps_allowed: ClassVar[Collection[int]] = (1, 2, 3)
    refinement: ClassVar[Refinement] = GoldschmidtIteration()

    @classmethod
    def estimates(cls, mantissa_bits: int) -> Iterable[Estimate]:
        return table_estimates()
