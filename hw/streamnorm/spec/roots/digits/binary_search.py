"""The reciprocal square root by binary search, a bit in each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import isqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Mux, signed, unsigned

from streamnorm.spec.roots.radicand import INTEGER_BITS, radicand, radicand_hardware
from streamnorm.spec.roots.rounding import relative_error_of

from .digit_root import DigitRoot
from .found_bits import found_bits, with_sign, without_signs

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["BinarySearch"]


_SPARED = 2
"""Bits of the mantissa, of as many as rho has, that are not looked at."""


@dataclass(frozen=True, eq=False)
class BinarySearch(DigitRoot):
    """The largest rho below ``2**N`` with ``x * rho**2 <= 4**N``, N being rho_bits: ``1/sqrt(x)`` rounded down.

    Whether a bit may be added to what was found is asked of ``W = 4**j - x * R**2`` after j bits R, exact, as is
    ``B = 4 x R + x``: with ``T = 4 W - B``, the bit is 1 where T is not negative; then ``W = T`` and ``B = 2 B + 3 x``,
    else ``W = 4 W`` and ``B = 2 B - x``. No product: x is added as it is. The first bit is always 1.

    **Error.** rho is at most one unit below the root of the mantissa that is looked at; relative to 1/2, two. So the
    mantissa may lack the last two bits: then the root of what is left of it is up to two units too large.
    """

    title: ClassVar[str] = "binary search"
    source: ClassVar[str] = (
        "M. D. Ercegovac, T. Lang, Division and Square Root: Digit-Recurrence Algorithms and Implementations, "
        "Kluwer 1994"
    )

    rho_bits: int
    relative_error: float

    @classmethod
    def smallest(cls, rho_bits: int, steps: int | None = None) -> BinarySearch:
        return _of(rho_bits)

    @property
    def about(self) -> str:
        return f"binary search, {self.rho_bits} bits"

    @property
    def mantissa_bits(self) -> int:
        return self.rho_bits - _SPARED

    @property
    def _width(self) -> int:
        """Bits of W, B and T, T's sign included."""
        return self.mantissa_bits + INTEGER_BITS + self.rho_bits + 3

    @property
    def widest(self) -> int:
        return 2 * self.rho_bits + self.mantissa_bits + INTEGER_BITS

    def evaluate(self, mantissa: npt.NDArray[Any], odd: npt.NDArray[Any]) -> npt.NDArray[Any]:
        one = 1 << (2 * self.rho_bits + self.mantissa_bits)
        most = (1 << self.rho_bits) - 1
        x = radicand(mantissa, odd, self.mantissa_bits, object)
        return np.array([min(isqrt(one // int(value)), most) for value in x], object).astype(mantissa.dtype)

    def build(self, p: Pipeline, mantissa: Timed, odd: Timed) -> Timed:
        width, bits = self._width, self.mantissa_bits
        x = radicand_hardware(p, mantissa, odd)
        three = p.add_shifted(x, x, 1, unsigned(x.width + 2))

        def chosen(q: Pipeline, negative: Timed, if_negative: Timed, if_not: Timed) -> Timed:
            def either(n: Any, x: Any, y: Any) -> Any:
                return Mux(n, x, y)

            # The sign, at the end of a long carry chain, goes to every bit of two numbers.
            delay = 2 * q.target.family.lut
            return q.operate("kept", delay, [negative, if_negative, if_not], unsigned(width), either)

        def step(q: Pipeline, _number: Timed, state: Sequence[Timed], held: Sequence[Timed]) -> list[Timed]:
            (w, b, signs), (once, thrice) = state, held
            fourfold = q.concat(q.constant(0, unsigned(2)), w.bits(0, width - 2))
            twice = q.concat(q.constant(0, unsigned(1)), b.bits(0, width - 1))
            t = q.add(fourfold, b, signed(width), subtract=True, name="trial")
            more = q.add(twice, thrice, unsigned(width), name="more")
            less = q.add(twice, once, unsigned(width), subtract=True, name="less")
            negative = t.bits(width - 1, width)
            return [
                chosen(q, negative, fourfold, q.reshape(t, unsigned(width))),
                chosen(q, negative, less, more),
                with_sign(q, signs, t),
            ]

        # One bit is found already: R = 1, W = 4 - x, B = 5 x.
        w = p.add(p.constant(4 << bits, unsigned(bits + 3)), x, unsigned(width), subtract=True, name="trial")
        b = p.add_shifted(x, x, 2, unsigned(width))
        state = [w, b, without_signs(p, self.rho_bits, 1)]
        return found_bits(p, p.iterate("search", self.rho_bits - 1, step, state, [x, three])[2])


@cache
def _of(rho_bits: int) -> BinarySearch:
    low = -2 * 2.0**-rho_bits
    return BinarySearch(rho_bits, relative_error_of(low, 0.0, rho_bits - _SPARED))
