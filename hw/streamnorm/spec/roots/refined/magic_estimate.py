"""The estimate of the fast inverse square root: a subtraction from a constant, in the mantissa alone."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Const, Mux, signed, unsigned

from .estimate import Estimate, Segments

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["MAGIC", "MagicEstimate"]

MAGIC = 0x5F3759DF
"""What the bits of a binary32 are subtracted from, once they are halved."""

_FLOAT_BITS = 23
_BIAS = 379
"""Twice 126 and 127, the biased exponents of 1/2 and 1, less 127 halves: what of MAGIC is exponent."""

_PROOF_BITS = 12


class MagicEstimate(Estimate):
    """``i = K - (L >> 1)`` with ``L = (odd << mantissa_bits) | mantissa``, the logarithm of x by straight lines; r is
    what a float with i for its fraction is: ``(1 + i) / 2``, or ``(2 + i) / 4`` where i is negative.

    K is what the magic constant leaves for the fraction, in ``mantissa_bits``.

    Parameters
    ----------
    mantissa_bits : of the mantissa
    """

    def __init__(self, mantissa_bits: int) -> None:
        self._mantissa_bits = mantissa_bits
        more = mantissa_bits - _FLOAT_BITS
        constant = MAGIC - (_BIAS << (_FLOAT_BITS - 1))
        self._constant = constant << more if more >= 0 else constant >> -more

    @property
    def about(self) -> str:
        return f"0x{MAGIC:x}"

    @property
    def bits(self) -> int:
        return self._mantissa_bits + 2

    @cached_property
    def segments(self) -> Segments:
        # The estimate falls as x rises: at a segment's ends it is largest and smallest, and what follows its last
        # mantissa is less than a unit below.
        bits, count = self._mantissa_bits, 1 << min(_PROOF_BITS, self._mantissa_bits)
        step = (1 << bits) // count
        first = np.tile(np.arange(count) * step, 2)
        odd = np.repeat([0, 1], count)
        begin, end = (self.evaluate(place, odd, bits) / (1 << self.bits) for place in (first, first + step - 1))
        return Segments.of(count.bit_length() - 1, begin, end)

    def evaluate(self, mantissa: npt.NDArray[Any], odd: npt.NDArray[Any], bits: int) -> npt.NDArray[np.int64]:
        assert bits == self._mantissa_bits
        logarithm = (odd.astype(np.int64) << self._mantissa_bits) + mantissa.astype(np.int64)
        i = self._constant - (logarithm >> 1)
        one = 1 << self._mantissa_bits
        return np.where(i < 0, 2 * one + i, 2 * (one + i))

    def build(self, p: Pipeline, mantissa: Timed, odd: Timed) -> Timed:
        bits = self._mantissa_bits
        half = p.concat(mantissa.bits(1, bits), odd)
        constant = p.constant(self._constant, unsigned(bits))
        i = p.add(constant, half, signed(bits + 1), subtract=True, name="magic")

        def float_of(x: Any) -> Any:
            return Mux(x[-1], Cat(x[:-1], Const(1, 2)), Cat(Const(0, 1), x[:-1], Const(1, 1)))

        return p.operate("estimate", p.target.family.mux, [i], unsigned(self.bits), float_of)
