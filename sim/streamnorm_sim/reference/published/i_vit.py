"""I-ViT's integer LayerNorm, from its publication.

Li, Gu: I-ViT: Integer-only Quantization for Efficient Vision Transformer Inference, ICCV 2023, arXiv:2207.01405.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from .rows import centred, half_even_quotient

__all__ = ["normalized", "ten_iterations"]

Integers = npt.NDArray[Any]


def normalized(x: Integers, lengths: Integers) -> Integers:
    """Elements of rows, int64 (rows, n) less the zero point and 0 behind the end, to integers of sqrt(n) / 2**30."""
    y = centred(x, lengths, half_even_quotient(x.sum(axis=1), lengths))
    factor = ((1 << 31) - 1) // ten_iterations((y * y).sum(axis=1))
    return (y * factor[:, None]) >> 1


def ten_iterations(values: Integers) -> Integers:
    """What ten of Newton's iterations from 2**16 make of integers from 0 on; at least 64."""
    k = np.full_like(values, 1 << 16)
    for _ in range(10):
        k = (k + values // k) >> 1
    return k
