"""Test vectors of a configuration: corner rows, random rows, and what the golden model makes of them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.parameter_lane import LanePart, parameter_lane
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.values import integer_between
from streamnorm.verilog.vector_files import Closing, Vectors
from streamnorm_sim.reference.answers import answers
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.reference.rows import corner_rows, random_rows, uniform_elements
from streamnorm_sim.streams.rows import RowBatch, fitted, turns
from streamnorm_sim.streams.seeds import seeded

__all__ = ["ELEMENTS_MAX", "check_count", "corners_and", "make_vectors", "vectors_of"]

ELEMENTS_MAX = 1 << 24
"""Elements of test vectors; as text they take a quarter of a gigabyte."""

_CLOSING_ELEMENTS = 1 << 20
"""Elements of the rows that go through all banks in turn; where that is not enough, some of the banks."""


def make_vectors(config: NormConfig, rows: int, *, seed: int = 0) -> Vectors:
    """Return ``rows`` rows and their golden outputs: as many corner rows as fit, then random ones.

    Corner rows take the banks in turn. Besides, there are closing rows for the bench: the first one too long, all
    banks in turn, of more beats than the unit has room for, and under other gamma and beta if these can be loaded.

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
    checked_config(config)
    check_count("vectors", rows, config, least=1)
    rng = seeded(seed)
    corners = [row for _, row in corner_rows(config, rng).values()][:rows]
    others = random_rows(config, rows - len(corners), rng)
    vectors = vectors_of(config, corners_and(config, corners, others))
    return replace(vectors, closing=_closing(config, rng, rows), config=config)


def check_count(key: str, rows: object, config: NormConfig, *, least: int) -> None:
    """Raise ConfigError unless ``rows``, which messages call ``key``, is a number of rows of which vectors are made."""
    most = max(1, ELEMENTS_MAX // config.max_length)
    integer_between(key, rows, least, most, f" rows of {config.max_length} elements")


def corners_and(config: NormConfig, corners: Sequence[NDArray[np.int64]], others: RowBatch) -> RowBatch:
    """Return corner rows, which take the banks in turn, and behind them other rows, with theirs if rows name them."""
    banks = np.concatenate([np.arange(len(corners)) % config.banks, others.banks])
    if config.bank_order != "given":
        banks = None
    batch = RowBatch.pack(config, [*corners, *others.list()], banks)
    # Corners stand alone: beside them are zeros.
    beside = {}
    for side in config.side_inputs:
        # … and factors and scales of 1, so that they are seen.
        alone = side.number.quantize([1 - config.gamma_offset])[0] if side.name == "gamma" else side.number.zero_point
        if side.per_row and config.input_scale is not None:
            alone = config.input_scale.codes([1.0])[0]
        rows = np.full((len(batch), 1) if side.per_row else batch.x.shape, alone)
        given = others.beside[side.name]
        rows[len(corners) :, : given.shape[1]] = given
        beside[side.name] = rows
    return batch.with_beside(config, beside)


def vectors_of(config: NormConfig, batch: RowBatch) -> Vectors:
    """Return rows with the golden model's results."""
    model = golden_model(config)
    expected = answers(model, batch)
    beside = {**batch.beside, **{name: rows.x for name, rows in model.beside(batch).items()}}
    return Vectors(batch.x, batch.lengths, batch.banks, expected.x, flags=expected.flags, beside=beside)


def _closing(config: NormConfig, rng: np.random.Generator, before: int) -> Closing:
    plan, most, beats = Plan.of(config), config.max_length, config.max_beats
    room = min(plan.buffer_beats // beats, plan.row_slots) + plan.output_entries // beats
    count = max(min(config.banks, _CLOSING_ELEMENTS // most), room + 4) + 1
    rows = random_rows(config, count, rng, distribution="uniform", lengths=np.full(count, most))
    # The last bank first, because bank 0 is what a bank port that is not connected gives.
    start = config.banks - 1 if config.bank_order == "given" else before
    banks = np.arange(start, start + count) % config.banks
    if config.banks_are_interpolated:
        banks = turns(config, count)
    parameters = None
    if config.parameters_are_loaded:
        parameters = {part.name: _drawn(part, rng) for part in parameter_lane(config)}
    model = golden_model(config, **parameters or {})
    too_long = most + config.lanes + 1
    x = fitted(rows.x, too_long)
    x[0, most:] = uniform_elements(config, rng, too_long - most)
    per_row = {side.name for side in (*config.side_inputs, *config.side_outputs) if side.per_row}
    beside = {name: of if name in per_row else fitted(of, too_long) for name, of in rows.beside.items()}
    rows = replace(rows, banks=banks)
    came_out = model.beside(rows)
    beside |= {name: of.x if name in per_row else fitted(of.x, too_long) for name, of in came_out.items()}
    expected = answers(model, rows)
    vectors = Vectors(
        input=x,
        lengths=np.array([too_long] + [most] * (count - 1)),
        banks=banks,
        expected=fitted(expected.x, too_long),
        flags=expected.flags,
        beside=beside,
    )
    return Closing(vectors, parameters)


def _drawn(part: LanePart, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw stored values of every bank, such that results are spread over their format."""
    config, output = part.config, part.config.output
    shape = (config.banks, config.bank_values)
    if output.is_float:
        return config.parameter_format.quantize(rng.normal(0, 1, shape))
    stored = StoredParameters.of(config)
    if part.key == "gamma":
        # A normalized value that is rounded to the output format is spread over it already.
        most = (output.max - output.min) // 2 if config.output_grid is None else 1
        least, frac_bits = -most, stored.gamma_frac_bits
    else:
        least, most, frac_bits = output.min // 2, output.max // 2, stored.beta_frac_bits
    # In output steps, as far as they can be stored.
    limit = 1 << (part.bits - 1)
    lowest, highest = max(int(least * 2.0**frac_bits), -limit), min(int(most * 2.0**frac_bits), limit - 1)
    return rng.integers(lowest, highest, shape, endpoint=True)
