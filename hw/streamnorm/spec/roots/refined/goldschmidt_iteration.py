"""Goldschmidt's iteration for the reciprocal square root."""

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

__all__ = ["GoldschmidtIteration"]

Integers = npt.NDArray[Any]
Reals = npt.NDArray[np.float64]


class GoldschmidtIteration(Refinement):
    """``b = x * y**2``; then ``r = (3 - b) / 2``, ``y = y * r``, ``b = b * r**2``, until b is 1 and y the root.

    With ``D = 1 - b`` that is ``y = y + y * D / 2`` and ``D = D**2 * (3 + D) / 4``: x is needed once, at the beginning,
    and the two products of a step do not wait for each other. Nothing corrects what is cut off, so it adds up. As
    integers of W fraction bits, floors all:

    1. D from :mod:`.residual`, 0 to 5 units too small
    2. ``y = y + ((y * D) >> (W + 1))``; ``D = (((D*D) >> W) * (3 * 2**W + D)) >> (W + 2)``, which the last step omits

    **Error.** Let D* be ``1 - x * y**2`` for the y that is there, ``E = D - D*``. From -5 units on, E becomes
    ``E * (1 + D/2)**2`` less 0 to 2 units for the floors of D, less 0 to 4.3 units for the floor of y, so it is never
    positive, y never too large, and ``y * sqrt(x) = sqrt(1 - D*)`` with D* at most the last D and -E.
    """

    def errors(self, segments: Segments, low: Reals, high: Reals, steps: int, unit: float) -> list[tuple[Reals, Reals]]:
        all_errors = [(low, high)]
        largest = np.maximum(np.abs(1 - (1 + low) ** 2), np.abs(1 - (1 + high) ** 2)) + RESIDUAL_FLOORS * unit
        lacking = np.full(low.shape, RESIDUAL_FLOORS * unit)
        for _ in range(steps):
            lacking = lacking * (1 + largest / 2) ** 2 + 6.3 * unit
            largest = largest**2 * (3 + largest) / 4
            all_errors.append((np.sqrt(np.maximum(1 - largest - lacking, 0)) - 1, np.zeros(low.shape)))
        return all_errors

    def products(self, widths: Widths, steps: int) -> tuple[tuple[int, int], ...]:
        work, small = widths.work_bits, widths.residual_bits
        first = ((work, work), (widths.mantissa_bits + INTEGER_BITS, work))
        again = ((small, work), (small, small), (self._square_bits(widths), work + 2))
        return first + again * (steps - 1) + again[:1]

    @staticmethod
    def _square_bits(widths: Widths) -> int:
        return max(1, 2 * widths.residual_bits - 1 - widths.work_bits)

    def evaluate(self, r: Integers, mantissa: Integers, odd: Integers, widths: Widths, steps: int) -> Integers:
        work = widths.work_bits
        d = residual(r, radicand(mantissa, odd, widths.mantissa_bits, r.dtype), widths)
        for step in range(steps):
            r = r + ((r * d) >> (work + 1))
            if step < steps - 1:
                d = (((d * d) >> work) * ((3 << work) + d)) >> (work + 2)
        return r

    def build(self, p: Pipeline, r: Timed, mantissa: Timed, odd: Timed, widths: Widths, steps: int) -> Timed:
        work, small = widths.work_bits, widths.residual_bits
        square_bits = self._square_bits(widths)

        def scaled(q: Pipeline, y: Timed, d: Timed) -> Timed:
            product = q.multiply(d, y)
            return q.add(y, product.bits(work + 1, product.width).as_signed(), unsigned(work), name="goldschmidt")

        def step(q: Pipeline, _number: Timed, state: Sequence[Timed], _held: Sequence[Timed]) -> list[Timed]:
            y, d = state
            square = q.square(d).bits(work, work + square_bits)
            three = q.constant(3 << work, unsigned(work + 2))
            product = q.multiply(q.add(three, d, unsigned(work + 2), name="three"), square)
            return [scaled(q, y, d), q.reshape(product.bits(work + 2, product.width), signed(small))]

        d = residual_hardware(p, r, radicand_hardware(p, mantissa, odd), widths)
        y, d = p.iterate("goldschmidt", steps - 1, step, [r, d])
        return scaled(p, y, d)
