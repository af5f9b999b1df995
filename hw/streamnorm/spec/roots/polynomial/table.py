"""The reciprocal square root as a table of polynomials: a block RAM, and as high a degree as it takes."""

from __future__ import annotations

from typing import ClassVar

from .polynomials import Polynomials

__all__ = ["DEGREE_BITS", "INDEX_BITS", "RsqrtTable"]

INDEX_BITS = 8
DEGREE_BITS = {1: 20, 2: 30, 3: 40}
"""The largest even ``rho_bits`` at which the table of each degree is off by less than ``2**-(rho_bits - 1.5)``.

Beyond, the polynomials themselves stray more from the function; so ``INDEX_BITS`` decides it, and no table need be
built to know."""


class RsqrtTable(Polynomials):
    """Polynomials in 512 segments, which fill a block RAM; of degree 1, 2 or 3, the lowest that is precise enough."""

    title: ClassVar[str] = "table and polynomial"
    source: ClassVar[str] = (
        "J.-M. Muller, Elementary Functions: Algorithms and Implementation, 3rd ed., Birkhäuser 2016, chapter 6"
    )

    @classmethod
    def smallest(cls, rho_bits: int, steps: int | None = None) -> Polynomials:
        degree = next(degree for degree, most in DEGREE_BITS.items() if rho_bits <= most)
        return cls.of(degree, rho_bits, INDEX_BITS)
