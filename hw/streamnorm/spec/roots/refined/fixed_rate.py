"""Steps of a fixed rate towards the reciprocal square root, after IterL2Norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import signed, unsigned

from streamnorm.spec.roots.radicand import INTEGER_BITS, radicand, radicand_hardware

from .estimate import Segments
from .refinement import RESIDUAL_FLOORS, Refinement, Widths
from .residual import residual, residual_hardware

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["FixedRate"]

Integers = npt.NDArray[Any]
Reals = npt.NDArray[np.float64]

_RATE = 5
_RATE_BITS = 4
"""The rate is 5/16, in units of ``1 / 2**e``: near 1/3, where a step is equally slow for the smallest mantissa and the
largest."""


class FixedRate(Refinement):
    """``r = r + (5/16 u) * r * (1 - x * r**2)`` in each step, u being the mantissa of x.

    It is a step down the gradient of ``(1 - m * a**2)**2``, which is ``-4 m a (1 - m a**2)``, at a rate that is set by
    m's exponent alone: what is left of m in the rate is its mantissa. Once it is small, the error shrinks to -1/4 to
    3/8 of itself; a first step leaves up to 0.62 of it. As
    integers, floors all, with the residual D (:mod:`.residual`): ``v = (r*D) >> W``; ``w = (v*u) >> M``;
    ``r = r + ((5*w) >> 4)``.

    **Error.** e becomes ``e * (1 - 5/16 u (1 + e)(2 + e))``; u is known in each segment. Since D is too small by up to
    5 units, r is too small by up to ``5/16 * (2 * (5 + 1) + 1) + 1`` units, never too large.
    """

    def errors(self, segments: Segments, low: Reals, high: Reals, steps: int, unit: float) -> list[tuple[Reals, Reals]]:
        rate = _RATE / (1 << _RATE_BITS)
        floors = 2 * (rate * (2 * (RESIDUAL_FLOORS * (1 + high.max()) + 1) + 1) + 1) * unit
        all_errors = [(low, high)]
        for _ in range(steps):
            slow = 1 - rate * segments.mantissa_low * (1 + low) * (2 + low)
            fast = 1 - rate * segments.mantissa_high * (1 + high) * (2 + high)
            ends = np.stack([e * factor for e in (low, high) for factor in (slow, fast)])
            low, high = ends.min(axis=0) - floors, ends.max(axis=0)
            all_errors.append((low, high))
        return all_errors

    def products(self, widths: Widths, steps: int) -> tuple[tuple[int, int], ...]:
        work, x_bits = widths.work_bits, widths.mantissa_bits + INTEGER_BITS
        change = (widths.residual_bits, widths.mantissa_bits + 1)
        return ((work, work), (x_bits, work), (widths.residual_bits, work), change) * steps

    def evaluate(self, r: Integers, mantissa: Integers, odd: Integers, widths: Widths, steps: int) -> Integers:
        x = radicand(mantissa, odd, widths.mantissa_bits, r.dtype)
        u = mantissa.astype(r.dtype) + (1 << widths.mantissa_bits)
        for _ in range(steps):
            v = (r * residual(r, x, widths)) >> widths.work_bits
            r = r + ((_RATE * ((v * u) >> widths.mantissa_bits)) >> _RATE_BITS)
        return r

    def build(self, p: Pipeline, r: Timed, mantissa: Timed, odd: Timed, widths: Widths, steps: int) -> Timed:
        work, mantissa_bits = widths.work_bits, widths.mantissa_bits

        def step(q: Pipeline, _number: Timed, state: Sequence[Timed], held: Sequence[Timed]) -> list[Timed]:
            (a,), (x, u) = state, held
            product = q.multiply(residual_hardware(q, a, x, widths), a)
            v = product.bits(work, product.width).as_signed()
            product = q.multiply(v, u)
            w = product.bits(mantissa_bits, product.width).as_signed()
            five = q.add_shifted(w, w, 2, signed(w.width + 3))
            change = five.bits(_RATE_BITS, five.width).as_signed()
            return [q.add(a, change, unsigned(work), name="refined")]

        u = p.concat(mantissa, p.constant(1, unsigned(1)))
        return p.iterate("refined", steps, step, [r], [radicand_hardware(p, mantissa, odd), u])[0]
