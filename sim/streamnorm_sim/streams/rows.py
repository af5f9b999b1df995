"""Rows side by side: elements, lengths and banks, and all that is checked of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import INTEGERS, ArrayOrFile, as_array, given_array, require_array, require_within
from streamnorm.spec.config import BANKS_MAX, NormConfig, checked_config
from streamnorm.spec.formats import FloatFormat, NumberFormat
from streamnorm.spec.fusions import streams_of
from streamnorm.spec.paths import named_file
from streamnorm.spec.values import shown

from .float_arrays import codes_of, is_float_array

__all__ = [
    "ROWS_MAX", "RowBatch", "fitted", "in_steps_of_rows", "per_row", "require_side_inputs", "require_streams", "turns",
]  # fmt: skip

ROWS_MAX = 1_000_000_000
"""Rows of a run, drawn or counted a part at a time: even the cycle model takes minutes for them."""

_INT64 = np.iinfo(np.int64)

_Element = TypeVar("_Element", bound=np.generic)


@dataclass(frozen=True, eq=False)
class RowBatch:
    """Rows of different length side by side, as they go in or as they came out.

    Made by `of`, `pack` and `arrange`, which check them; none of these copies elements that are an array already.

    Attributes
    ----------
    x : integers (rows, n)
        Elements, of whatever type they were given in; what is beyond a row's length does not count.
    lengths : int64 (rows,)
        Elements of each row that count, 1 to n.
    banks : int64 (rows,)
        γ/β bank of each row; 0 for rows that came out.
    errors : bool (rows,)
        Whether the row has to come out with its error flag set, or did.
    flags : uint8 (rows,)
        Of rows that came out, with floating-point numbers on either side: the flags that they came with, bits in the
        order of `streamnorm.spec.row_flags.FLAGS`. Else 0.
    beside : mapping of str to integers (rows, n)
        Rows of the same lengths that go in on other streams, or came out on them, by the stream's name; (rows, 1) of
        streams with one element of each row.
    """

    x: NDArray[np.integer]
    lengths: NDArray[np.int64]
    banks: NDArray[np.int64]
    errors: NDArray[np.bool_]
    flags: NDArray[np.uint8]
    beside: Mapping[str, NDArray[np.integer]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        config: NormConfig,
        x: ArrayOrFile,
        lengths: ArrayLike | None = None,
        banks: ArrayLike | None = None,
        **beside: ArrayOrFile,
    ) -> "RowBatch":
        """Check rows against a configuration.

        Parameters
        ----------
        x : array (rows, n), or the name of a .npy file that holds one
            With n from 1 to ``max_length``. Integers are of the input format, codes if that is floating point; floats,
            of ml_dtypes too, are real values, and quantized, in steps of the row's scale where each brings its own.
            Floats of the input format itself keep all their bits.
        lengths : integers (rows,), or one for all rows; optional
            All n elements of every row where absent.
        banks : integers (rows,), or one for all rows; optional
            Bank 0 where absent. Where rows take the banks in turn: that turn, from bank 0 on; if given, each must be
            the one after that of the row before, or 0, as after a reset.
        beside : array (rows, n), or the name of a .npy file that holds one
            For each of the configuration's ``side_inputs``, by its name, rows as ``x``, of the format of that stream;
            or (rows,), where that has one element of each row.

        Raises
        ------
        ConfigError
            If a file cannot be read, a shape or type is wrong, an element, length or bank is out of range, a bank is
            not the one whose turn it is, or rows of a side input are missing or there is no such input.
        """
        checked_config(config)
        array, path = given_array(x)
        with named_file(path):
            array = in_steps_of_rows(config, array, beside)
            batch = cls.arrange(_elements(config.input, array), lengths, banks, bank_count=config.banks)
            if banks is None:
                batch = replace(batch, banks=turns(config, len(batch)))
            batch._require_rows_fit(config)
        return batch.with_beside(config, beside)

    def with_beside(self, config: NormConfig, beside: Mapping[str, ArrayOrFile]) -> "RowBatch":
        """Return the rows with those of the configuration's side inputs, as `of` takes them; its errors are those."""
        require_side_inputs(config, beside)
        added = {}
        for side in config.side_inputs:
            array, path = given_array(beside[side.name], side.name)
            with named_file(path):
                columns = array[:, None] if side.per_row and array.ndim == 1 else array
                scales = config.input_scale
                if scales is not None and side.name == scales.side.name and is_float_array(columns):
                    columns = scales.codes(columns)
                added[side.name] = _elements(side.number, columns, side.name)
        batch = replace(self, beside=added)
        batch._require_sides_fit(config)
        return batch

    @classmethod
    def pack(cls, config: NormConfig, rows: Sequence[ArrayLike], banks: ArrayLike | None = None) -> "RowBatch":
        """Lay one-dimensional rows, none of them empty, side by side; the errors are those of `of`. Rows for streams
        beside are still to be added: `with_beside`."""
        checked_config(config)
        batch = cls.arrange(rows, None, banks, bank_count=config.banks)
        if banks is None:
            batch = replace(batch, banks=turns(config, len(batch)))
        batch._require_rows_fit(config)
        return batch

    @classmethod
    def arrange(
        cls,
        rows: Sequence[ArrayLike] | NDArray[np.integer],
        lengths: ArrayLike | None = None,
        banks: ArrayLike | None = None,
        *,
        bank_count: int = BANKS_MAX,
    ) -> "RowBatch":
        """Lay rows side by side whatever the configuration; `require_fit` tells whether they suit one.

        Parameters
        ----------
        rows : sequence of integers (n,), or array of integers (rows, n)
            With n at least 1.
        lengths : integers (rows,), or one for all rows; optional
            With an array only: how many elements of each row count.
        banks : integers (rows,), or one for all rows; optional
            Below ``bank_count``.

        Raises
        ------
        ConfigError
            If a shape or type is wrong, or a length or bank out of range.
        """
        if isinstance(rows, np.ndarray):
            x = as_array(rows)
            _require_rows(x, INTEGERS, "integers")
            columns = x.shape[1]
            row_lengths = per_row("lengths", columns if lengths is None else lengths, len(x), 1, columns)
        elif lengths is not None:
            raise ConfigError("lengths only go with rows given as one array")
        else:
            x, row_lengths = _packed(rows)
        row_banks = per_row("banks", 0 if banks is None else banks, len(x), 0, bank_count - 1)
        return cls(x, row_lengths, row_banks, np.zeros(len(x), np.bool_), np.zeros(len(x), np.uint8))

    @classmethod
    def join(cls, first: "RowBatch", second: "RowBatch") -> "RowBatch":
        """Return the rows of both."""
        columns = max(first.x.shape[1], second.x.shape[1])
        return cls(
            np.concatenate([fitted(first.x, columns), fitted(second.x, columns)]),
            np.concatenate([first.lengths, second.lengths]),
            np.concatenate([first.banks, second.banks]),
            np.concatenate([first.errors, second.errors]),
            np.concatenate([first.flags, second.flags]),
            {
                name: np.concatenate([fitted(of[name], width) for of in (first.beside, second.beside)])
                for name, rows in first.beside.items()
                if (width := max(rows.shape[1], second.beside[name].shape[1]))
            },
        )

    def require_fit(self, config: NormConfig, *, cut: bool = False) -> None:
        """Check elements and banks against a configuration; and that no row is too long, unless it may be ``cut``.

        Raises
        ------
        ConfigError
            If they do not suit it.
        """
        self._require_rows_fit(config, cut=cut)
        self._require_sides_fit(config)

    def _require_sides_fit(self, config: NormConfig) -> None:
        require_side_inputs(config, self.beside)
        for side in config.side_inputs:
            rows = self.beside[side.name]
            wanted = (len(self), 1) if side.per_row else self.x.shape
            if rows.shape != wanted:
                what = "one element of each row" if side.per_row else "that of the rows"
                raise ConfigError(f"{side.name}: shape {rows.shape}: must be {wanted}, {what}")
            self._require_within(rows, side.number, f"{side.name}: ")

    def _require_within(self, x: NDArray[np.integer], source: NumberFormat, about: str = "") -> None:
        # Two passes without a mask are enough for nearly all rows.
        if x.size and (x.min() < source.min or x.max() > source.max):
            counts = self.valid if x.shape == self.x.shape else np.ones(x.shape, np.bool_)
            outside = counts & ((x < source.min) | (x > source.max))
            if outside.any():
                row, element = np.argwhere(outside)[0]
                raise ConfigError(
                    f"{about}row {row} element {element} is {x[row, element]}: "
                    f"must be from {source.min} to {source.max} ({source.name})"
                )

    def _require_rows_fit(self, config: NormConfig, *, cut: bool = False) -> None:
        columns = self.x.shape[1]
        if columns > config.max_length and not cut:
            raise ConfigError(f"rows have {columns} elements: must have at most max_length = {config.max_length}")
        if config.banks_are_interpolated and self.banks.any():
            raise ConfigError('banks: with bank_order = "interpolated" rows name none; leave banks out')
        require_within("banks", self.banks, 0, config.banks - 1)
        if config.bank_order == "cyclic":
            wrong = (self.banks[1:] != (self.banks[:-1] + 1) % config.banks) & (self.banks[1:] != 0)
            if wrong.any():
                row = int(np.argmax(wrong)) + 1
                bank, before = self.banks[row], self.banks[row - 1]
                raise ConfigError(
                    f"banks: row {row} names bank {bank} after bank {before}: must be {(before + 1) % config.banks}, "
                    'with bank_order = "cyclic"; leave banks out'
                )
        self._require_within(self.x, config.input)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which elements lie within their row's length, (rows, n)."""
        return np.arange(self.x.shape[1]) < self.lengths[:, None]

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        lengths = f" of {self.lengths.min()} to {self.lengths.max()} elements" if len(self) else ""
        return f"<RowBatch: {len(self)} rows{lengths}, {self.x.dtype}>"

    def select(self, rows: slice | NDArray[np.int64]) -> "RowBatch":
        """Return some of the rows, all columns kept."""
        beside = {name: of[rows] for name, of in self.beside.items()}
        return RowBatch(self.x[rows], self.lengths[rows], self.banks[rows], self.errors[rows], self.flags[rows], beside)

    def parts(self, elements: int) -> Iterator[tuple[slice, "RowBatch"]]:
        """Yield consecutive rows of about ``elements`` elements in all, at least one row, and where they stand."""
        step = max(1, elements // max(1, self.x.shape[1]))
        for start in range(0, len(self), step):
            where = slice(start, start + step)
            yield where, self.select(where)

    def list(self) -> list[NDArray[np.integer]]:
        """Return each row as an array of its own length."""
        return [row[:length] for row, length in zip(self.x, self.lengths, strict=True)]


def per_row(name: str, values: ArrayLike, count: int, low: int, high: int) -> NDArray[np.int64]:
    """Return an integer from ``low`` to ``high`` for each of ``count`` rows, from as many or from one for all.

    Raises
    ------
    ConfigError
        If they are none, not as many, or out of range.
    """
    array = as_array(values, name)
    fits = array.shape in ((), (count,))
    require_array(f"{name} are", array, INTEGERS, fits, f"integers of shape ({count},), one for each row")
    each = np.broadcast_to(array, (count,))
    require_within(name, each, low, high)
    return each.astype(np.int64)


def turns(config: NormConfig, count: int) -> NDArray[np.int64]:
    """The banks of the first ``count`` rows after a reset that name none: all in turn, or else bank 0."""
    return np.arange(count) % config.banks if config.bank_order == "cyclic" else np.zeros(count, np.int64)


def fitted(x: NDArray[_Element], columns: int) -> NDArray[_Element]:
    """Return rows of ``columns`` elements: the others cut off, or filled up with 0."""
    missing = columns - x.shape[1]
    return np.pad(x, ((0, 0), (0, missing))) if missing > 0 else x[:, :columns]


def require_side_inputs(config: NormConfig, given: Mapping[str, object]) -> None:
    """Check that there is something for each of a configuration's side inputs, and for nothing else.

    Raises
    ------
    ConfigError
        If there is not.
    """
    _require_names([side.name for side in config.side_inputs], given)


def require_streams(config: NormConfig, given: Mapping[str, object]) -> None:
    """The same of the streams that carry them."""
    _require_names(list(streams_of(config.side_inputs)), given)


def _require_names(names: Sequence[str], given: Mapping[str, object]) -> None:
    if missing := [name for name in names if name not in given]:
        raise ConfigError(f"{missing[0]}: rows are missing; the unit has a stream of that name beside its rows")
    if other := [name for name in given if name not in names]:
        raise ConfigError(f"{other[0]}: the unit has no stream of that name beside its rows")


def in_steps_of_rows(config: NormConfig, x: NDArray[Any], beside: Mapping[str, ArrayOrFile]) -> NDArray[Any]:
    """Real rows in steps of the scales that they bring, if they do; 0 where that is none. Others as they are."""
    scales = config.input_scale
    if scales is None or not is_float_array(x) or x.ndim != 2 or scales.side.name not in beside:
        return x
    given, path = given_array(beside[scales.side.name], scales.side.name)
    with named_file(path):
        if given.size != len(x):
            wanted = (len(x), 1)
            raise ConfigError(f"{scales.side.name}: shape {given.shape}: must be {wanted}, one element of each row")
        codes = scales.codes(given) if is_float_array(given) else given.astype(np.int64)
    codes = codes.reshape(-1, 1)
    bad = scales.is_bad(codes)
    with np.errstate(over="ignore"):
        return np.where(bad, 0.0, np.asarray(x, np.float64) / np.where(bad, 1.0, scales.values(codes)))


def _elements(source: NumberFormat, array: NDArray[Any], key: str = "rows") -> NDArray[np.integer]:
    """Rows given as an array: real numbers quantized, integers as they are."""
    if is_float_array(array):
        _require_rows(array, array.dtype.kind, "integers or floats", key)
        array = _quantized(source, array)
    _require_rows(array, INTEGERS, "integers or floats", key)
    return array


def _packed(rows: Sequence[ArrayLike]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if not isinstance(rows, Iterable) or isinstance(rows, str | bytes | Mapping):
        raise ConfigError(f"rows = {shown(rows)}: must be integers (rows, n), or a sequence of integers (n,)")
    arrays = [as_array(row, f"row {index}") for index, row in enumerate(rows)]
    for index, array in enumerate(arrays):
        fits = array.ndim == 1 and len(array) > 0
        require_array(f"row {index} is", array, INTEGERS, fits, "integers of shape (n,), n > 0")
        require_within(f"rows[{index}]", array, _INT64.min, _INT64.max)
    lengths = np.array([len(array) for array in arrays], np.int64)
    x = np.zeros((len(arrays), lengths.max(initial=1)), np.int64)
    for target, array in zip(x, arrays, strict=True):
        target[: len(array)] = array
    return x, lengths


def _quantized(source: NumberFormat, numbers: NDArray[Any]) -> NDArray[np.integer]:
    if isinstance(source, FloatFormat):
        return codes_of(source, numbers)
    return source.quantize(numbers.astype(np.float64, copy=False))


def _require_rows(x: NDArray[Any], kinds: str, what: str, key: str = "rows") -> None:
    fits = x.ndim == 2 and x.shape[1] > 0 and x.dtype.kind in kinds
    require_array("rows are" if key == "rows" else f"{key} is", x, kinds, fits, f"{what} of shape (rows, n), n > 0")
