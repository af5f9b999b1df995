"""A square root without restoring, then a division of the same kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import isqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, signed, unsigned

from streamnorm.spec.roots.radicand import radicand, radicand_hardware
from streamnorm.spec.roots.rounding import relative_error_of

from .digit_root import DigitRoot
from .division import quotient, quotient_hardware

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["NonRestoring"]


@dataclass(frozen=True, eq=False)
class NonRestoring(DigitRoot):
    """``S = floor(sqrt(x) * 2**N)``, then ``rho = (4**N - 1) // S``, N being rho_bits; x has N fraction bits, N even.

    A step of the root brings two bits of x down to the rest R: ``4 R + bits - (4 Q + 1)`` where R was not negative,
    ``4 R + bits + (4 Q + 3)`` where it was; a bit of Q is 1 where R then is not negative. A rest that came out negative
    is not put back, the next step makes up for it: one adder in each step, for the root and for the
    :mod:`division <.division>`.

    **Error.** S is less than a unit too small, so the quotient is up to ``2**-N`` too large, relative to itself; then
    it is cut, by less than a unit, two relative to 1/2. The mantissa that is looked at is up to ``2**-N`` too small.
    """

    title: ClassVar[str] = "non-restoring root and division"
    source: ClassVar[str] = (
        "K. Piromsopa, C. Aporntewan, P. Chongsatitvatana, An FPGA implementation of a fixed-point square root "
        "operation, ISCIT 2001; Ercegovac and Lang, Division and Square Root, Kluwer 1994"
    )

    rho_bits: int
    relative_error: float

    @classmethod
    def smallest(cls, rho_bits: int, steps: int | None = None) -> NonRestoring:
        return _of(rho_bits)

    @property
    def about(self) -> str:
        return f"square root and division, {self.rho_bits} bits each"

    @property
    def mantissa_bits(self) -> int:
        return self.rho_bits

    @property
    def widest(self) -> int:
        return 2 * self.rho_bits + 2

    def evaluate(self, mantissa: npt.NDArray[Any], odd: npt.NDArray[Any]) -> npt.NDArray[Any]:
        bits = self.rho_bits
        x = radicand(mantissa, odd, bits, object) << bits
        root = np.array([isqrt(int(value)) for value in x], object).astype(mantissa.dtype)
        return quotient((1 << bits) - 1, root, bits)

    def build(self, p: Pipeline, mantissa: Timed, odd: Timed) -> Timed:
        bits = self.rho_bits
        width = bits + 3
        x = radicand_hardware(p, mantissa, odd)

        def shifted(sign: Any, lower: Any) -> Any:
            return Cat(~sign, lower)

        def step(q: Pipeline, _number: Timed, state: Sequence[Timed], held: Sequence[Timed]) -> list[Timed]:
            rest, root, below = state
            fourfold = q.concat(below.bits(bits - 2, bits), rest.bits(0, width - 2))
            positive = q.operate("positive", 0.0, [rest], unsigned(1), lambda r: ~r[-1])
            tried = q.concat(q.constant(1, unsigned(1)), rest.bits(width - 1, width), root)
            less = q.add_or_subtract(fourfold, tried, positive, signed(width), name="rest")
            sign = less.bits(width - 1, width)
            found = q.operate("found", 0.0, [sign, root.bits(0, bits)], unsigned(bits + 1), shifted)
            return [less, found, q.concat(q.constant(0, unsigned(2)), below.bits(0, bits - 2))]

        # The integer part, 1 to 3, has the root 1; its rest is what it has besides.
        whole = x.bits(bits, x.width)
        rest = p.operate("rest", p.target.family.lut, [whole], signed(width), lambda w: w - 1)
        state = [rest, p.constant(1, unsigned(bits + 1)), x.bits(0, bits)]
        _, root, _ = p.iterate("root", bits, step, state)
        return quotient_hardware(p, (1 << bits) - 1, root, bits)


@cache
def _of(rho_bits: int) -> NonRestoring:
    unit = 2.0**-rho_bits
    return NonRestoring(rho_bits, relative_error_of(-2 * unit, 1.01 * unit, rho_bits))
