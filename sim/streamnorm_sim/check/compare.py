"""What came out of an engine against what the golden model says had to come out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.parameters import StoredParameters
from streamnorm_sim.reference.models import golden_model
from streamnorm_sim.streams.rows import fitted
from streamnorm_sim.streams.trace import Trace


@dataclass(frozen=True)
class Comparison:
    """How a run's rows differ from the golden model's.

    Attributes
    ----------
    mismatches : int
        Elements that differ; a row with another length or error flag counts with all its elements, so does
        one that is missing or that should not be there.
    first : str or None
        The first difference, in words, with the run's seed.
    """

    mismatches: int
    first: str | None


def golden_rows(trace: Trace) -> NDArray[np.int64]:
    """Return what the golden model makes of ``trace.expected``, (rows, n).

    γ and β are those loaded by then.

    Raises
    ------
    ConfigError
        If the run has both parameter loads and a reset: which loads were cut is not known.
    """
    config, traffic, expected = trace.config, trace.traffic, trace.expected
    if traffic.loads and traffic.reset_at is not None:
        raise ConfigError("a run with parameter loads and a reset cannot be compared")
    stored = StoredParameters.of(config)
    gamma, beta = stored.gamma.copy(), stored.beta.copy()
    result = np.zeros(expected.x.shape, np.int64)
    done = 0
    bounds = [*(load.after_row + 1 for load in traffic.loads), len(expected)]
    for load, end in zip([None, *traffic.loads], bounds, strict=True):
        if load is not None:
            count = len(load.gamma)
            gamma[load.bank, :count], beta[load.bank, :count] = load.gamma, load.beta
        if end > done:
            part = expected.select(slice(done, end))
            model = golden_model(config, gamma=gamma, beta=beta)
            result[done:end] = model.normalize(part.x, part.lengths, part.banks)
            done = end
    return result


def compare(trace: Trace, *, first_row: int = 0) -> Comparison:
    """Compare every element, length and error flag that came out with `golden_rows`; the run's rows are counted
    from ``first_row``.

    Raises
    ------
    CheckFailed
        If the output stream is malformed.
    """
    got, expected = trace.rows, trace.expected
    want = golden_rows(trace)
    common = min(len(got), len(expected))
    columns = max(got.x.shape[1], want.shape[1])
    differs = fitted(got.x[:common], columns) != fitted(want[:common], columns)
    lengths = got.lengths[:common], expected.lengths[:common]
    flags = got.errors[:common], expected.errors[:common]
    whole = (lengths[0] != lengths[1]) | (flags[0] != flags[1])
    counts = np.where(whole, np.maximum(*lengths), differs.sum(axis=1))
    mismatches = int(counts.sum() + got.lengths[common:].sum() + expected.lengths[common:].sum())
    seed = f"(seed {trace.traffic.seed})"
    if counts.any():
        row = int(np.flatnonzero(counts)[0])
        sides = (got.x[row, : lengths[0][row]], want[row, : lengths[1][row]])
        errors = (bool(flags[0][row]), bool(flags[1][row]))
        what = row_difference(first_row + row, trace.config.lanes, *sides, errors=errors)
        return Comparison(mismatches, f"{what} {seed}")
    if len(got) != len(expected):
        where = f" from row {first_row} on" if first_row else ""
        return Comparison(mismatches, f"got {len(got)} rows{where}, want {len(expected)} {seed}")
    return Comparison(mismatches, None)


def row_difference(
    row: int, lanes: int, got: NDArray[np.integer], want: NDArray[np.integer], *, errors: tuple[bool, bool]
) -> str | None:
    """Say how a row that came out differs from what had to come, or return None if it does not.

    Parameters
    ----------
    row : int
        What the row is called.
    lanes : int
    got, want : integers (n,)
    errors : the error flags of both
    """
    if len(got) != len(want):
        return f"row {row}: got {len(got)} elements, want {len(want)}"
    if errors[0] != errors[1]:
        return f"row {row}: got error flag {int(errors[0])}, want {int(errors[1])}"
    differs = np.flatnonzero(got != want)
    if not len(differs):
        return None
    beat, lane = divmod(int(differs[0]), lanes)
    return f"row {row} lane {lane}: got {got[differs[0]]}, want {want[differs[0]]} in beat {beat}"
