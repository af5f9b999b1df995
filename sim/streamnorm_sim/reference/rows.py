"""Rows to try a unit with: the named corner rows, and random rows of mixed length and statistics.

Tests, `streamnorm simulate` and the test vectors of `streamnorm generate` draw their rows here.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import FloatFormat, NumberFormat
from streamnorm.spec.fusions import InterpolatedBanks
from streamnorm.spec.fusions.residual import SumFormat
from streamnorm.spec.values import integer_at_least, one_of
from streamnorm_sim.streams.corner_floats import corner_floats
from streamnorm_sim.streams.drawn_floats import KINDS, MIXED, draw_row, finite_codes
from streamnorm_sim.streams.rows import RowBatch, per_row

from .random_parameters import random_parameters
from .random_scales import random_scales

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


def corner_rows(config: NormConfig, rng: np.random.Generator) -> dict[str, tuple[int, NDArray[np.int64]]]:
    """Return the named rows that break normalization units: name to (length, elements of shape (length,)).

    Corners that do not fit into ``max_length`` or the input format are left out. ``ties_m`` rows of integers have
    ``z = odd / m`` exactly when ε is 0: where γ is an odd multiple of m/2 output steps, all results are ties. Those of
    floating-point numbers are in `corner_floats`.
    """
    if isinstance(config.input, FloatFormat):
        return _fitting(config, corner_floats(config.input, config.max_length, config.lanes, rng))
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
    return _fitting(config, rows | _tie_rows(config))


def _fitting(config: NormConfig, rows: Mapping[str, NDArray[np.integer]]) -> dict[str, tuple[int, NDArray[np.int64]]]:
    most = config.max_length
    return {name: (len(row), row.astype(np.int64, copy=False)) for name, row in rows.items() if 1 <= len(row) <= most}


def uniform_elements(config: NormConfig, rng: np.random.Generator, shape: int | tuple[int, ...]) -> NDArray[np.int64]:
    """Return elements of the input format, any as likely as any other; of floating-point numbers the finite ones."""
    if isinstance(config.input, FloatFormat):
        return finite_codes(config.input, rng, shape)
    return rng.integers(config.input.min, config.input.max, shape, endpoint=True)


def uniform_beside(
    config: NormConfig, rng: np.random.Generator, lengths: Iterable[int]
) -> dict[str, list[NDArray[np.int64]]]:
    """Return rows of elements, any as likely as any other, for each of a configuration's side inputs; one element of
    each row where that is what it has."""
    return {
        side.name: [rng.integers(side.number.min, side.number.max, side.lanes(n), endpoint=True) for n in lengths]
        for side in config.side_inputs
    }


def random_rows(
    config: NormConfig,
    count: int,
    rng: np.random.Generator,
    *,
    distribution: str = "mixed",
    lengths: ArrayLike | None = None,
) -> RowBatch:
    """Return random rows, their banks random too, unless rows take them in turn; with rows for streams beside: of a
    residual, one row in four nearly cancels with the rows that it is added to; of scales, gamma and beta, see
    `random_scales` and `random_parameters`; between two banks, one row in two has one of them.

    Parameters
    ----------
    count : int
        Rows, at least 0.
    rng : numpy.random.Generator
        The only source of randomness.
    distribution : str
        Statistics of the elements: a `Distribution`, or for floating-point numbers one of
        `streamnorm_sim.streams.drawn_floats.KINDS`; "mixed" draws one of the others for each row.
    lengths : integers (count,), optional
        Row lengths; where absent they are drawn from ``min_length`` to ``max_length``, with the longest row,
        whole beats and whole beats plus or minus one element more often than by chance.

    Raises
    ------
    ConfigError
        If ``count`` is no integer of at least 0, the distribution has no such name, or a length is out of range.
    """
    integer_at_least("count", count, 0)
    source = config.input
    one_of("distribution", distribution, (MIXED, *KINDS) if source.is_float else DISTRIBUTIONS)
    if lengths is None:
        row_lengths = _random_lengths(config, count, rng)
    else:
        row_lengths = per_row("lengths", lengths, count, 1, config.max_length)
    if isinstance(source, FloatFormat):
        rows = [draw_row(source, int(n), rng, distribution) for n in row_lengths]
    else:
        kinds = DISTRIBUTIONS[1:] if distribution == "mixed" else (distribution,)
        rows = [_random_row(source, int(n), rng, kinds[rng.integers(len(kinds))]) for n in row_lengths]
    banks = rng.integers(config.banks, size=count)
    batch = RowBatch.pack(config, rows, banks if config.bank_order == "given" else None)
    beside: dict[str, NDArray[np.integer]] = {}
    if config.residual is not None:
        beside["residual"] = _residual(config, batch, rng)
    if config.input_scale is not None:
        beside[config.input_scale.side.name] = random_scales(config, count, rng)
    if config.parameters_are_streamed:
        beside |= random_parameters(config, batch.x.shape, rng)
    if config.banks_are_interpolated:
        beside["blend"] = _blend(config, count, rng)
    return batch.with_beside(config, beside)


def _residual(config: NormConfig, batch: RowBatch, rng: np.random.Generator) -> NDArray[np.int64]:
    residual = config.residual
    assert residual is not None
    draw = _float_residual if residual.number.is_float else _integer_residual
    rows = np.zeros(batch.x.shape, np.int64)
    for row, x, n in zip(rows, batch.x, batch.lengths, strict=True):
        row[:n] = draw(config, x[:n], rng)
    return rows


def _integer_residual(config: NormConfig, x: NDArray[np.integer], rng: np.random.Generator) -> NDArray[np.int64]:
    assert config.residual is not None
    number, sums = config.residual.number, config.residual.sums(config.input)
    assert isinstance(sums, SumFormat)
    kinds = DISTRIBUTIONS[1:]
    row = _random_row(number, len(x), rng, kinds[rng.integers(len(kinds))])
    if rng.integers(4) == 0:
        opposite = -sums.weight_x / sums.weight_f * (x - config.input.zero_point)
        row = np.rint(opposite + rng.normal(0, 1, len(x))).astype(np.int64) + number.zero_point
    return np.clip(row, number.min, number.max)


def _float_residual(config: NormConfig, x: NDArray[np.integer], rng: np.random.Generator) -> NDArray[np.int64]:
    assert config.residual is not None
    number = config.residual.number
    assert isinstance(number, FloatFormat)
    row = draw_row(number, len(x), rng)
    if rng.integers(4) == 0:
        opposite = number.quantize(-config.residual.alpha * config.input.dequantize(x))
        row = np.clip(opposite + rng.integers(-1, 1, len(x), endpoint=True), number.min, number.max)
    return row


def _blend(config: NormConfig, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """One row in four each has the one bank and the other."""
    (side,) = InterpolatedBanks.inputs
    kind = rng.integers(4, size=(count, 1))
    anywhere = rng.integers(side.number.min, side.number.max, (count, 1), endpoint=True)
    return np.select([kind == 0, kind == 1], [np.full_like(kind, side.number.min), side.number.max], anywhere)


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


def _random_row(number: NumberFormat, n: int, rng: np.random.Generator, kind: str) -> NDArray[np.int64]:
    low, high = number.min, number.max
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
        real = number.zero_point + rng.normal(0, span * 2.0 ** -rng.uniform(2.5, 6), n)
        if kind == "outliers":
            real = np.where(rng.random(n) < 2 / n, rng.choice(np.array([low, high]), n), real)
    return np.clip(np.rint(real), low, high).astype(np.int64)
