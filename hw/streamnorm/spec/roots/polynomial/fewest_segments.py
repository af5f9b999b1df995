"""Polynomials of one degree in as few segments as a precision takes: their tables are small enough for logic."""

from __future__ import annotations

from typing import ClassVar

from .polynomials import Polynomials

__all__ = ["FewestSegments"]

_INDEX_BITS = range(2, 11)
_IN_LOGIC = 64
"""Words up to which a table is logic; a larger one is a block RAM."""


class FewestSegments(Polynomials):
    """Polynomials in ``2 * 2**index_bits`` segments, the fewest from 8 to 2048 that are precise enough."""

    degree_of_all: ClassVar[int]

    @classmethod
    def smallest(cls, rho_bits: int, steps: int | None = None) -> Polynomials:
        tables = (cls.of(cls.degree_of_all, rho_bits, index_bits) for index_bits in _INDEX_BITS)
        return cls.first_exact_enough(tables, rho_bits)

    @property
    def in_logic(self) -> bool:
        return len(self.table.coefficients[0]) <= _IN_LOGIC

    @property
    def about(self) -> str:
        return f"{len(self.table.coefficients[0])} polynomials of degree {self.degree}"
