"""The rows that a session sends to a board, and what must come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from streamnorm.spec.values import integer_between
from streamnorm.verilog.vector_files import Vectors
from streamnorm_sim.reference.rows import corner_rows, random_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.seeds import seeded
from streamnorm_sim.vectors import corners_and, vectors_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from streamnorm.spec.config import NormConfig

__all__ = ["longest_vectors", "mixed_vectors"]

_ELEMENTS_MAX = 1 << 28
"""Elements of the rows of a session: all of them are in memory at once, several times."""
_LENGTHS = 6  # of random rows: rows of one length travel together


def mixed_vectors(config: NormConfig, count: int, *, lengths: Sequence[int] = (), seed: int = 0) -> Vectors:
    """Return corner rows, up to half of all, and random rows; random ones alone where their lengths are given.

    Raises
    ------
    ConfigError
        If they are so many that they would not go into memory.
    """
    most = _ELEMENTS_MAX // config.max_length
    integer_between("rows", count, 0, most, f" of {config.max_length} elements")
    rng = seeded(seed)
    corners = [] if lengths else [row for _, row in corner_rows(config, rng).values()][: count // 2]
    known = lengths or _several_lengths(config, rng)
    others = random_rows(config, count - len(corners), rng, lengths=np.resize(known, count - len(corners)))
    return vectors_of(config, corners_and(config, corners, others))


def longest_vectors(config: NormConfig, count: int, *, seed: int = 0) -> Vectors:
    """Return random rows of ``max_length``, of bank 0 or, where rows take the banks in turn, from that on."""
    lengths = np.full(count, config.max_length)
    rows = random_rows(config, count, seeded(seed), lengths=lengths)
    return vectors_of(config, RowBatch.of(config, rows.x, **rows.beside))


def _several_lengths(config: NormConfig, rng: np.random.Generator) -> NDArray[np.int64]:
    low, high = config.min_length, config.max_length
    known = [high, low, high - 1, config.lanes]
    drawn = rng.integers(low, high, _LENGTHS - len(known), endpoint=True)
    return np.clip([*known, *drawn], low, high)
