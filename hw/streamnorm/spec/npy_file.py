"""What is wrong with a .npy file that NumPy does not read; its own words depend on its version."""

import ast
import math
import os
from pathlib import Path

import numpy as np

__all__ = ["why_unreadable"]

_MAGIC = b"\x93NUMPY"
_ARCHIVE = b"PK"
_FIXED = 12
"""Bytes before the header, at most: the magic, the version, the header's length."""
_HEADER_MAX = 10_000
"""Bytes of a header that NumPy reads."""


def why_unreadable(path: Path) -> str:
    """Return why a file is no .npy file of numbers, for a message that begins with its name."""
    try:
        with path.open("rb") as file:
            start = file.read(_FIXED + _HEADER_MAX)
            size = os.fstat(file.fileno()).st_size
        return _why(start, size)
    except (OSError, ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError):
        return "is not a .npy file of numbers"


def _why(start: bytes, size: int) -> str:
    if start.startswith(_ARCHIVE):
        return "is an archive, as .npz files are; a .npy file, which holds one array, is needed"
    if not start:
        return "is empty; a .npy file is needed"
    if start[: len(_MAGIC)] != _MAGIC[: len(start)]:
        return "is not a .npy file of numbers"
    if len(start) < _FIXED:
        return "is cut short"
    major, minor = start[6:8]
    if (major, minor) not in ((1, 0), (2, 0), (3, 0)):
        return f"is a .npy file of version {major}.{minor}, of which nothing is known; 1.0 to 3.0 can be read"
    begin = 10 if major == 1 else _FIXED
    end = begin + int.from_bytes(start[8:begin], "little")
    if size < end:
        return "is cut short"
    header = ast.literal_eval(start[begin:end].decode("utf-8" if major == 3 else "latin-1").strip())
    dtype = np.lib.format.descr_to_dtype(header["descr"])
    if dtype.hasobject:
        return "holds Python objects, which are not read; numbers are needed"
    whole = end + math.prod(header["shape"]) * dtype.itemsize
    return f"is cut short: it has {size} of {whole} bytes" if size < whole else "is not a .npy file of numbers"
