"""Rows of a simulation a part at a time, so that any number of them takes the memory of one part."""

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Protocol

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import ArrayOrFile, file_of, given_array
from streamnorm.spec.config import NormConfig
from streamnorm_sim.reference.rows import random_rows
from streamnorm_sim.streams.rows import RowBatch, in_steps_of_rows
from streamnorm_sim.streams.seeds import seeded

from .row_files import read_rows

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
    saturated : int
        Real elements beyond the input format's range.
    """

    count: int
    columns: int
    saturated: int

    def parts(self, *, whole: bool = False) -> Iterator[RowBatch]:
        """Yield all rows in order, as many at a time as make a part, or all at once; the same rows either way."""
        ...


class RandomRows:
    """Random rows of mixed length, statistics and bank; see `random_rows`."""

    def __init__(self, config: NormConfig, count: int, seed: int) -> None:
        self.count, self.columns, self.saturated = count, config.max_length, 0
        self._config, self._seed = config, seed

    def parts(self, *, whole: bool = False) -> Iterator[RowBatch]:
        """Yield the rows."""
        rng, rows = seeded(self._seed), _rows_of_part(self._config, self.columns)
        parts = (random_rows(self._config, min(rows, self.count - start), rng) for start in range(0, self.count, rows))
        yield from [reduce(RowBatch.join, parts)] if whole else parts


class GivenRows:
    """Rows of an array or a .npy file, which are checked as a whole first; see `RowBatch.of`.

    They take bank 0, or all banks in turn. ``path`` is the file that was named, if one was, and ``files`` those
    that they and the rows beside are in, named or mapped.
    """

    def __init__(self, config: NormConfig, rows: ArrayOrFile, beside: Mapping[str, ArrayOrFile] | None = None) -> None:
        beside = beside or {}
        self._config = config
        self.files = [file for given in (rows, *beside.values()) if (file := file_of(given)) is not None]
        self._array, self.path = given_array(rows)
        self._beside = {name: given_array(given, name)[0] for name, given in beside.items()}
        per_row = {side.name for side in config.side_inputs if side.per_row}
        shapes = {name: array.shape[:1] if name in per_row else array.shape for name, array in self._beside.items()}
        wanted = {name: self._array.shape[:1] if name in per_row else self._array.shape for name in shapes}
        if self._array.ndim != 2 or not self._array.size or shapes != wanted:
            read_rows(config, rows, **beside)  # tells what is wrong
        self.count, self.columns = self._array.shape
        self.saturated = 0
        size, real = _rows_of_part(config, self.columns), self._array.dtype.kind == "f"
        try:
            for start, _ in zip(range(0, self.count, size), self.parts(), strict=True):
                if real:
                    part = slice(start, start + size)
                    of_part = {name: array[part] for name, array in self._beside.items()}
                    steps = in_steps_of_rows(config, self._array[part], of_part)
                    self.saturated += int(config.input.saturates(steps).sum())
        except ConfigError:
            read_rows(config, rows, **beside)  # counts rows from the first, in its message
            raise

    def parts(self, *, whole: bool = False) -> Iterator[RowBatch]:
        """Yield the rows."""
        rows = self.count if whole else _rows_of_part(self._config, self.columns)
        for start in range(0, self.count, rows):
            where = slice(start, start + rows)
            beside = {name: array[where] for name, array in self._beside.items()}
            yield RowBatch.of(self._config, self._array[where], **beside)


def _rows_of_part(config: NormConfig, columns: int) -> int:
    """Return how many rows a part has whose rows have ``columns`` elements.

    A part is run by itself: where rows take the banks in turn, it ends with the last bank.
    """
    rows = max(1, PART_ELEMENTS // columns)
    turn = config.banks if config.bank_order == "cyclic" else 1
    return max(turn, rows - rows % turn)
