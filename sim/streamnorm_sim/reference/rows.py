"""Batches of rows: their checks, the named corner rows, and random rows of mixed length and statistics.

Tests, `streamnorm simulate` and the test vectors of `streamnorm generate` draw their rows here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.spec.config import NormConfig

Distribution = Literal["mixed", "uniform", "normal", "large_mean", "low_variance", "outliers", "full_scale"]
DISTRIBUTIONS: tuple[Distribution, ...] = get_args(Distribution)

_RATIONAL_ROWS: Mapping[int, tuple[int, ...]] = {
    4: (-5, -3, -3, -3, -1, 5, 5, 5),
    8: (-11, -11, -7, 1, 5, 5, 7, 11),
    16: (-19, -19, -17, -7, 13, 13, 17, 19),
    32: (-39, -31, -29, -23, 9, 37, 37, 39),
    64: (-77, -77, -65, -29, 47, 57, 69, 75),
    128: (-141, -133, -129, -101, 81, 125, 143, 155),
    256: (-315, -309, -235, -139, 199, 233, 261, 305),
    512: (-627, -549, -509, -311, 315, 515, 547, 619),
}
"""Eight odd integers of mean 0 whose root mean square is exactly the key, a power of two: z = odd / key."""


@dataclass(frozen=True)
class RowBatch:
    """Rows of different length side by side.

    Attributes
    ----------
    x : int64 (rows, n)
        Elements in the input format; 0 beyond a row's length.
    lengths : int64 (rows,)
        Elements of each row that count, 1 to n.
    banks : int64 (rows,)
        γ/β bank of each row.
    """

    x: NDArray[np.int64]
    lengths: NDArray[np.int64]
    banks: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        config: NormConfig,
        x: ArrayLike,
        lengths: ArrayLike | None = None,
        banks: ArrayLike | None = None,
    ) -> "RowBatch":
        """Check rows against a configuration; what lies beyond a row's length is ignored.

        Parameters
        ----------
        x : integers (rows, n)
            With n from 1 to ``max_length``.
        lengths : integers (rows,), optional
            All n elements of every row where absent.
        banks : integers (rows,), optional
            Bank 0 for every row where absent.

        Raises
        ------
        ValueError
            If a shape or type is wrong, or an element, length or bank is out of range.
        """
        rows = np.asarray(x)
        if rows.ndim != 2 or rows.dtype.kind not in "iu":
            raise ValueError(f"x is {_described(rows)}: must be integers of shape (rows, n)")
        count, columns = rows.shape
        if not 1 <= columns <= config.max_length:
            raise ValueError(
                f"x has rows of {columns} elements: must have from 1 to max_length = {config.max_length}"
            )
        row_lengths = _per_row("lengths", lengths, count, columns, 1, columns)
        row_banks = _per_row("banks", banks, count, 0, 0, config.banks - 1)
        valid = np.arange(columns) < row_lengths[:, None]
        outside = valid & ((rows < config.input.min) | (rows > config.input.max))
        if outside.any():
            row, column = (int(i) for i in np.argwhere(outside)[0])
            raise ValueError(
                f"x[{row}, {column}] = {rows[row, column]}: "
                f"must be from {config.input.min} to {config.input.max} ({config.input.name})"
            )
        return cls(np.where(valid, rows, 0).astype(np.int64), row_lengths, row_banks)

    @classmethod
    def pack(
        cls, config: NormConfig, rows: Sequence[ArrayLike], banks: ArrayLike | None = None
    ) -> "RowBatch":
        """Lay one-dimensional rows, none of them empty, side by side; the errors are those of `of`."""
        arrays = [np.asarray(row) for row in rows]
        for index, array in enumerate(arrays):
            if array.ndim != 1 or not len(array) or array.dtype.kind not in "iu":
                raise ValueError(f"row {index} is {_described(array)}: must be integers of shape (n,), n > 0")
        lengths = np.array([len(array) for array in arrays], np.int64)
        x = np.zeros((len(arrays), lengths.max(initial=1)), np.int64)
        for target, array in zip(x, arrays, strict=True):
            target[: len(array)] = array
        return cls.of(config, x, lengths, banks)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which elements lie within their row's length, (rows, n)."""
        return np.arange(self.x.shape[1]) < self.lengths[:, None]

    def __len__(self) -> int:
        return len(self.x)

    def select(self, rows: slice) -> "RowBatch":
        """Return a slice of the rows, all columns kept."""
        return RowBatch(self.x[rows], self.lengths[rows], self.banks[rows])


