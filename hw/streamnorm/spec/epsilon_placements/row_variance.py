"""Epsilon beside the variance, in rows that come with a scale each: in their steps it is another number in each."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Mux, signed, unsigned

from streamnorm.errors import ConfigError
from streamnorm.spec.binary_logarithm import floor_log2
from streamnorm.spec.fusions.input_scale import INPUT_SCALES, InputScale
from streamnorm.spec.polynomial_table import PolynomialTable, T, fitted_table, node_positions, through_nodes

from .placement import EpsilonCode, Integers, MomentValues
from .variance import VariancePlacement

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed
    from streamnorm.precision.precision import Precision
    from streamnorm.precision.ranges import Ranges
    from streamnorm.spec.norms import Norm
    from streamnorm.spec.roots import RootMethod
    from streamnorm.units.timed_moments import TimedMoments

__all__ = ["RowEpsilon", "RowVariancePlacement"]

_CUT, _CUT_TIGHT = 2.0**-5, 2.0**-10
"""`RowVariancePlacement.cut`, and where 99.9 % of the results are rounded correctly."""

_SEGMENTS = [(1, index_bits) for index_bits in range(5, 10)] + [(2, index_bits) for index_bits in range(5, 10)]
"""Degrees and bits of the number of segments that are tried, the cheapest first."""

_LOGIC_INDEX_BITS = 5
"""Tables of so many segments need no block RAM."""


@dataclass(frozen=True, kw_only=True)
class RowVariancePlacement(VariancePlacement):
    """``V = U + w**2 * e`` with ``e = epsilon / s**2`` and the scale s of the row.

    Where e is larger than any z of the row can be seen beside, z is 0: such a row comes out as beta, and so does one
    whose scale is none.

    Attributes
    ----------
    kind : the ``scale_kind``
    epsilon : exact
    reach : from where on an e is so large, at least
    cut : largest magnitude of results less beta, in output LSB, where e is larger
    """

    kind: str
    epsilon: Fraction
    reach: Fraction
    cut: float

    @staticmethod
    def of(kind: str, epsilon: float, farthest: float, *, tight: bool) -> RowVariancePlacement:
        """The one for elements whose differences to the mean, or to the zero point, are up to ``farthest`` output LSB
        when they are taken times gamma.

        Raises
        ------
        ConfigError
            If epsilon, next to a scale that nobody tells from 0, is still to be seen.
        """
        cut = _CUT_TIGHT if tight else _CUT
        # abs(z) is at most abs(d) / sqrt(e); gamma as it is stored is less than twice as large.
        reach = Fraction(max(2 * farthest / cut, 2.0)) ** 2
        placement = RowVariancePlacement(kind=kind, epsilon=Fraction(epsilon), reach=reach, cut=cut)
        if not placement.tells_least:
            least, _ = placement.scale.exponents
            smallest = float(4 * reach * Fraction(4) ** least * Fraction(101, 100))
            raise ConfigError(
                f'epsilon = {epsilon:g}: must be 0, or at least {smallest:.3g} with scale = "row" in [input]: beside '
                f"scales of less than 2**{least}, which are taken for 0"
            )
        return placement

    @property
    def scale(self) -> InputScale:
        """What the codes of scales are."""
        return INPUT_SCALES[self.kind]

    @cached_property
    def exponent_min(self) -> int:
        """The least exponent of a scale at which z is not taken for 0: e is larger than :attr:`reach` below."""
        assert self.epsilon
        least, _ = self.scale.exponents
        smallest = Fraction(1, 4) if self.scale.fraction_bits else Fraction(1)  # 1 / u**2
        exponent = least
        while self.epsilon * smallest / Fraction(4) ** exponent > self.reach:
            exponent += 1
        return exponent

    @property
    def least_scale(self) -> float | None:
        """The least scale at which z is not taken for 0; None without epsilon, where there is none."""
        return 2.0**self.exponent_min if self.epsilon else None

    @property
    def tells_least(self) -> bool:
        """Whether scales of exponents below the least one have an e that is too large, so that nobody misses them."""
        least, _ = self.scale.exponents
        return not (self.epsilon and self.scale.fraction_bits) or self.exponent_min > least

    def in_steps(self, epsilon: Fraction, scale: Fraction) -> Fraction:
        """The largest e at which z is not taken for 0."""
        return epsilon / Fraction(4) ** self.exponent_min if epsilon else Fraction(0)

    def least_deviation(self, epsilon: float) -> float:
        return 0.0  # in steps that may be as coarse as anything

    def limits(self, least: int, most: int, added: Fraction, doubt: int) -> tuple[int, int]:
        return least, int(most + added * Fraction(257, 256)) + 2

    def encode(self, norm: Norm, ranges: Ranges, root: RootMethod, bits: int) -> EpsilonCode:
        if not self.epsilon:
            return EpsilonCode(0, 0, 0, 0.0)
        of_row, error = _row_epsilon(self, ranges.weight_bits, norm.has_weight_root, bits + 2)
        return EpsilonCode(0, 0, of_row.frac_bits, error, of_row)

    def evaluate(self, precision: Precision, moments: MomentValues) -> Integers:
        assert moments.scale_code is not None
        of_row, frac = precision.row_epsilon, precision.variance_frac_bits
        variance = moments.variance(precision, frac, None)
        if of_row is None:
            return variance
        weight = moments.times_weight(precision, moments.weight)
        return variance + of_row.evaluate(weight, moments.scale_code)

    def build(self, p: Pipeline, precision: Precision, moments: TimedMoments) -> Timed:
        of_row, frac = precision.row_epsilon, precision.variance_frac_bits
        variance = moments.variance(p, precision, 0, None)
        if of_row is None:
            return variance
        offset = of_row.build(p, moments, moments.squared_weight(p, precision))
        return p.add_shifted(offset, variance, frac, unsigned(precision.variance_bits + frac))

    def vanishes(self, codes: Integers) -> npt.NDArray[np.bool_]:
        """Of which rows z is 0, by the codes of their scales."""
        bad = self.scale.is_bad(codes)
        return bad | (self.scale.exponent(codes) < self.exponent_min) if self.epsilon else bad

    @staticmethod
    def scaled_bits(precision: Precision) -> int:
        """Bits of what :meth:`build_scaled` gives."""
        return 1 + (0 if precision.row_epsilon is None else sum(precision.row_epsilon.part_bits))

    def build_scaled(self, p: Pipeline, precision: Precision, code: Timed) -> Timed:
        """What follows from the code of a scale alone, a register: whether z is 0, and the parts of `RowEpsilon`."""
        of_row = precision.row_epsilon
        # Each adder is behind a register: the moments take longer than all of it.
        exponent = p.registered(p.operate("exponent", p.target.adder(9), [code], signed(9), self.scale.exponent_of))
        parts = [] if of_row is None else of_row.build_parts(p, code, exponent)
        return p.registered(p.concat(self._build_vanishes(p, code, exponent), *parts))

    @staticmethod
    def vanishes_of(scaled: Timed) -> Timed:
        """Of that, whether z is 0."""
        return scaled.bits(0, 1)

    def _build_vanishes(self, p: Pipeline, code: Timed, exponent: Timed) -> Timed:
        scale, target = self.scale, p.target
        bad = p.operate("bad", target.logic(code.width), [code], unsigned(1), scale.bad)
        if not self.epsilon:
            return bad

        below = p.operate("below", target.adder(9), [exponent], unsigned(1), lambda x: x < self.exponent_min)
        return p.operate("none", target.family.lut, [bad, below], unsigned(1), lambda x, y: x | y)


@dataclass(frozen=True, kw_only=True)
class RowEpsilon:
    """``w**2 * e`` of rows, from a code of the scale ``s = 2**exponent * u``:

        m = 2**frac_bits * A / u**2        epsilon = A * 2**power, 1 <= A < 2
        (w**2 * m << up) >> 2 * (exponent - exponent_min)

    with ``frac_bits`` fraction bits, and m from a table of polynomials, or a constant where every u is 1.

    Attributes
    ----------
    scale : what codes are
    exponent_min : the least exponent
    frac_bits, up : see above
    table, index_bits : of m; None where it is the ``constant``
    weight_bits : of ``w**2``, or what stands for it
    """

    scale: InputScale
    exponent_min: int
    frac_bits: int
    up: int
    weight_bits: int
    constant: int = 0
    table: PolynomialTable | None = field(default=None, compare=False)
    index_bits: int = 0

    @property
    def mantissa_bits(self) -> int:
        """Bits of m."""
        return self.frac_bits + 1

    @property
    def widest(self) -> int:
        """Bits of the widest intermediate."""
        return self.weight_bits + self.mantissa_bits + self.up

    @property
    def steps_max(self) -> int:
        """Steps of 2 bits after which nothing is left, or none are needed."""
        return max(0, min(-(-self.widest // 2), self.scale.exponents[1] - self.exponent_min))

    def evaluate(self, weight: Integers, codes: Integers) -> Integers:
        """Of rows, as the hardware computes them."""
        steps = np.clip(self.scale.exponent(codes) - self.exponent_min, 0, self.steps_max)
        product = (weight * self._mantissa(codes).astype(weight.dtype)) << self.up
        return product >> (2 * steps).astype(weight.dtype)

    def _mantissa(self, codes: Integers) -> Integers:
        if self.table is None:
            return np.full(codes.shape, self.constant)
        low = self.scale.fraction_bits - self.index_bits
        fraction = self.scale.fraction(codes).astype(np.int64)
        t = (fraction & ((1 << low) - 1)) >> (low - self.table.t_bits)
        return self.table.evaluate(fraction >> low, t)

    @property
    def part_bits(self) -> tuple[int, int]:
        """Bits of what follows from the code alone: of the steps, and of m, 0 where that is a constant."""
        return max(1, self.steps_max.bit_length()), 0 if self.table is None else self.mantissa_bits

    def build_parts(self, p: Pipeline, code: Timed, exponent: Timed) -> list[Timed]:
        """That as hardware, but a constant; ``exponent``: that of the code, a register."""
        scale, most, least = self.scale, self.steps_max, self.exponent_min
        adder, lut = p.target.adder(10), p.target.family.lut
        width = max(abs(bound - least).bit_length() for bound in (-1 << 8, 1 << 8)) + 1
        found = p.registered(p.operate("steps", adder, [exponent], signed(width), lambda x: x - least))
        above = p.registered(p.operate("above", adder, [found], unsigned(1), lambda x: x > most))

        def limited(x: Any, is_above: Any) -> Any:
            return Mux(x[-1], 0, Mux(is_above, most, x))

        steps = p.operate("limited", 2 * lut, [found, above], unsigned(self.part_bits[0]), limited)
        if self.table is None:
            return [steps]
        low = scale.fraction_bits - self.index_bits
        in_logic = self.index_bits <= _LOGIC_INDEX_BITS
        index, t = code.bits(low, scale.fraction_bits), code.bits(low - self.table.t_bits, low)
        return [steps, self.table.build(p, index, t, self.mantissa_bits, in_logic=in_logic)]

    def build(self, p: Pipeline, moments: TimedMoments, weight: Timed | None) -> Timed:
        """:meth:`evaluate` as hardware; a ``weight`` of None is 1."""
        scaled = moments.scaled
        assert scaled is not None
        first = 1 + self.part_bits[0]  # behind whether z is 0
        steps, mantissa = scaled.bits(1, first), p.constant(self.constant, unsigned(self.mantissa_bits))
        if self.table is not None:
            mantissa = scaled.bits(first, first + self.mantissa_bits)
        product = mantissa if weight is None else p.multiply(weight, mantissa)
        if self.up:
            product = p.concat(p.constant(0, unsigned(self.up)), product)
        return moments.shift_right(p, product, steps, self.steps_max, 2)


@lru_cache(maxsize=256)
def _row_epsilon(
    placement: RowVariancePlacement, weight_bits: int, has_weight_root: bool, bits: int
) -> tuple[RowEpsilon, float]:
    """The cheapest that makes V right to about ``2**-(bits - 3)``, and how far V is off, relative to itself.

    ``w**2 * e`` is off by what m is, relative to itself, and by less than one unit of V because of the shift; V is at
    least 1 where z is not 0.
    """
    scale, epsilon, exponent_min = placement.scale, placement.epsilon, placement.exponent_min
    power = floor_log2(epsilon)
    factor = float(epsilon / Fraction(2) ** power)
    # m has as many fraction bits as V: nothing of the largest e is shifted out, and up is at least 0, where e is 1 or
    # more; where it is less, it is that of a smaller exponent, which no row has.
    exponent_min = min(exponent_min, power // 2)
    keys: dict[str, Any] = {
        "scale": scale,
        "exponent_min": exponent_min,
        "frac_bits": bits,
        "up": power - 2 * exponent_min,
        "weight_bits": weight_bits * (1 if has_weight_root else 2),
    }
    if not scale.fraction_bits:
        constant = round(epsilon / Fraction(2) ** power * 2**bits)
        error = abs(float(constant / (epsilon / Fraction(2) ** power * 2**bits) - 1))
        return RowEpsilon(**keys, constant=min(constant, (2 << bits) - 1)), error + 2.0**-bits
    found = None
    for degree, index_bits in _SEGMENTS:
        table, error = _inverse_squares(factor, bits, degree, index_bits)
        found = RowEpsilon(**keys, table=table, index_bits=index_bits), error + 2.0**-bits
        if found[1] <= 2.0 ** -(bits - 3):
            break
    assert found is not None
    return found


@lru_cache(maxsize=256)
def _inverse_squares(factor: float, bits: int, degree: int, index_bits: int) -> tuple[PolynomialTable, float]:
    """``factor / u**2`` for u from 1 to 2, ``bits`` fraction bits, and how far it is off, relative to itself."""
    count = 1 << index_bits
    starts = 1 + np.arange(count)[:, None] / count

    def exact(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return factor / (starts + t[None, :] / count) ** 2

    seen = INPUT_SCALES["float32"].fraction_bits - index_bits
    t_bits = min(seen, max(bits + 2 - index_bits, 4))
    values = exact(T)
    bend = 6 * factor / (starts + T[None, :] / count) ** 4 / count**2
    real = through_nodes(exact(node_positions(degree)))
    table, error = fitted_table(real, bits, t_bits, values, bend, 24 * factor / count**3, most=2 << bits)
    # A step of u is at most twice as much of 1 / u**2.
    dropped = 0.0 if t_bits == seen else 2.02 * 2.0 ** -(index_bits + t_bits)
    return table, float((error / values[:, -1]).max()) + dropped
