"""LayerNorm by binary searches, after Rock, Khalil, Shai, Grouchy: INT8 Transformers for Inference Acceleration.

ENLSP workshop at NeurIPS 2022. What the publication leaves open, and what was chosen, is said in
:mod:`streamnorm.spec.algorithms.int8_search`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .rows import centred

__all__ = ["largest", "normalized"]

Integers = npt.NDArray[Any]

_FRAC_BITS = 8
_BITS = 32


def normalized(x: Integers, lengths: Integers) -> Integers:
    """Elements of rows, int64 (rows, n) less the zero point and 0 behind a row's end, to integers of 2**-8."""
    twice = 2 * x.sum(axis=1) + lengths
    y = centred(x, lengths, largest(lambda q: 2 * q * lengths <= twice, twice.shape))
    total = (y * y).sum(axis=1)
    mean_square = largest(lambda q: q * lengths <= total, total.shape)
    root = np.maximum(largest(lambda q: q * q <= mean_square, total.shape, bits=_BITS // 2), 1)
    raised = y << _FRAC_BITS
    return largest(lambda q: q * root[:, None] <= raised, y.shape)


def largest(fits: Callable[[Integers], Any], shape: tuple[int, ...], bits: int = _BITS) -> Integers:
    """The largest q from ``-2**bits`` to ``2**bits - 1`` that fits, bit by bit from the highest; the lowest one does.

    A q that does not fit has none that does above it.
    """
    q = np.full(shape, 0 if bits < _BITS else -(1 << bits), np.int64)
    for bit in reversed(range(bits + (bits == _BITS))):
        q = np.where(fits(q + (1 << bit)), q + (1 << bit), q)
    return q
