"""Test vectors of a configuration: corner rows, random rows, and what the golden model makes of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.values import integer_between
from streamnorm.verilog.vector_files import Vectors
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.reference.rows import corner_rows, random_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.seeds import seeded

__all__ = ["ELEMENTS_MAX", "corners_and", "make_vectors", "vectors_of"]

ELEMENTS_MAX = 1 << 24
"""Elements of test vectors; as text they take a quarter of a gigabyte."""


def make_vectors(config: NormConfig, rows: int, *, seed: int = 0) -> Vectors:
    """Return ``rows`` rows and their golden outputs: as many corner rows as fit, then random ones.

    Corner rows take the banks in turn.

    Parameters
    ----------
    rows : int
        At least 1.
    seed : int
        Of the random rows, and of the corners' random positions.

    Raises
    ------
    ConfigError
        If ``rows`` is less than 1, or there would be more than `ELEMENTS_MAX` elements.
    """
    most = max(1, ELEMENTS_MAX // config.max_length)
    integer_between("vectors", rows, 1, most, f" rows of {config.max_length} elements")
    rng = seeded(seed)
    corners = [row for _, row in corner_rows(config, rng).values()][:rows]
    others = random_rows(config, rows - len(corners), rng)
    return vectors_of(config, corners_and(config, corners, others))


def corners_and(config: NormConfig, corners: Sequence[NDArray[np.int64]], others: RowBatch) -> RowBatch:
    """Return corner rows, which take the banks in turn, and behind them other rows."""
    banks = np.concatenate([np.arange(len(corners)) % config.banks, others.banks])
    return RowBatch.pack(config, [*corners, *others.list()], banks)


def vectors_of(config: NormConfig, batch: RowBatch) -> Vectors:
    """Return rows with the golden model's results."""
    expected = golden_model(config).normalize(batch.x, lengths=batch.lengths, banks=batch.banks)
    return Vectors(input=batch.x, lengths=batch.lengths, banks=batch.banks, expected=expected)
