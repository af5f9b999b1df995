"""An estimate from a table: the number with the least relative error in each segment."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import unsigned

from .estimate import Estimate, Segments

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["TableEstimate", "best_constants"]

_IN_LOGIC = 128
"""Words up to which a table is logic; a larger one is a block RAM."""


def best_constants(index_bits: int, bits: int) -> npt.NDArray[np.int64]:
    """For each of ``2**index_bits`` segments of 1 … 2, then of 2 … 4, the integer r of ``bits`` fraction bits, below
    1, whose largest ``|r * sqrt(x) - 1|`` in the segment is least."""
    count = 1 << index_bits
    edges = np.concatenate([np.sqrt(factor * (1 + np.arange(count + 1) / count)) for factor in (1, 2)])
    edges = edges.reshape(2, count + 1)
    low, high = edges[:, :-1].reshape(-1), edges[:, 1:].reshape(-1)
    guess = np.rint(2 / (low + high) * (1 << bits)).astype(np.int64)
    near = guess[:, None] + np.array([-1, 0, 1])
    r = near / (1 << bits)
    worst = np.maximum(np.abs(r * low[:, None] - 1), np.abs(r * high[:, None] - 1))
    best = near[np.arange(len(near)), worst.argmin(axis=1)]
    return np.minimum(best, (1 << bits) - 1)


class TableEstimate(Estimate):
    """The best constant of each of ``2 * 2**index_bits`` segments; in logic, or in a block RAM where they are many."""

    def __init__(self, index_bits: int, bits: int) -> None:
        self.index_bits, self._bits = index_bits, bits
        self.values = best_constants(index_bits, bits)

    @property
    def about(self) -> str:
        return f"table of {len(self.values)} words"

    @property
    def bits(self) -> int:
        return self._bits

    @property
    def entries(self) -> int:
        return len(self.values)

    @property
    def in_logic(self) -> bool:
        return len(self.values) <= _IN_LOGIC

    @cached_property
    def segments(self) -> Segments:
        r = self.values / (1 << self.bits)
        return Segments.of(self.index_bits, r, r)

    def evaluate(self, mantissa: npt.NDArray[Any], odd: npt.NDArray[Any], bits: int) -> npt.NDArray[np.int64]:
        segment = (mantissa >> (bits - self.index_bits)).astype(np.int64)
        return self.values[(odd.astype(np.int64) << self.index_bits) | segment]

    def build(self, p: Pipeline, mantissa: Timed, odd: Timed) -> Timed:
        address = p.concat(mantissa.bits(mantissa.width - self.index_bits, mantissa.width), odd)
        values = self.values.tolist()
        if self.in_logic:
            return p.choose("estimate", address, values, unsigned(self.bits))
        return p.lookup("table", address, self.bits, values)
