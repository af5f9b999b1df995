"""What the root is taken of: a mantissa, doubled where its exponent is odd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Const, Mux, unsigned

if TYPE_CHECKING:
    from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["INTEGER_BITS", "radicand", "radicand_hardware"]

INTEGER_BITS = 2
"""It is at least 1 and less than 4."""


def radicand(mantissa: npt.NDArray[Any], odd: npt.NDArray[Any], bits: int, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """``x = (1 + mantissa) << odd`` with ``bits`` fraction bits, as integers of the dtype ``kind``."""
    return (mantissa.astype(kind) + (1 << bits)) << odd.astype(np.int64)


def radicand_hardware(p: Pipeline, mantissa: Timed, odd: Timed) -> Timed:
    """The same as hardware."""
    bits = mantissa.width

    def doubled(u: Any, o: Any) -> Any:
        return Mux(o, Cat(Const(0, 1), u, Const(1, 1)), Cat(u, Const(1, 2)))

    return p.operate("radicand", p.target.family.mux, [mantissa, odd], unsigned(bits + INTEGER_BITS), doubled)
