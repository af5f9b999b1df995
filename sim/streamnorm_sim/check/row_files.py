"""Rows in .npy files: reading what is to be run, writing what came out."""

import os
import tempfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import ConfigError, not_written
from streamnorm.spec.arrays import ArrayOrFile
from streamnorm.spec.config import NormConfig
from streamnorm.spec.file_identity import file_identity
from streamnorm.spec.formats import NumberFormat
from streamnorm.spec.paths import refuse_link_loop, written_beside
from streamnorm_sim.streams.rows import RowBatch, fitted


def read_rows(config: NormConfig, rows: ArrayOrFile, **beside: ArrayOrFile) -> NDArray[np.integer]:
    """Return rows given as an array of shape (rows, n), or as the .npy file that holds one.

    Floats are real values, quantized to the input format; integers are elements of it, codes where it is one of
    floating-point numbers, and those of a file are read when they are looked at: it must stay as it is until then.
    ``beside`` has the rows of the configuration's side inputs.

    Raises
    ------
    ConfigError
        If the file is not such an array, rows are too long, or an element is outside the input format, or not finite
        and the format is one of integers.
    """
    batch = RowBatch.of(config, rows, None, None, **beside)
    if not len(batch):
        raise ConfigError(f"{f'{rows}: ' if isinstance(rows, str | os.PathLike) else ''}there are no rows")
    return batch.x


def check_writable(path: Path | None) -> None:
    """Refuse, before a long run, a file that cannot be written after it."""
    if path is None:
        return
    if os.path.isdir(path):
        raise ConfigError(f"{path}: cannot be written: is a directory")
    if not os.path.isdir(os.path.dirname(os.path.realpath(path))):
        raise not_written(path, FileNotFoundError())
    try:
        refuse_link_loop(path)
    except OSError as error:
        raise not_written(path, error) from None


def refuse_input(output: Path | None, rows: Path | None) -> None:
    """Refuse to write waves, or the rows that come out, over those that go in."""
    if output is not None and rows is not None and file_identity(output) == file_identity(rows):
        raise ConfigError(f"{output}: the rows that go in are there; choose another name for what is written")


class RowFile:
    """Rows of a format on their way to a .npy file: on the disk at once, in the file at the end.

    A context manager, which removes what is on the disk. A run that ends early leaves whatever was there as it was.
    Elements are the narrowest integers that hold them; shorter rows are filled up with 0.

    Parameters
    ----------
    path : Path
    number_format : NumberFormat
    columns : int
        Elements of the longest row that may come.
    """

    def __init__(self, path: Path, number_format: NumberFormat, columns: int) -> None:
        self._path, self._columns, self._longest, self._rows = path, columns, 0, 0
        width = next(width for width in (8, 16, 32) if width >= number_format.bits)
        self._type = np.dtype(f"{'i' if number_format.signed else 'u'}{width // 8}")
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)

    def __enter__(self) -> "RowFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    def append(self, values: NDArray[np.integer]) -> None:
        """Add rows, integers (rows, n), with n up to ``columns``; what is beyond is left out."""
        try:
            self._spool.write(fitted(values, self._columns).astype(self._type).tobytes())
        except OSError as error:
            raise not_written(tempfile.gettempdir(), error) from error
        self._rows, self._longest = self._rows + len(values), max(self._longest, min(values.shape[1], self._columns))

    def write(self) -> None:
        """Write the file: (rows, n), with n of the longest rows.

        Raises
        ------
        ConfigError
            If it cannot be written.
        """
        shape = (self._rows, self._columns)
        try:
            self._spool.flush()
            rows = np.memmap(self._spool, self._type, "r", shape=shape) if self._rows else np.empty(shape, self._type)
            self._save(rows[:, : self._longest])
        except OSError as error:
            raise not_written(self._path, error) from error

    def _save(self, rows: NDArray[np.integer]) -> None:
        with written_beside(self._path) as path, path.open("wb") as file:
            _save(file, rows)


def _save(file: IO[bytes], rows: NDArray[np.integer]) -> None:
    """As np.save, which does not tell of a disk that is full when the file is closed."""
    np.lib.format.write_array_header_1_0(file, {"descr": rows.dtype.str, "fortran_order": False, "shape": rows.shape})
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        file.write(rows[start : start + _ROWS_AT_ONCE].tobytes())


_ROWS_AT_ONCE = 1024


def write_rows(path: Path, number_format: NumberFormat, values: NDArray[np.integer]) -> None:
    """Write elements of a format, (rows, n), to a .npy file; see `RowFile`.

    Raises
    ------
    ConfigError
        If the file cannot be written.
    """
    with RowFile(path, number_format, values.shape[1]) as file:
        file.append(values)
        file.write()
