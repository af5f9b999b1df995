"""How far ``x * r**2`` is from 1, from below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from amaranth.hdl import signed, unsigned

from .refinement import RESIDUAL_FLOORS, Widths

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["residual", "residual_hardware"]


def residual(r: npt.NDArray[Any], x: npt.NDArray[Any], widths: Widths) -> npt.NDArray[Any]:
    """``2**W - 5 - ((x * ((r*r) >> W)) >> M)``: ``1 - x*r**2`` less 0 to 5 units; W work_bits, M mantissa_bits."""
    square = (r * r) >> widths.work_bits
    return (1 << widths.work_bits) - RESIDUAL_FLOORS - ((x * square) >> widths.mantissa_bits)


def residual_hardware(p: Pipeline, r: Timed, x: Timed, widths: Widths) -> Timed:
    """The same as hardware; since few bits hold it, few are subtracted."""
    bits = widths.residual_bits
    square = p.square(r).bits(widths.work_bits, 2 * widths.work_bits)
    product = p.multiply(x, square)
    weighed = product.bits(widths.mantissa_bits, min(widths.mantissa_bits + bits, product.width))
    one = ((1 << widths.work_bits) - RESIDUAL_FLOORS) & ((1 << bits) - 1)
    return p.add(p.constant(one, unsigned(bits)), weighed, signed(bits), subtract=True, name="residual")
