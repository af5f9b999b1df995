"""The reciprocal square root as a table of polynomials, with a proven error.

Mantissas, those with ``odd`` apart, are cut into ``2**INDEX_BITS`` segments; in a segment, ``t`` in [0, 1) is the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from streamnorm.spec.polynomial_table import SAMPLES, PolynomialTable, T, fitted_table, node_positions, through_nodes

from .root_method import RootMethod

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["DEGREE_BITS", "INDEX_BITS", "RsqrtTable"]

INDEX_BITS = 8
DEGREE_BITS = {1: 20, 2: 30, 3: 40}
"""The largest even ``rho_bits`` at which the table of each degree is off by less than ``2**-(rho_bits - 1.5)``.

Beyond, the polynomials themselves stray more from the function; so ``INDEX_BITS`` decides it, and no table need be
built to know."""


@dataclass(frozen=True, eq=False)
class RsqrtTable(RootMethod):
    """Polynomials of ``t``; the result is ``rho``, an unsigned number of ``rho_bits`` fraction bits, always below
    ``2**rho_bits``.

    Attributes
    ----------
    table : 2 * 2**INDEX_BITS segments; the upper half is for ``odd``
    relative_error : bound of ``|rho * 2**-rho_bits / exact - 1|`` over all mantissas, the bits of the mantissa
        below ``t`` included (they are dropped)
    """

    about: ClassVar[str] = "table, polynomial"

    rho_bits: int
    table: PolynomialTable
    relative_error: float

    @staticmethod
    def of(degree: int, rho_bits: int) -> RsqrtTable:
        """The table of one polynomial degree (1 … 3) and precision (10 … 42 bits)."""
        return _build(degree, rho_bits)

    @classmethod
    def smallest(cls, rho_bits: int) -> RsqrtTable:
        """The table of the lowest degree that is precise enough."""
        return _build(next(degree for degree, most in DEGREE_BITS.items() if rho_bits <= most), rho_bits)

    @property
    def degree(self) -> int:
        return self.table.degree

    @property
    def t_bits(self) -> int:
        return self.table.t_bits

    @property
    def guard_bits(self) -> int:
        return self.table.guard_bits

    @property
    def shifts(self) -> tuple[int, ...]:
        return self.table.shifts

    @property
    def coefficients(self) -> tuple[npt.NDArray[np.int64], ...]:
        return self.table.coefficients

    @property
    def widths(self) -> tuple[int, ...]:
        return self.table.widths

    @property
    def mantissa_bits(self) -> int:
        return INDEX_BITS + self.t_bits

    @property
    def products(self) -> tuple[tuple[int, int], ...]:
        return tuple((width, self.t_bits) for width in self.widths[1:])

    @property
    def widest(self) -> int:
        return self.table.widest

    @property
    def word_width(self) -> int:
        return self.table.word_width

    def words(self) -> list[int]:
        """The contents of the table; see :meth:`PolynomialTable.words`."""
        return self.table.words()

    def evaluate(self, mantissa: npt.NDArray[Any], odd: npt.NDArray[Any]) -> npt.NDArray[Any]:
        address = ((odd << INDEX_BITS) | (mantissa >> self.t_bits)).astype(np.int64)
        return self.table.evaluate(address, mantissa & ((1 << self.t_bits) - 1))

    def build(self, p: Pipeline, mantissa: Timed, odd: Timed) -> Timed:
        address = p.concat(mantissa.bits(self.t_bits, self.mantissa_bits), odd)
        return self.table.build(p, address, mantissa.bits(0, self.t_bits), self.rho_bits)

    def figures(self) -> dict[str, int]:
        return {
            "table_degree": self.degree,
            "table_entries": len(self.coefficients[0]),
            "table_word_bits": self.word_width,
        }

    def lines(self) -> list[tuple[str, int, int, str]]:
        polynomial = f"polynomial of degree {self.degree}, {self.word_width} bits a table word"
        return [
            ("segment", INDEX_BITS + 1, 0, f"{INDEX_BITS} bits of V below its leading one, and the parity of p"),
            ("t", self.t_bits, self.t_bits, "the bits below: position in the segment"),
            ("rho", self.rho_bits, self.rho_bits, f"2^k / sqrt(V), between 1/2 and 1; {polynomial}"),
        ]


_START = 1 + np.arange(1 << INDEX_BITS) / (1 << INDEX_BITS)
_FACTOR = np.array([1.0, 0.5**0.5])


def _exact(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The function itself at the positions ``t`` of each segment, one row a segment."""
    values = (_START[:, None] + t[None, :] / len(_START)) ** -0.5
    return (_FACTOR[:, None, None] * values).reshape(-1, len(t))


@cache
def _sampled() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The function and its second derivative at the positions ``T``; the same for all tables."""
    position = _START[:, None] + T[None, :] / len(_START)
    bend = (_FACTOR[:, None, None] * 0.75 * position**-2.5).reshape(-1, SAMPLES) / len(_START) ** 2
    return _exact(T), bend


@cache
def _real_coefficients(degree: int) -> npt.NDArray[np.float64]:
    return through_nodes(_exact(node_positions(degree)))


@cache
def _build(degree: int, rho_bits: int) -> RsqrtTable:
    t_bits = max(rho_bits - INDEX_BITS + 2, 4)
    exact, bend = _sampled()
    third = 15 / 8 / (1 << INDEX_BITS) ** 3
    # rho = 1 has no code: the very first value is one step lower.
    table, error = fitted_table(_real_coefficients(degree), rho_bits, t_bits, exact, bend, third, most=1 << rho_bits)
    relative = float((error / exact[:, -1]).max())
    dropped = 2.0 ** -(INDEX_BITS + t_bits) / 2
    return RsqrtTable(rho_bits=rho_bits, table=table, relative_error=relative + dropped)
