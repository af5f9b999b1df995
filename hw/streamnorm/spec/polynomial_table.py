"""A table of integer polynomials: how one is stored, evaluated and built, whatever the function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Shape, unsigned

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["SAMPLES", "PolynomialTable", "T", "fitted_table", "node_positions", "through_nodes"]

_STEP_GUARD = 4
_GUARD_BITS = 2

SAMPLES = 65
"""Positions in a segment, its ends included, where a table's error is taken."""

T = np.linspace(0.0, 1.0, SAMPLES)
"""Those positions."""


def node_positions(degree: int) -> npt.NDArray[np.float64]:
    """Chebyshev nodes of a segment: the polynomial through them is nearly the minimax one."""
    return 0.5 - 0.5 * np.cos((np.arange(degree + 1) + 0.5) * np.pi / (degree + 1))


def through_nodes(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Coefficients, one row a segment, of the polynomials through ``values`` at `node_positions`."""
    nodes = node_positions(values.shape[1] - 1)
    return np.linalg.solve(np.vander(nodes, increasing=True), values.T).T.astype(np.float64)


@dataclass(frozen=True, eq=False)
class PolynomialTable:
    """Integer polynomials of ``t`` in [0, 1), one a segment, and how to evaluate them.

    With ``acc = coefficients[degree]`` and, for j = degree-1 … 0,
    ``acc = coefficients[j] + ((acc * t) >> shifts[j])`` (floor), the result is ``acc >> guard_bits``, unsigned.

    Attributes
    ----------
    t_bits : bits of t, which has as many fraction bits
    coefficients : for each degree, an integer for each segment
    widths : two's complement bits that hold each degree's coefficients and partial sums; degree 0 is unsigned
    """

    t_bits: int
    guard_bits: int
    shifts: tuple[int, ...]
    coefficients: tuple[npt.NDArray[np.int64], ...] = field(repr=False)
    widths: tuple[int, ...]

    @property
    def degree(self) -> int:
        return len(self.coefficients) - 1

    @property
    def word_width(self) -> int:
        """Bits of one table entry: all coefficients side by side."""
        return sum(self.widths)

    @property
    def widest(self) -> int:
        """Bits of the widest intermediate."""
        return max(self.widths) + self.t_bits

    def words(self) -> list[int]:
        """The contents of the table: coefficient 0 in the low bits."""
        words = [0] * len(self.coefficients[0])
        offset = 0
        for values, width in zip(self.coefficients, self.widths, strict=True):
            for address, value in enumerate(values):
                words[address] |= (int(value) & ((1 << width) - 1)) << offset
            offset += width
        return words

    def evaluate(self, address: npt.NDArray[np.int64], t: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Results of segments and positions, as the hardware computes them; of the type of ``t``."""
        acc = self.coefficients[self.degree][address].astype(t.dtype)
        for j in range(self.degree - 1, -1, -1):
            acc = self.coefficients[j][address] + ((acc * t) >> self.shifts[j])
        return acc >> self.guard_bits

    def build(self, p: Pipeline, address: Timed, t: Timed, result_bits: int, *, in_logic: bool = False) -> Timed:
        """The same as hardware: the low ``result_bits`` of the result, unsigned; ``in_logic`` without a block RAM."""
        if not in_logic:
            return self.build_each(p, [(address, t)], result_bits)[0]
        entry = p.choose("table", address, self.words(), unsigned(self.word_width))
        return self._build_sum(p, entry, t, result_bits)

    def build_each(self, p: Pipeline, places: Sequence[tuple[Timed, Timed]], result_bits: int) -> list[Timed]:
        """As :meth:`build`, for each of some segments and positions."""
        entries = p.lookups("table", [address for address, _ in places], self.word_width, self.words())
        return [self._build_sum(p, entry, t, result_bits) for entry, (_, t) in zip(entries, places, strict=True)]

    def _build_sum(self, p: Pipeline, entry: Timed, t: Timed, result_bits: int) -> Timed:
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
        return acc.bits(self.guard_bits, self.guard_bits + result_bits)


def fitted_table(
    real: npt.NDArray[np.float64],
    result_bits: int,
    t_bits: int,
    exact: npt.NDArray[np.float64],
    bend: npt.NDArray[np.float64],
    third: float | npt.NDArray[np.float64],
    most: int | None = None,
) -> tuple[PolynomialTable, npt.NDArray[np.float64]]:
    """Integers for real coefficients, and how far results are from the function at most, segment by segment.

    Parameters
    ----------
    real : coefficients, one row a segment
    result_bits : fraction bits of results
    exact, bend : the function and its second derivative, by t, at the positions `T` of each segment
    third : a bound of its third derivative, one for all segments or one of each
    most : what results are less than, where the highest has no code: constant terms are cut to it
    """
    degree = real.shape[1] - 1
    frac_bits = [result_bits + _GUARD_BITS + j * _STEP_GUARD for j in range(degree + 1)]
    shifts = tuple(t_bits + frac_bits[j + 1] - frac_bits[j] for j in range(degree))

    real = real.copy()
    # Every floor loses half a unit on average; the constant term gives it back.
    centre = 0.5 * 2.0**-result_bits + sum(0.5 * 2.0 ** -frac_bits[j] for j in range(degree))
    real[:, 0] += centre
    stored = [np.rint(real[:, j] * 2.0 ** frac_bits[j]).astype(np.int64) for j in range(degree + 1)]
    if most is not None:
        stored[0] = np.minimum(stored[0], (most << _GUARD_BITS) - 1)

    reached = sum(stored[j][:, None] * 2.0 ** -frac_bits[j] * T[None, :] ** j for j in range(degree + 1))
    quantized = reached - centre
    error = np.abs(quantized - exact).max(axis=1)
    # Between two samples a smooth function strays by at most step**2 / 8 * |second derivative of the error|.
    step = T[1]
    second = sum((j * (j - 1) * real[:, j])[:, None] * T[None, :] ** (j - 2) for j in range(2, degree + 1))
    bound = third + (6 * np.abs(real[:, 3]) if degree == 3 else 0.0)
    curvature = np.abs(second - bend).max(axis=1) + bound * step
    error += curvature * step**2 / 8 + centre

    # A function that rises is largest at a segment's end.
    widths = [int(np.max(reached) * 2.0 ** frac_bits[0]).bit_length()]
    for j in range(1, degree + 1):
        added = int(np.abs(stored[j + 1]).max()) >> _STEP_GUARD if j < degree else 0
        widths.append((int(np.abs(stored[j]).max()) + added + 1).bit_length() + 1)
    table = PolynomialTable(
        t_bits=t_bits, guard_bits=_GUARD_BITS, shifts=shifts, coefficients=tuple(stored), widths=tuple(widths)
    )
    return table, error
