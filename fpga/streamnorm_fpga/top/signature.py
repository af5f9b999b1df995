"""A signature of output beats: what stands for thousands of them in 32 bits, in hardware and in Python.

For each beat, the signature is stepped as a Galois shift register of the CRC-32 polynomial, and the beat is added:
``tdata``, ``tkeep``, ``tlast`` and, in a row's last beat, ``tuser``, side by side from the low end, in words of 32
bits, word *i* rotated left by 11 *i* bits, all folded by exclusive-or. One wrong bit always shows; what is wrong at
random goes unseen with a chance of 2**-32. The rotation keeps lanes apart: else two of them could change places.

Streams beside the results have a signature each: which beat of which comes first, the stalls decide. One word stands
for all, stream *i* rotated left by 11 *i* bits, folded by exclusive-or; the results are stream 0.
"""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import TYPE_CHECKING, Final

import numpy as np
from amaranth.hdl import Cat, Const, Mux, Value

from streamnorm.spec.formats.element_bytes import element_bytes
from streamnorm.spec.row_flags import user_of

from .unit_streams import UnitStream, outputs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from streamnorm.spec.config import NormConfig

__all__ = ["SIGNATURE_BITS", "all_signatures", "next_signature", "rows_signature", "signatures_together"]

SIGNATURE_BITS: Final = 32
_POLYNOMIAL: Final = 0xEDB88320
_ROTATION: Final = 11


def next_signature(signature: Value, data: Value, keep: Value, last: Value, *user: Value) -> Value:
    """The signature after one more beat; of ``user``, the error and other flags, each bit by itself."""
    beat = Cat(data, keep, last, *(bit & last for bit in user))
    beat = Cat(beat, Const(0, -len(beat) % SIGNATURE_BITS))
    words = [
        beat.word_select(index, SIGNATURE_BITS).rotate_left(_ROTATION * index % SIGNATURE_BITS)
        for index in range(len(beat) // SIGNATURE_BITS)
    ]
    stepped = signature[1:] ^ Mux(signature[0], Const(_POLYNOMIAL, SIGNATURE_BITS), 0)
    return reduce(xor, words, stepped)[:SIGNATURE_BITS]


def signatures_together(parts: Sequence[Value]) -> Value:
    """The word that stands for the signatures of all streams, in hardware."""
    turned = [part.rotate_left(_ROTATION * index % SIGNATURE_BITS) for index, part in enumerate(parts)]
    return reduce(xor, turned[1:], parts[0])


def all_signatures(parts: Sequence[int]) -> int:
    """The same in Python."""
    word = 0
    for index, part in enumerate(parts):
        left = _ROTATION * index % SIGNATURE_BITS
        word ^= (part << left | part >> (SIGNATURE_BITS - left)) & ((1 << SIGNATURE_BITS) - 1)
    return word


def rows_signature(
    config: NormConfig,
    rows: NDArray[np.integer],
    stream: UnitStream | None = None,
    *,
    errors: bool = False,
    flags: NDArray[np.integer] | None = None,
    signature: int = 0,
) -> int:
    """Return the signature after all beats of ``rows``.

    Parameters
    ----------
    rows : integer array, shape (rows, n)
        Outputs, all of one length.
    stream : UnitStream, optional
        On which they come out; the results where absent.
    errors : bool
        Whether the rows end with their error flag set.
    flags : integer array, shape (rows,), optional
        The other flags that each ends with, as of `RowBatch`; none where absent.
    signature : int
        That of the beats before.
    """
    users = user_of(np.full(len(rows), errors, np.int64), 0 if flags is None else flags)
    for word in _folded(stream or outputs_of(config)[0], np.asarray(rows), users).ravel().tolist():
        signature = signature >> 1 ^ (_POLYNOMIAL if signature & 1 else 0) ^ word
    return signature


def _folded(stream: UnitStream, rows: NDArray[np.integer], users: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Each beat of each row, folded to 32 bits; shape (rows, beats). Rows end with ``users`` in their last beats."""
    size, lanes = stream.lane_octets, stream.lanes
    count, length = rows.shape
    beats = -(-length // lanes)
    data = np.zeros((count, beats * lanes, size), np.uint8)
    data[:, :length] = element_bytes(rows, size)
    keep = np.zeros((count, beats * lanes, size), np.uint8)
    keep[:, :length] = 1
    last = np.zeros((count, beats, 1 + stream.user_bits), np.uint8)
    last[:, -1] = np.concatenate(
        [np.ones((count, 1), np.int64), users[:, None] >> np.arange(stream.user_bits) & 1], axis=1
    )
    data_bits = np.unpackbits(data.reshape(count, beats, -1), axis=2, bitorder="little")
    bits = np.concatenate([data_bits, keep.reshape(count, beats, -1), last], axis=2)
    padding = -bits.shape[2] % SIGNATURE_BITS
    bits = np.pad(bits, ((0, 0), (0, 0), (0, padding)))
    words = np.packbits(bits, axis=2, bitorder="little").view("<u4").astype(np.uint64)
    left = np.arange(words.shape[2], dtype=np.uint64) * np.uint64(_ROTATION) % np.uint64(SIGNATURE_BITS)
    rotated = words << left | words >> (np.uint64(SIGNATURE_BITS) - left)
    return np.bitwise_xor.reduce(rotated.astype(np.uint32), axis=2)
