"""Test vectors of a configuration: corner rows, random rows, and what the golden model makes of them."""

import numpy as np

from streamnorm.spec.config import NormConfig
from streamnorm.verilog.vector_files import Vectors
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.reference.rows import corner_rows, random_rows
from streamnorm_sim.streams.rows import RowBatch

__all__ = ["make_vectors"]


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
    ValueError
        If ``rows`` is less than 1.
    """
    if rows < 1:
        raise ValueError(f"rows = {rows}: must be at least 1")
    rng = np.random.default_rng(seed)
    corners = [row for _, row in corner_rows(config, rng).values()][:rows]
    others = random_rows(config, rows - len(corners), rng)
    batch = RowBatch.pack(
        config,
        [*corners, *others.list()],
        np.concatenate([np.arange(len(corners)) % config.banks, others.banks]),
    )
    model = golden_model(config)
    expected = model.normalize(batch.x, lengths=batch.lengths, banks=batch.banks)
    return Vectors(input=batch.x, lengths=batch.lengths, banks=batch.banks, expected=expected)
