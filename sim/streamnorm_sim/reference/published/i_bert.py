"""I-BERT's integer LayerNorm, from its publication.

Kim, Gholami, Yao, Mahoney, Keutzer: I-BERT: Integer-only BERT Quantization, ICML 2021, arXiv:2101.01321, Algorithm 4.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from streamnorm.spec.roots.mantissa import bit_length

from .rows import centred, half_even_quotient

__all__ = ["isqrt_by_newton", "normalized"]

Integers = npt.NDArray[Any]


def normalized(x: Integers, lengths: Integers, shift: int = 0) -> Integers:
    """Elements of rows, int64 (rows, n) less the zero point and 0 behind a row's end, to integers of sqrt(n) / 2**30.

    Deviations are shifted right by ``shift`` before they are squared, and their root left. A root of 0 counts as 1.
    """
    y = centred(x, lengths, half_even_quotient(x.sum(axis=1), lengths))
    deviation = isqrt_by_newton(((y >> shift) ** 2).sum(axis=1))
    factor = (1 << 31) // (np.maximum(deviation, 1) << shift)
    return (y * factor[:, None]) >> 1


def isqrt_by_newton(values: Integers) -> Integers:
    """The square root, rounded down, of integers from 0 to ``2**32 - 1``."""
    k = 1 << ((bit_length(values) + 1) >> 1)
    while True:
        after = (k + values // k) >> 1
        falls = (after < k) & (values > 0)
        if not falls.any():
            return np.where(values > 0, k, 0)
        k = np.where(falls, after, k)
