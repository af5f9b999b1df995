"""Elements as the whole bytes in which they travel in a beat."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["bytes_element", "element_bytes"]


def element_bytes(values: NDArray[np.integer], byte_count: int) -> NDArray[np.uint8]:
    """Return integers as ``byte_count`` (1 to 8) bytes each, low byte first, along a new last dimension."""
    width = next(width for width in (1, 2, 4, 8) if width >= byte_count)
    raw = np.ascontiguousarray(values.astype(f"<i{width}"))  # unsigned values wrap to the same bytes
    return raw.view(np.uint8).reshape(*values.shape, width)[..., :byte_count]


def bytes_element(raw: NDArray[np.uint8], *, signed: bool) -> NDArray[np.int64]:
    """Return the integers of which ``raw`` holds the bytes, low byte first, along its last dimension."""
    byte_count = raw.shape[-1]
    value = np.zeros(raw.shape[:-1], np.int64)
    for index in range(byte_count):
        value |= raw[..., index].astype(np.int64) << (8 * index)
    if signed:
        value = (value ^ (1 << (8 * byte_count - 1))) - (1 << (8 * byte_count - 1))
    return value
