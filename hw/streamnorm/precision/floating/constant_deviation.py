"""A deviation that is a constant of the layer: nothing limits z but what the row's own elements are."""

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, log2

from streamnorm.spec.config import NormConfig

from .elements import Elements
from .row_epsilon import RowEpsilon
from .row_sums import RowSums
from .static_functions import Constant

__all__ = ["ConstantDeviation"]

_CODE_GUARD = 3
"""Bits of the deviation's square beyond those that are asked for."""


@dataclass(frozen=True)
class ConstantDeviation:
    """The deviation: ``sqrt(code) * 2**exponent`` units of an element; its square is off by ``error`` of itself.

    V is ``w**2 * code`` in every row, and what the lanes find with it is ``z' = (x - mean) / sqrt(code)``, x in the
    unit of the row, ``2**a`` units of an element. So z' has a binary point of its own, however large elements are, and
    z is ``z' * 2**(a - exponent)``.

    With ``row_bits`` bits of the largest element in that unit (of integers the bits of an element), ``|x - mean|`` is
    less than ``2 * 2**row_bits``. Elements of floats that differ do so by half a step of the highest binade at least,
    ``2**(row_bits - mantissa_bits - 1)``; integers by 1. Of the two that are farthest apart, one is at least half as
    far from the mean as they are from each other.

    Attributes
    ----------
    limit : ``|z'|`` is less
    least : the largest ``|z'|`` of a row is no less, unless all of its elements are equal
    """

    code: int
    exponent: int
    error: float
    limit: int
    least: float

    @staticmethod
    def of(config: NormConfig, elements: Elements, sums: RowSums | None, bits: int) -> "ConstantDeviation":
        """With as many bits as make its square right to about ``2**-bits`` of itself."""
        square = Constant.of(config.epsilon_in_steps, bits + _CODE_GUARD)
        code = square.code << square.exponent % 2
        row_bits = elements.mantissa_bits if sums is None else sums.row_bits
        differs = Fraction(1) if sums is None else Fraction(2) ** (row_bits - elements.mantissa_bits - 1)
        return ConstantDeviation(
            code=code,
            exponent=square.exponent // 2,
            error=square.error,
            limit=isqrt(4 ** (row_bits + 1) // code) + 1,
            least=2.0 ** (log2(differs / 2) - log2(code) / 2),
        )

    @property
    def half_position(self) -> int:
        """k is no less."""
        return (self.code.bit_length() - 1) // 2

    @property
    def as_epsilon(self) -> RowEpsilon:
        """What it is in V: there is nothing else, and it is the same in the unit of every row."""
        return RowEpsilon(self.code, 0, 0, 0, 0, self.error)
