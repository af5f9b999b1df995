"""Products wider than 64 bits, of which only the low bits of what is left after a shift count."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["fits", "shifted_product"]

_LIMB_BITS = 26


def fits(a_bits: int, b_bits: int, up_max: int) -> bool:
    """Whether :func:`shifted_product` takes factors of so many bits, signs included, and a shift left so far."""
    return a_bits + max(_LIMB_BITS, b_bits - _LIMB_BITS) <= 62 and up_max + _LIMB_BITS <= 62


def shifted_product(
    a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], down: npt.NDArray[Any]
) -> npt.NDArray[np.int64]:
    """The low 64 bits of ``a * b >> down``, a floor, in two's complement; shifted left where ``down`` is negative.

    ``b`` is not negative; see :func:`fits`.
    """
    low = a * (b & ((1 << _LIMB_BITS) - 1))
    high = a * (b >> _LIMB_BITS) + (low >> _LIMB_BITS)
    low &= (1 << _LIMB_BITS) - 1
    kept = np.clip(down, None, _LIMB_BITS + 62)
    above = high >> np.maximum(kept - _LIMB_BITS, 0) << np.maximum(_LIMB_BITS - kept, 0)
    return above + (low >> np.clip(kept, 0, 62) << np.maximum(-kept, 0))
