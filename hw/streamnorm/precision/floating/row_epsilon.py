"""Epsilon in the unit of a row, which for floats is the row's own."""

from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from streamnorm.spec.config import NormConfig
from streamnorm.spec.roots import RootMethod

from .row_sums import RowSums

__all__ = ["RowEpsilon"]

_CODE_GUARD = 3


@dataclass(frozen=True)
class RowEpsilon:
    """``E = ((w * code) << up) >> (drop + degree * (top - floor))``, with ``frac_bits`` fraction bits.

    Attributes
    ----------
    code : 0 where epsilon is 0, or too small to matter in any row
    degree : 2; 1 where epsilon is added to the root of V; 0 where it is the same in the unit of every row
    error : of V, relative to itself, at most
    """

    code: int
    up: int
    drop: int
    degree: int
    frac_bits: int
    error: float

    @staticmethod
    def of(config: NormConfig, sums: RowSums | None, root: RootMethod, weight_bits: int, bits: int) -> "RowEpsilon":
        """Epsilon in as few bits as make V right to about ``2**-bits`` of itself wherever z is not 0."""
        norm, placement, e = config.formula, config.placement, config.epsilon_in_steps
        if sums is None:
            ranges: Any = SimpleNamespace(
                epsilon=e, length_bits=config.max_length.bit_length(), weight_bits=weight_bits
            )
            encoded = placement.encode(norm, ranges, root, bits)
            return RowEpsilon(encoded.code, 0, encoded.drop, placement.degree, encoded.frac_bits, encoded.error)
        degree = placement.degree
        # Two elements of the first binades differ by half a step of the higher one at least.
        least_step = Fraction(4) ** (sums.row_bits - sums.elements.mantissa_bits - norm.has_spread)
        weighed = norm.epsilon_weight(config.max_length)
        if e == 0 or (weighed is not None and sums.floor == 0 and placement.is_lost(4 * e * weighed, bits)):
            return RowEpsilon(0, 0, 0, degree, 0, 0.0 if e == 0 or weighed is None else placement.loss(4 * e * weighed))
        value = sums.epsilon(e)
        # Where the row's unit rises above that of the floor, epsilon falls below a step, and V need be no larger.
        gain = 1 / value if norm.length_weight is None else norm.length_weight / least_step
        frac_bits, error = placement.kept_bits(norm, root, gain, bits)
        if norm.has_absolute_sum:  # not only 1: M is half a step of the highest binade, as E of the floor is, too
            frac_bits = max(0, frac_bits - (sums.row_bits - sums.elements.mantissa_bits - 1))
        scaled = placement.stored(value) * (1 << frac_bits)
        whole = int(scaled).bit_length()
        spare = min(bits + _CODE_GUARD - whole, 0 if norm.has_unit_weight else weight_bits)
        code = round(scaled * Fraction(2) ** spare)
        return RowEpsilon(code, max(0, -spare), max(0, spare), degree, frac_bits, error + 2.0 ** -(bits + _CODE_GUARD))
