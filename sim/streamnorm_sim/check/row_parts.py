"""Rows of a simulation a part at a time, so that any number of them takes the memory of one part."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.rows import RowBatch

from .row_files import checked_rows, open_rows

PART_ELEMENTS = 1 << 20
"""Elements of a part, about: a run takes some sixty bytes for each."""


class RowParts(Protocol):
    """Rows, cut into parts.

    Attributes
    ----------
    count : int
        Rows in all.
    columns : int
        Elements of the longest.
    """

    count: int
    columns: int

    def parts(self, rows: int) -> Iterator[RowBatch]:
        """Yield all rows in order, ``rows`` at a time."""
        ...


class RandomRows:
    """Random rows of mixed length, statistics and bank; see `random_rows`."""

    def __init__(self, config: NormConfig, count: int, seed: int) -> None:
        self.count, self.columns = count, config.max_length
        self._config, self._seed = config, seed

    def parts(self, rows: int) -> Iterator[RowBatch]:
        """Yield the rows."""
        rng = np.random.default_rng(self._seed)
        for start in range(0, self.count, rows):
            yield random_rows(self._config, min(rows, self.count - start), rng)


class RowsOfFile:
    """Rows of a .npy file, which is checked as a whole first; see `read_rows`. They take bank 0."""

    def __init__(self, config: NormConfig, path: Path) -> None:
        self._config, self._path, self._array = config, path, open_rows(path)
        self.count, self.columns = self._array.shape
        try:
            for _ in self.parts(rows_of_part(self.columns)):
                pass
        except ConfigError:
            checked_rows(config, self._array, path)  # the message counts rows from the first of the file
            raise

    def parts(self, rows: int) -> Iterator[RowBatch]:
        """Yield the rows."""
        for start in range(0, self.count, rows):
            yield checked_rows(self._config, self._array[start : start + rows], self._path)


def rows_of_part(columns: int) -> int:
    """Return how many rows a part has whose rows have ``columns`` elements."""
    return max(1, PART_ELEMENTS // columns)
