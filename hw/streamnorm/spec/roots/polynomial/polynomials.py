"""The reciprocal square root as a table of polynomials, with a proven error.

Mantissas, those with ``odd`` apart, are cut into ``2**index_bits`` segments; in a segment, ``t`` in [0, 1) is the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from streamnorm.spec.polynomial_table import SAMPLES, PolynomialTable, T, fitted_table, node_positions, through_nodes
from streamnorm.spec.roots.root_method import RootMethod

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["Polynomials"]


@dataclass(frozen=True, eq=False)
class Polynomials(RootMethod):
    """Polynomials of ``t``; the result is ``rho``, an unsigned number of ``rho_bits`` fraction bits, always below
    ``2**rho_bits``.

    Attributes
    ----------
    index_bits : bits of the mantissa that choose a segment
    table : 2 * 2**index_bits segments; the upper half is for ``odd``
    relative_error : bound of ``|rho * 2**-rho_bits / exact - 1|`` over all mantissas, the bits of the mantissa
        below ``t`` included (they are dropped)
    """

    rho_bits: int
    index_bits: int
    table: PolynomialTable
    relative_error: float

    @classmethod
    def of(cls, degree: int, rho_bits: int, index_bits: int) -> Polynomials:
        """The table of one polynomial degree (1 … 3), precision (10 … 42 bits) and number of segments."""
        return _instance(cls, degree, rho_bits, index_bits)

    @property
    def about(self) -> str:
        return "table, polynomial"

    @property
    def degree(self) -> int:
        return self.table.degree

    @property
    def t_bits(self) -> int:
        return self.table.t_bits

    @property
    def mantissa_bits(self) -> int:
        return self.index_bits + self.t_bits

    @property
    def in_logic(self) -> bool:
        """Whether the table is logic, not a block RAM."""
        return False

    @property
    def products(self) -> tuple[tuple[int, int], ...]:
        return tuple((width, self.t_bits) for width in self.table.widths[1:])

    @property
    def widest(self) -> int:
        return self.table.widest

    @property
    def word_width(self) -> int:
        return self.table.word_width

    def evaluate(self, mantissa: npt.NDArray[Any], odd: npt.NDArray[Any]) -> npt.NDArray[Any]:
        address = ((odd << self.index_bits) | (mantissa >> self.t_bits)).astype(np.int64)
        return self.table.evaluate(address, mantissa & ((1 << self.t_bits) - 1))

    def build(self, p: Pipeline, mantissa: Timed, odd: Timed) -> Timed:
        address = p.concat(mantissa.bits(self.t_bits, self.mantissa_bits), odd)
        return self.table.build(p, address, mantissa.bits(0, self.t_bits), self.rho_bits, in_logic=self.in_logic)

    def figures(self) -> dict[str, int]:
        return {
            "table_degree": self.degree,
            "table_entries": len(self.table.coefficients[0]),
            "table_word_bits": self.word_width,
        }

    def lines(self) -> list[tuple[str, int, int, str]]:
        polynomial = f"polynomial of degree {self.degree}, {self.word_width} bits a table word"
        below = f"{self.index_bits} bits of V below its leading one"
        return [
            ("segment", self.index_bits + 1, 0, f"{below}, and the parity of p"),
            ("t", self.t_bits, self.t_bits, "the bits below: position in the segment"),
            ("rho", self.rho_bits, self.rho_bits, f"2^k / sqrt(V), between 1/2 and 1; {polynomial}"),
        ]


@cache
def _instance(kind: type[Polynomials], degree: int, rho_bits: int, index_bits: int) -> Polynomials:
    return kind(rho_bits, index_bits, *_built(degree, rho_bits, index_bits))


_FACTOR = np.array([1.0, 0.5**0.5])


def _starts(index_bits: int) -> npt.NDArray[np.float64]:
    return 1 + np.arange(1 << index_bits) / (1 << index_bits)


def _exact(index_bits: int, t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The function itself at the positions ``t`` of each segment, one row a segment."""
    start = _starts(index_bits)
    values = (start[:, None] + t[None, :] / len(start)) ** -0.5
    return (_FACTOR[:, None, None] * values).reshape(-1, len(t))


@cache
def _sampled(index_bits: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The function and its second derivative at the positions ``T``; the same for all tables."""
    start = _starts(index_bits)
    position = start[:, None] + T[None, :] / len(start)
    bend = (_FACTOR[:, None, None] * 0.75 * position**-2.5).reshape(-1, SAMPLES) / len(start) ** 2
    return _exact(index_bits, T), bend


@cache
def _real_coefficients(degree: int, index_bits: int) -> npt.NDArray[np.float64]:
    return through_nodes(_exact(index_bits, node_positions(degree)))


@cache
def _built(degree: int, rho_bits: int, index_bits: int) -> tuple[PolynomialTable, float]:
    """The table and its relative error."""
    t_bits = max(rho_bits - index_bits + 2, 4)
    exact, bend = _sampled(index_bits)
    third = 15 / 8 / (1 << index_bits) ** 3
    real = _real_coefficients(degree, index_bits)
    # rho = 1 has no code: the very first value is one step lower.
    table, error = fitted_table(real, rho_bits, t_bits, exact, bend, third, most=1 << rho_bits)
    relative = float((error / exact[:, -1]).max())
    dropped = 2.0 ** -(index_bits + t_bits) / 2
    return table, relative + dropped
