"""The reciprocal square root as a table of polynomials, with a proven error.

Mantissas, those with ``odd`` apart, are cut into ``2**INDEX_BITS`` segments; in a segment, ``t`` in [0, 1) is the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Shape

from .root_method import RootMethod

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["DEGREE_BITS", "INDEX_BITS", "RsqrtTable"]

INDEX_BITS = 8
DEGREE_BITS = {1: 20, 2: 30, 3: 40}
"""The largest even ``rho_bits`` at which the table of each degree is off by less than ``2**-(rho_bits - 1.5)``.

Beyond, the polynomials themselves stray more from the function; so ``INDEX_BITS`` decides it, and no table need be
built to know."""

_STEP_GUARD = 4


@dataclass(frozen=True, eq=False)
class RsqrtTable(RootMethod):
    """Integer polynomials and how to evaluate them.

    With ``acc = coefficients[degree]`` and, for j = degree-1 … 0,
    ``acc = coefficients[j] + ((acc * t) >> shifts[j])`` (floor), the result is ``rho = acc >> guard_bits``, an
    unsigned number of ``rho_bits`` fraction bits, always below ``2**rho_bits``. ``t`` has ``t_bits`` bits.

    Attributes
    ----------
    coefficients : for each degree, 2 * 2**INDEX_BITS integers; the upper half is for ``odd``
    widths : two's complement bits that hold each degree's coefficients and partial sums
    relative_error : bound of ``|rho * 2**-rho_bits / exact - 1|`` over all mantissas, the bits of the mantissa
        below ``t`` included (they are dropped)
    """

    about: ClassVar[str] = "table, polynomial"

    degree: int
    rho_bits: int
    t_bits: int
    guard_bits: int
    shifts: tuple[int, ...]
    coefficients: tuple[npt.NDArray[np.int64], ...] = field(repr=False)
    widths: tuple[int, ...]
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
    def mantissa_bits(self) -> int:
        return INDEX_BITS + self.t_bits

    @property
    def products(self) -> tuple[tuple[int, int], ...]:
        return tuple((width, self.t_bits) for width in self.widths[1:])

    @property
    def widest(self) -> int:
        return max(self.widths) + self.t_bits

    @property
    def word_width(self) -> int:
        """Bits of one table entry: all coefficients side by side."""
        return sum(self.widths)

    def words(self) -> list[int]:
        """The contents of the table: coefficient 0 in the low bits."""
        words = [0] * len(self.coefficients[0])
        offset = 0
        for values, width in zip(self.coefficients, self.widths, strict=True):
            for address, value in enumerate(values):
                words[address] |= (int(value) & ((1 << width) - 1)) << offset
            offset += width
        return words

    def evaluate(self, mantissa: npt.NDArray[Any], odd: npt.NDArray[Any]) -> npt.NDArray[Any]:
        address = ((odd << INDEX_BITS) | (mantissa >> self.t_bits)).astype(np.int64)
        t = mantissa & ((1 << self.t_bits) - 1)
        acc = self.coefficients[self.degree][address].astype(t.dtype)
        for j in range(self.degree - 1, -1, -1):
            acc = self.coefficients[j][address] + ((acc * t) >> self.shifts[j])
        return acc >> self.guard_bits

    def build(self, p: Pipeline, mantissa: Timed, odd: Timed) -> Timed:
        address = p.concat(mantissa.bits(self.t_bits, self.mantissa_bits), odd)
        entry = p.lookup("table", address, self.word_width, self.words())
        t = mantissa.bits(0, self.t_bits)
        fields, offset = [], 0
        for degree, width in enumerate(self.widths):
            field = entry.bits(offset, offset + width)
            fields.append(field.as_signed() if degree else field)
            offset += width
        acc = fields[-1]
        for degree in range(self.degree - 1, -1, -1):
            product = p.multiply(acc, t)
            step = product.bits(self.shifts[degree], product.width).as_signed()
            shape = Shape(self.widths[degree], signed=degree > 0)
            acc = p.add(fields[degree], step, shape, name="polynomial")
        return acc.bits(self.guard_bits, self.guard_bits + self.rho_bits)

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


_SAMPLES = 65
"""Positions in a segment, its ends included, where a table's error is taken."""

