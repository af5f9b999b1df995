"""Newton's step for the reciprocal square root."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import unsigned

from streamnorm.spec.roots.radicand import INTEGER_BITS, radicand, radicand_hardware

from .estimate import Segments
from .refinement import RESIDUAL_FLOORS, Refinement, Widths
from .residual import residual, residual_hardware

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["Newton", "after_newton"]

Integers = npt.NDArray[Any]
Reals = npt.NDArray[np.float64]


def after_newton(low: Reals, high: Reals) -> tuple[Reals, Reals]:
    """Bounds of the relative error e after an exact step: ``-3/2 e**2 - 1/2 e**3``, which is 0 at 0 and below it
    elsewhere (e > -3), and falls to both sides."""
    ends = [-1.5 * e**2 - 0.5 * e**3 for e in (low, high)]
    return np.minimum(*ends), np.where((low <= 0) & (high >= 0), 0.0, np.maximum(*ends))


class Newton(Refinement):
    """``r = r + r * (1 - x * r**2) / 2`` in each step; the error is squared, and 3/2 of it remain.

    With the residual D (:mod:`.residual`): ``r = r + ((r * D) >> (W + 1))``. D is too small by up to 5 units, and the
    floor costs one: beside an exact step, r is too small by less than ``5/2 r + 1`` units, never too large.
    """

    def errors(self, segments: Segments, low: Reals, high: Reals, steps: int, unit: float) -> list[tuple[Reals, Reals]]:
        all_errors = [(low, high)]
        for _ in range(steps):
            floors = (RESIDUAL_FLOORS / 2 * (1 + high) + 2) * unit
            low, high = after_newton(low, high)
            low = low - floors
            all_errors.append((low, high))
        return all_errors

    def products(self, widths: Widths, steps: int) -> tuple[tuple[int, int], ...]:
        work = widths.work_bits
        x_bits = widths.mantissa_bits + INTEGER_BITS
        return ((work, work), (x_bits, work), (widths.residual_bits, work)) * steps

    def evaluate(self, r: Integers, mantissa: Integers, odd: Integers, widths: Widths, steps: int) -> Integers:
        x = radicand(mantissa, odd, widths.mantissa_bits, r.dtype)
        for _ in range(steps):
            r = r + ((r * residual(r, x, widths)) >> (widths.work_bits + 1))
        return r

    def build(self, p: Pipeline, r: Timed, mantissa: Timed, odd: Timed, widths: Widths, steps: int) -> Timed:
        work = widths.work_bits

        def step(q: Pipeline, _number: Timed, state: Sequence[Timed], held: Sequence[Timed]) -> list[Timed]:
            product = q.multiply(residual_hardware(q, state[0], held[0], widths), state[0])
            change = product.bits(work + 1, product.width).as_signed()
            return [q.add(state[0], change, unsigned(work), name="newton")]

        return p.iterate("newton", steps, step, [r], [radicand_hardware(p, mantissa, odd)])[0]
