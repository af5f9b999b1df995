"""Polynomials of one degree in as few segments as a precision takes: their tables are small enough for logic."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .polynomials import Polynomials

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

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
        best = None
        for table in tables:
            if table.relative_error < cls.wanted_error(rho_bits):
                return table
            if best is None or table.relative_error < best.relative_error:
                best = table
        assert best is not None
        return best

    def build(self, p: Pipeline, mantissa: Timed, odd: Timed) -> Timed:
        if len(self.table.coefficients[0]) > _IN_LOGIC:
            return super().build(p, mantissa, odd)
        address = p.concat(mantissa.bits(self.t_bits, self.mantissa_bits), odd)
        return self.table.build_in_logic(p, address, mantissa.bits(0, self.t_bits), self.rho_bits)

    @property
    def about(self) -> str:
        return f"{len(self.table.coefficients[0])} polynomials of degree {self.degree}"
