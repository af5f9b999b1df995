"""A step that makes an estimate better, as numbers, as hardware, and as a bound of its error."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

    from .estimate import Segments

__all__ = ["Refinement", "Widths"]

Integers = npt.NDArray[Any]
Reals = npt.NDArray[np.float64]

RESIDUAL_FLOORS = 5
"""``x * r**2`` is cut twice, by less than x and 1 units; so much is subtracted from the residual besides, which keeps r
below the root from the first step on, and below 1."""


@dataclass(frozen=True)
class Widths:
    """Bits of what goes from step to step.

    Attributes
    ----------
    mantissa_bits, work_bits : fraction bits of x, and of r and the residual
    residual_bits : two's complement bits of the residual
    """

    mantissa_bits: int
    work_bits: int
    residual_bits: int


class Refinement(ABC):
    """All steps of a method, from the estimate r, with ``work_bits`` fraction bits, to the r before it is rounded."""

    @abstractmethod
    def errors(self, segments: Segments, low: Reals, high: Reals, steps: int, unit: float) -> list[tuple[Reals, Reals]]:
        """Bounds of ``r * sqrt(x) - 1`` in each segment, before the first step and after each of them.

        ``unit`` : of ``work_bits``
        """

    @abstractmethod
    def products(self, widths: Widths, steps: int) -> tuple[tuple[int, int], ...]:
        """Operand widths of all products, the signed operand first."""

    @abstractmethod
    def evaluate(self, r: Integers, mantissa: Integers, odd: Integers, widths: Widths, steps: int) -> Integers:
        """r after the last step."""

    @abstractmethod
    def build(self, p: Pipeline, r: Timed, mantissa: Timed, odd: Timed, widths: Widths, steps: int) -> Timed:
        """The same as hardware."""

    @staticmethod
    def residual_bits(errors: Sequence[tuple[Reals, Reals]], unit: float) -> int:
        """Two's complement bits of ``1 - x * r**2`` in units, where r is off by these."""
        largest = max(float(np.abs(1 - (1 + side) ** 2).max()) for pair in errors for side in pair)
        return int(largest / unit + RESIDUAL_FLOORS + 1).bit_length() + 1
