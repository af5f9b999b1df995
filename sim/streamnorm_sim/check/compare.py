"""What came out of an engine against what the golden model says had to come out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import NumberFormat
from streamnorm.spec.formats.element_text import element_text
from streamnorm.spec.row_flags import flags_in_words
from streamnorm_sim.reference.answers import answers
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.reference.loaded_parameters import LoadedParameters
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.streams.rows import RowBatch, fitted
from streamnorm_sim.streams.trace import Trace


@dataclass(frozen=True)
class Comparison:
    """How a run's rows differ from the golden model's.

    Attributes
    ----------
    mismatches : int
        Elements that differ; a row with another length, error flag or other flags counts with all its elements, so
        does one that is missing or that should not be there.
    first : str or None
        The first difference, in words, with the run's seed.
    """

    mismatches: int
    first: str | None


def golden_rows(trace: Trace) -> RowBatch:
    """Return what the golden model makes of ``trace.expected``: the rows that have to come out.

    γ and β are those loaded by then.

    Raises
    ------
    ConfigError
        If the run has both parameter loads and a reset: which loads were cut is not known.
    """
    return _golden(trace, trace.expected, answers)


def _golden(trace: Trace, expected: RowBatch, answered: Callable[[GoldenModel, RowBatch], RowBatch]) -> RowBatch:
    """What models make of rows, with the γ and β loaded by then."""
    config, traffic = trace.config, trace.traffic
    if traffic.loads and traffic.reset_at is not None:
        raise ConfigError("a run with parameter loads and a reset cannot be compared")
    stored = LoadedParameters(config)
    parts = []
    done = 0
    bounds = [*(load.after_row + 1 for load in traffic.loads), len(expected)]
    for load, end in zip([None, *traffic.loads], bounds, strict=True):
        if load is not None:
            stored.load(load)
        if end > done:
            parts.append(answered(golden_model(config, **stored.values), expected.select(slice(done, end))))
            done = end
    return reduce(RowBatch.join, parts) if parts else replace(expected, beside={})


def compare(trace: Trace, *, first_row: int = 0) -> Comparison:
    """Compare every element and length and all flags that came out with `golden_rows`; the run's rows are counted
    from ``first_row``.

    Raises
    ------
    CheckFailed
        If the output stream is malformed.
    """
    found = [_compared(trace, trace.config.output, "", trace.rows, golden_rows(trace), first_row)]
    expected = trace.expected_beside
    for side in trace.config.side_outputs:
        want = _golden(trace, expected[side.name], lambda model, rows, name=side.name: model.beside(rows)[name])
        found.append(_compared(trace, side.number, f"{side.name}: ", trace.rows_beside[side.name], want, first_row))
    first = next((comparison.first for comparison in found if comparison.first is not None), None)
    return Comparison(sum(comparison.mismatches for comparison in found), first)


def _compared(
    trace: Trace, number: NumberFormat, about: str, got: RowBatch, want: RowBatch, first_row: int
) -> Comparison:
    """What came out on one stream."""
    common = min(len(got), len(want))
    columns = max(got.x.shape[1], want.x.shape[1])
    differs = fitted(got.x[:common], columns) != fitted(want.x[:common], columns)
    lengths = got.lengths[:common], want.lengths[:common]
    whole = lengths[0] != lengths[1]
    for name in ("errors", "flags"):
        whole |= getattr(got, name)[:common] != getattr(want, name)[:common]
    counts = np.where(whole, np.maximum(*lengths), differs.sum(axis=1))
    mismatches = int(counts.sum() + got.lengths[common:].sum() + want.lengths[common:].sum())
    seed = f"(seed {trace.traffic.seed})"
    if counts.any():
        row = int(np.flatnonzero(counts)[0])
        sides = (rows.select(slice(row, row + 1)) for rows in (got, want))
        difference = row_difference(trace.config, first_row + row, *sides, number=number)
        return Comparison(mismatches, f"{about}{difference} {seed}")
    if len(got) != len(want):
        where = f" from row {first_row} on" if first_row else ""
        return Comparison(mismatches, f"{about}got {len(got)} rows{where}, want {len(want)} {seed}")
    return Comparison(mismatches, None)


def row_difference(
    config: NormConfig, row: int, got: RowBatch, want: RowBatch, *, number: NumberFormat | None = None
) -> str | None:
    """Say how a row that came out differs from what had to come, or return None if it does not.

    Parameters
    ----------
    config : NormConfig
    row : int
        What the row is called.
    got, want : RowBatch
        One row each.
    number : NumberFormat, optional
        Format of the elements, if it is not that of the results.
    """
    (x,), (wanted,) = got.list(), want.list()
    if len(x) != len(wanted):
        return f"row {row}: got {len(x)} elements, want {len(wanted)}"
    if got.errors[0] != want.errors[0]:
        return f"row {row}: got error flag {int(got.errors[0])}, want {int(want.errors[0])}"
    if got.flags[0] != want.flags[0]:
        flags, others = (flags_in_words(int(rows.flags[0])) for rows in (got, want))
        return f"row {row}: got flags {flags}, want {others}"
    differs = np.flatnonzero(x != wanted)
    if not len(differs):
        return None
    beat, lane = divmod(int(differs[0]), config.lanes)
    element, other = (element_text(number or config.output, int(elements[differs[0]])) for elements in (x, wanted))
    return f"row {row} lane {lane}: got {element}, want {other} in beat {beat}"
