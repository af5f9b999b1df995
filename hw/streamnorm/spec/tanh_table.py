"""tanh of a multiple of an integer, from a table, with a proven error."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache
from math import ceil, log
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import signed

from .formats import NumberFormat
from .polynomial_table import PolynomialTable, T, fitted_table, node_positions, through_nodes

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["CODE_BITS", "CodeTable", "MagnitudeTable", "TanhTable", "magnitude_table", "tanh_of", "tanh_tables"]

CODE_BITS = 10
"""Widest elements for which a table has an entry for each code: on ECP5 a block RAM of 18 bits has as many."""

_INDEX_BITS = (8, 9, 10)
_FRAC_BITS = range(4, 33)
_DOUBT = 2.0**-46
"""What float64 may be off by where a table of polynomials is fitted to tanh and compared with it."""

_DIGITS = Context(prec=40)


@dataclass(frozen=True, eq=False)
class TanhTable(ABC):
    """``z = tanh(slope * d)`` with ``frac_bits``, two's complement of :attr:`bits`.

    z is less than 1, as tanh is, even where that costs a whole unit: were it 1, a gamma and beta that add up to a tie
    of the output would make ties of results that are none, in all elements that are far out.

    :meth:`evaluate` and :meth:`build` give the same integer.

    Attributes
    ----------
    error : proven bound of ``|z * 2**-frac_bits - tanh(slope * d)|`` over all d
    mean_error : the same in the mean, over elements as they come; those far out may be all of a row
    """

    frac_bits: int
    error: float
    mean_error: float

    @property
    def bits(self) -> int:
        return self.frac_bits + 1

    @property
    @abstractmethod
    def about(self) -> str:
        """How it is done, in a few words."""

    @abstractmethod
    def evaluate(self, d: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """z of differences."""

    @abstractmethod
    def build(self, p: Pipeline, sources: Sequence[Timed]) -> list[Timed]:
        """The same as hardware, for each of some lanes; a source is an element's code as it travels, or its
        difference. Two lanes share a table where block RAM has two ports that read."""


@dataclass(frozen=True, eq=False)
class CodeTable(TanhTable):
    """An entry for each code that an element may have, rounded correctly.

    Attributes
    ----------
    entries : z by the bits of the code
    zero_point : of the elements
    """

    entries: npt.NDArray[np.int64]
    zero_point: int

    @property
    def about(self) -> str:
        return f"table of {len(self.entries)} entries, one for each code, looked up while ingest takes the beat in"

    def evaluate(self, d: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        return self.entries[(d.astype(np.int64) + self.zero_point) & (len(self.entries) - 1)]

    def build(self, p: Pipeline, sources: Sequence[Timed]) -> list[Timed]:
        words = [int(entry) & ((1 << self.bits) - 1) for entry in self.entries]
        # Near enough: from the block RAM's output register straight to that of a tile, as gamma.
        return [z.as_signed() for z in p.lookups("tanh", sources, self.bits, words, distance=0.0)]


@dataclass(frozen=True, eq=False)
class MagnitudeTable(TanhTable):
    """Polynomials of ``|d|``; the sign is put back. Beyond ``2**reach_bits - 1`` z is what it is there.

    Attributes
    ----------
    table : the upper bits of ``|d|`` choose the polynomial, the others are t
    reach_bits : bits of ``|d|`` that are looked at
    difference_max : largest ``|d|``
    negative : the slope is
    """

    table: PolynomialTable
    reach_bits: int
    difference_max: int
    negative: bool

    @property
    def about(self) -> str:
        entries = f"table of {len(self.table.coefficients[0])} entries of {self.table.word_width} bits"
        return f"{entries}, polynomials of degree {self.table.degree}" if self.table.degree else entries

    def evaluate(self, d: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        d = d.astype(np.int64)
        magnitude = np.minimum(np.abs(d), (1 << self.reach_bits) - 1)
        t_bits = self.table.t_bits
        kind = np.dtype(np.int64 if self.table.widest <= 63 else object)
        t = (magnitude & ((1 << t_bits) - 1)).astype(kind)
        z = np.minimum(self.table.evaluate(magnitude >> t_bits, t).astype(np.int64), (1 << self.frac_bits) - 1)
        return np.where((d < 0) ^ self.negative, -z, z)

    def build(self, p: Pipeline, sources: Sequence[Timed]) -> list[Timed]:
        places = [self._place(p, source) for source in sources]
        magnitudes = self.table.build_each(p, places, self.frac_bits + 1)
        return [self._with_sign(p, z, source) for z, source in zip(magnitudes, sources, strict=True)]

    def _place(self, p: Pipeline, source: Timed) -> tuple[Timed, Timed]:
        """Which polynomial, and where in its segment."""
        magnitude = p.registered(p.magnitude(source)).bits(0, self.difference_max.bit_length())
        magnitude = p.registered(p.limited(magnitude, self.reach_bits))
        t_bits = self.table.t_bits
        return magnitude.bits(t_bits, self.reach_bits), magnitude.bits(0, t_bits)

    def _with_sign(self, p: Pipeline, magnitude: Timed, source: Timed) -> Timed:
        sign = source.bits(source.width - 1, source.width)
        return p.negated(p.limited(magnitude, self.frac_bits), sign, signed(self.bits), unless=self.negative)


def tanh_tables(slope: Fraction, source: NumberFormat, difference_max: int) -> Iterator[TanhTable]:
    """Tables for elements of a format, of one fraction bit more each, as far as there are any."""
    for frac_bits in _FRAC_BITS:
        if source.bits <= CODE_BITS:
            table: TanhTable | None = _code_table(slope, source, frac_bits)
        else:
            table = magnitude_table(slope, difference_max, frac_bits)
        if table is not None:
            yield table


def tanh_of(x: Fraction) -> Decimal:
    """tanh with an error of less than 1e-36."""
    x = min(max(x, Fraction(-50)), Fraction(50))
    power = _DIGITS.exp(_DIGITS.divide(Decimal(2 * x.numerator), Decimal(x.denominator)))
    return _DIGITS.subtract(1, _DIGITS.divide(2, _DIGITS.add(power, 1)))


def _rounded(x: Fraction, frac_bits: int) -> int:
    most = (1 << frac_bits) - 1
    return min(max(round(Fraction(tanh_of(x)) * (1 << frac_bits)), -most), most)


def _errors(error: float, slope: Fraction, largest: int, frac_bits: int) -> tuple[float, float]:
    """``error`` and ``mean_error`` of a table whose z are off by ``error`` before they are made less than 1."""
    unit = 2.0**-frac_bits
    if 1 - Fraction(tanh_of(abs(slope) * largest)) > Fraction(3, 2) * Fraction(unit):
        return error, error / 2
    return max(error, unit), unit


@cache
def _code_table(slope: Fraction, source: NumberFormat, frac_bits: int) -> CodeTable:
    count = 1 << source.bits
    entries = np.zeros(count, np.int64)
    for code in range(source.min, source.max + 1):
        entries[code & (count - 1)] = _rounded(slope * (code - source.zero_point), frac_bits)
    largest = max(source.max - source.zero_point, source.zero_point - source.min)
    errors = _errors(0.5 * 2.0**-frac_bits + _DOUBT, slope, largest, frac_bits)
    return CodeTable(frac_bits, *errors, entries, source.zero_point)


@cache
def magnitude_table(slope: Fraction, difference_max: int, frac_bits: int) -> MagnitudeTable | None:
    """The smallest table of polynomials that is off by less than a unit; None where none is."""
    # From there on, 1 - tanh is less than a quarter of a unit: 1 - tanh(x) < 2 exp(-2 x).
    flat = ceil((frac_bits + 3) * log(2) / 2 / abs(slope))
    reach_bits = min(difference_max, flat).bit_length()
    beyond = 0.25 * 2.0**-frac_bits if difference_max >> reach_bits else 0.0
    unit = 2.0**-frac_bits
    if reach_bits <= _INDEX_BITS[-1]:
        values = np.array([_rounded(abs(slope) * d, frac_bits) for d in range(1 << reach_bits)])
        table = PolynomialTable(
            t_bits=0, guard_bits=0, shifts=(), coefficients=(values,), widths=(int(values.max()).bit_length(),)
        )
        errors = _errors(0.5 * unit + _DOUBT + beyond, slope, difference_max, frac_bits)
        return MagnitudeTable(frac_bits, *errors, table, reach_bits, difference_max, slope < 0)
    for degree in (1, 2, 3):
        for index_bits in _INDEX_BITS:
            table, error = _polynomials(abs(slope), reach_bits, frac_bits, degree, index_bits)
            if error <= unit:
                errors = _errors(error + beyond, slope, difference_max, frac_bits)
                return MagnitudeTable(frac_bits, *errors, table, reach_bits, difference_max, slope < 0)
    return None


def _polynomials(
    slope: Fraction, reach_bits: int, frac_bits: int, degree: int, index_bits: int
) -> tuple[PolynomialTable, float]:
    t_bits = reach_bits - index_bits
    step = float(slope * (1 << t_bits))
    starts = np.arange(1 << index_bits)[:, None]
    exact = np.tanh((starts + T[None, :]) * step)
    bend = -2 * exact * (1 - exact**2) * step**2
    real = through_nodes(np.tanh((starts + node_positions(degree)[None, :]) * step))
    table, error = fitted_table(real, frac_bits, t_bits, exact, bend, 2 * step**3)
    return table, float(error.max()) + _DOUBT