_T = np.linspace(0.0, 1.0, _SAMPLES)
_START = 1 + np.arange(1 << INDEX_BITS) / (1 << INDEX_BITS)
_FACTOR = np.array([1.0, 0.5**0.5])


def _exact(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The function itself at the positions ``t`` of each segment, one row a segment."""
    values = (_START[:, None] + t[None, :] / len(_START)) ** -0.5
    return (_FACTOR[:, None, None] * values).reshape(-1, len(t))


@cache
def _sampled() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The function and its second derivative at the positions ``_T``; the same for all tables."""
    position = _START[:, None] + _T[None, :] / len(_START)
    bend = (_FACTOR[:, None, None] * 0.75 * position**-2.5).reshape(-1, _SAMPLES) / len(_START) ** 2
    return _exact(_T), bend


@cache
def _real_coefficients(degree: int) -> npt.NDArray[np.float64]:
    """The polynomial through the Chebyshev nodes, nearly the minimax one, one row a segment."""
    nodes = 0.5 - 0.5 * np.cos((np.arange(degree + 1) + 0.5) * np.pi / (degree + 1))
    return np.linalg.solve(np.vander(nodes, increasing=True), _exact(nodes).T).T.astype(np.float64)


@cache
def _build(degree: int, rho_bits: int) -> RsqrtTable:
    segments = 1 << INDEX_BITS
    t_bits = max(rho_bits - INDEX_BITS + 2, 4)
    guard_bits = 2
    frac_bits = [rho_bits + guard_bits + j * _STEP_GUARD for j in range(degree + 1)]
    shifts = tuple(t_bits + frac_bits[j + 1] - frac_bits[j] for j in range(degree))

    real = _real_coefficients(degree).copy()
    # Every floor loses half a unit on average; the constant term gives it back.
    centre = 0.5 * 2.0**-rho_bits + sum(0.5 * 2.0 ** -frac_bits[j] for j in range(degree))
    real[:, 0] += centre
    stored = [np.rint(real[:, j] * 2.0 ** frac_bits[j]).astype(np.int64) for j in range(degree + 1)]
    # rho = 1 has no code: the very first value is one step lower.
    stored[0] = np.minimum(stored[0], (1 << frac_bits[0]) - 1)

    t, (exact, bend) = _T, _sampled()
    quantized = sum(stored[j][:, None] * 2.0 ** -frac_bits[j] * t[None, :] ** j for j in range(degree + 1)) - centre
    error = np.abs(quantized - exact).max(axis=1)
    # Between two samples a smooth function strays by at most step**2 / 8 * |second derivative of the error|.
    step = t[1]
    second = sum((j * (j - 1) * real[:, j])[:, None] * t[None, :] ** (j - 2) for j in range(2, degree + 1))
    third = 15 / 8 / segments**3 + (6 * np.abs(real[:, 3]) if degree == 3 else 0.0)
    curvature = np.abs(second - bend).max(axis=1) + third * step
    error += curvature * step**2 / 8 + centre
    relative = float((error / exact[:, -1]).max())
    dropped = 2.0 ** -(INDEX_BITS + t_bits) / 2

    widths = [int(stored[0].max()).bit_length()]
    for j in range(1, degree + 1):
        added = int(np.abs(stored[j + 1]).max()) >> _STEP_GUARD if j < degree else 0
        widths.append((int(np.abs(stored[j]).max()) + added + 1).bit_length() + 1)
    return RsqrtTable(
        degree=degree,
        rho_bits=rho_bits,
        t_bits=t_bits,
        guard_bits=guard_bits,
        shifts=shifts,
        coefficients=tuple(stored),
        widths=tuple(widths),
        relative_error=relative + dropped,
    )