def corner_rows(config: NormConfig, rng: np.random.Generator) -> dict[str, tuple[int, NDArray[np.int64]]]:
    """Return the named rows that break normalization units: name to (length, elements of shape (length,)).

    Corners that do not fit into ``max_length`` or the input format are left out. ``ties_m`` rows have
    ``z = odd / m`` exactly when ε is 0: where γ is an odd multiple of m/2 output steps, all results are ties.
    """
    low, high, zero = config.input.min, config.input.max, config.input.zero_point
    full, lanes = config.max_length, config.lanes
    middle = (low + high + 1) // 2
    step = 1 if zero < high else -1

    def spot(base: int, value: int, position: int) -> NDArray[np.int64]:
        row = np.full(full, base, np.int64)
        row[position] = value
        return row

    rows = {
        "constant_zero_point": np.full(full, zero, np.int64),
        "constant_min": np.full(full, low, np.int64),
        "constant_max": np.full(full, high, np.int64),
        "constant_one_step": np.full(full, zero + step, np.int64),
        "large_mean_one_lower": spot(high, high - 1, int(rng.integers(full))),
        "large_mean_one_higher": spot(low, low + 1, int(rng.integers(full))),
        "zero_but_one_step": spot(zero, zero + step, int(rng.integers(full))),
        "outlier_max_first": spot(zero, high, 0),
        "outlier_min_last": spot(zero, low, full - 1),
        "outlier_max_over_min": spot(low, high, int(rng.integers(full))),
        "alternating_full_scale": np.where(np.arange(full) % 2, high, low),
        "halves_full_scale": np.where(np.arange(full) < full // 2, low, high),
        "two_points_apart": rng.choice(np.array([low, high]), full),
        "two_points_near": rng.choice(np.array([middle, middle + 1]), full),
        "ramp": np.linspace(low, high, full).round().astype(np.int64),
        "one_element_min": np.array([low]),
        "one_element_max": np.array([high]),
        "one_element_zero_point": np.array([zero]),
        "two_elements_full_scale": np.array([high, low]),
        "two_elements_equal": np.array([high, high]),
        "two_elements_near": np.array([middle, middle + 1]),
    }
    for name, length in {
        "length_lanes_minus_1": lanes - 1,
        "length_lanes": lanes,
        "length_lanes_plus_1": lanes + 1,
        "length_two_beats": 2 * lanes,
        "length_max_minus_1": full - 1,
        "length_max": full,
    }.items():
        rows[name] = rng.integers(low, high, max(length, 0), endpoint=True)
    rows |= _tie_rows(config)
    return {
        name: (len(row), row.astype(np.int64, copy=False))
        for name, row in rows.items()
        if 1 <= len(row) <= full
    }


def random_rows(
    config: NormConfig,
    count: int,
    rng: np.random.Generator,
    *,
    distribution: Distribution = "mixed",
    lengths: ArrayLike | None = None,
) -> RowBatch:
    """Return random rows, their banks random too.

    Parameters
    ----------
    count : int
        Rows, at least 0.
    rng : numpy.random.Generator
        The only source of randomness.
    distribution : Distribution
        Statistics of the elements; "mixed" draws one of the others for each row.
    lengths : integers (count,), optional
        Row lengths; where absent they are drawn from ``min_length`` to ``max_length``, with the longest row,
        whole beats and whole beats plus or minus one element more often than by chance.

    Raises
    ------
    ValueError
        If ``count`` is negative, the distribution has no such name, or a length is out of range.
    """
    if count < 0:
        raise ValueError(f"count = {count}: must be at least 0")
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"distribution = {distribution!r}: must be one of {', '.join(DISTRIBUTIONS)}")
    if lengths is None:
        row_lengths = _random_lengths(config, count, rng)
    else:
        row_lengths = _per_row("lengths", lengths, count, config.max_length, 1, config.max_length)
    kinds = DISTRIBUTIONS[1:] if distribution == "mixed" else (distribution,)
    rows = [_random_row(config, int(n), rng, kinds[rng.integers(len(kinds))]) for n in row_lengths]
    return RowBatch.pack(config, rows, rng.integers(config.banks, size=count))


def _tie_rows(config: NormConfig) -> dict[str, NDArray[np.int64]]:
    """Rows with rational z, wherever they fit into the input format and ``max_length``."""
    low, high, zero = config.input.min, config.input.max, config.input.zero_point
    result = {}
    for m, values in _RATIONAL_ROWS.items():
        row = np.array(values, np.int64)
        if config.formula.centred:
            row += (low + high + 1) // 2
        elif zero + row.min() < low:
            row = zero + np.abs(row)  # no mean is taken: the signs are free
        elif zero + row.max() > high:
            row = zero - np.abs(row)
        else:
            row += zero
        if len(row) <= config.max_length and low <= row.min() and row.max() <= high:
            result[f"ties_{m}"] = row
    return result


def _random_lengths(config: NormConfig, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    low, high = config.min_length, config.max_length
    anywhere = rng.integers(low, high, count, endpoint=True)
    beats = rng.integers(1, config.max_beats, count, endpoint=True)
    near_beat = beats * config.lanes + rng.integers(-1, 1, count, endpoint=True)
    kind = rng.integers(4, size=count)
    return np.clip(np.select([kind == 0, kind == 1], [np.full(count, high), near_beat], anywhere), low, high)


def _random_row(
    config: NormConfig, n: int, rng: np.random.Generator, kind: Distribution
) -> NDArray[np.int64]:
    low, high = config.input.min, config.input.max
    span = high - low
    if kind == "uniform":
        return rng.integers(low, high, n, endpoint=True)
    if kind == "full_scale":
        return rng.choice(np.array([low, high]), n)
    if kind == "large_mean":
        real = rng.choice(np.array([low + 0.1 * span, high - 0.1 * span])) + rng.normal(0, 0.02 * span, n)
    elif kind == "low_variance":
        real = rng.uniform(low, high) + rng.normal(0, rng.uniform(0.3, 2.0), n)
    else:
        real = config.input.zero_point + rng.normal(0, span * 2.0 ** -rng.uniform(2.5, 6), n)
        if kind == "outliers":
            real = np.where(rng.random(n) < 2 / n, rng.choice(np.array([low, high]), n), real)
    return np.clip(np.rint(real), low, high).astype(np.int64)


def _per_row(
    name: str, values: ArrayLike | None, count: int, default: int, low: int, high: int
) -> NDArray[np.int64]:
    if values is None:
        return np.full(count, default, np.int64)
    array = np.asarray(values)
    if array.shape != (count,) or (array.dtype.kind not in "iu" and count):
        raise ValueError(
            f"{name} is {_described(array)}: must be integers of shape ({count},), one for each row"
        )
    outside = (array < low) | (array > high)
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(f"{name}[{row}] = {array[row]}: must be from {low} to {high}")
    return array.astype(np.int64)


def _described(array: NDArray[np.generic]) -> str:
    return f"an array of {array.dtype} of shape {array.shape}"
