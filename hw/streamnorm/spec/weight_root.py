"""The root of a row's weight, from a table: what d is multiplied by where V is divided by the weight."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import unsigned

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["WeightRoot"]


@dataclass(frozen=True)
class WeightRoot:
    """``sqrt(w)`` of weights from 1 to ``largest`` as ``mantissa * 2**(exponent - bits)``, rounded to nearest.

    ``2**(bits - 1) <= mantissa < 2**bits`` and ``2**(exponent - 1) <= sqrt(w) < 2**exponent``. A table entry has the
    mantissa less its leading one, and above it the exponent less 1. :meth:`evaluate` and :meth:`build` give the same
    integers.
    """

    largest: int
    bits: int

    @property
    def relative_error(self) -> float:
        """What a root is off by at most, relative to itself."""
        return 2.0**-self.bits

    @property
    def exponent_bits(self) -> int:
        """Bits of an exponent less 1."""
        return max(1, (isqrt(self.largest).bit_length() - 1).bit_length())

    def evaluate(self, weight: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Mantissas and exponents."""
        mantissas, exponents = _roots(self.largest, self.bits)
        places = weight.astype(np.int64)
        return mantissas[places].astype(weight.dtype), exponents[places].astype(weight.dtype)

    def build(self, p: Pipeline, weight: Timed) -> tuple[Timed, Timed]:
        """The same as hardware: the mantissa, and the exponent less 1."""
        mantissas, exponents = _roots(self.largest, self.bits)
        low = self.bits - 1
        words = [
            int(mantissa) - (1 << low) | int(exponent) - 1 << low
            for mantissa, exponent in zip(mantissas, exponents, strict=True)
        ]
        entry = p.registered(p.lookup("weight", weight, low + self.exponent_bits, words))
        mantissa = p.concat(entry.bits(0, low), p.constant(1, unsigned(1)))
        return mantissa, entry.bits(low, entry.width)


@lru_cache(maxsize=16)
def _roots(largest: int, bits: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Mantissas and exponents by weight; that of 0, which no row has, is that of 1."""
    weights = [1, *range(1, largest + 1)]
    exponents = [isqrt(weight).bit_length() for weight in weights]
    doubled = [isqrt(weight << 2 * (bits + 1 - exponent)) for weight, exponent in zip(weights, exponents, strict=True)]
    return np.array([min((root + 1) >> 1, (1 << bits) - 1) for root in doubled]), np.array(exponents)
