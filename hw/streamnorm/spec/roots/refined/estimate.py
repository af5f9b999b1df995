"""What a refinement begins with: a rough reciprocal square root, and how rough it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["Estimate", "Segments"]

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Segments:
    """Pieces of 1 … 4, and what an estimate r is off by in each: ``low <= r * sqrt(x) - 1 <= high``.

    Attributes
    ----------
    mantissa_low, mantissa_high : ends of each piece, as mantissas of 1 to 2
    low, high : the bounds, for all x of the piece
    """

    mantissa_low: Reals
    mantissa_high: Reals
    low: Reals
    high: Reals

    @staticmethod
    def of(index_bits: int, first: Reals, last: Reals) -> Segments:
        """``2**index_bits`` pieces of 1 … 2, then as many of 2 … 4.

        ``first`` and ``last``: what the estimate is at the ends of each; it does not rise between them.
        """
        count = 1 << index_bits
        mantissa = 1 + np.arange(count + 1) / count
        low, high = (np.concatenate([side, side]) for side in (mantissa[:-1], mantissa[1:]))
        root_low, root_high = (np.sqrt(side * np.repeat([1, 2], count)) for side in (low, high))
        slack = 1e-14
        return Segments(low, high, last * root_low - 1 - slack, first * root_high - 1 + slack)


class Estimate(ABC):
    """``r`` of ``bits`` fraction bits, below 1, from a mantissa and ``odd``."""

    @property
    @abstractmethod
    def about(self) -> str:
        """What it is, in a few words."""

    @property
    @abstractmethod
    def bits(self) -> int: ...

    @cached_property
    @abstractmethod
    def segments(self) -> Segments:
        """What it is off by."""

    @property
    def entries(self) -> int:
        """Words of its table; 0 where it has none."""
        return 0

    @abstractmethod
    def evaluate(self, mantissa: npt.NDArray[Any], odd: npt.NDArray[Any], bits: int) -> npt.NDArray[np.int64]:
        """r as an integer, of mantissas of ``bits``."""

    @abstractmethod
    def build(self, p: Pipeline, mantissa: Timed, odd: Timed) -> Timed:
        """The same as hardware."""
