"""What a configuration asks of the width search, and the errors that it accepts."""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import floor, log2
from typing import NamedTuple

import numpy as np

from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import EpsilonPlacement
from streamnorm.spec.given_parameters import STORAGE_ERROR_MAX
from streamnorm.spec.norms import Norm
from streamnorm.spec.output_grid import OutputGrid
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.root_choice import RootChoice
from streamnorm.spec.stored_floats import StoredFloats

from .ranges import Ranges

__all__ = [
    "COMFORTABLE_ERROR",
    "EXPECTED_MARGIN",
    "FAITHFUL_ERROR",
    "PROMISED_ERROR",
    "SHORTEST_ROW",
    "SMALL_OUTPUT_BITS",
    "TIGHT_ERROR",
    "Demand",
    "Gain",
    "error_limit",
    "gains",
    "is_tight",
]

FAITHFUL_ERROR = 0.3
"""Largest error before the final rounding that the search accepts, in output LSB; 0.5 would suffice for 1 ulp.

Less where storing gamma and beta takes more than the rest of that half."""

PROMISED_ERROR = 0.001
"""Expected error before the final rounding where 99.9 % of the results must be rounded correctly, in output LSB.

A result is rounded the wrong way when a tie lies between it and the exact one: as often as the error is large."""

TIGHT_ERROR = 0.0009
"""The same in rows of the longest length."""

SHORTEST_ROW = 8
"""Elements of a row from which a mean over its results says something.

LayerNorm's z is 0 in all rows of one element, and 1 or -1 in all of two."""

COMFORTABLE_ERROR = 0.1
"""Below this error bound, more accuracy is worth no more bits."""

EXPECTED_MARGIN = 1.1
"""What the expected error is raised by, so that what is measured is below it."""

SMALL_OUTPUT_BITS = 8
"""Outputs of at most this many bits are always held to :data:`TIGHT_ERROR`."""


class Gain(NamedTuple):
    """The gamma of a row.

    Attributes
    ----------
    mean : mean magnitude over the elements of the row, output LSB
    at_ties : the same with powers of two counted twice: there, rounded values of z meet the ties of the output exactly
    """

    mean: float
    at_ties: float


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Everything about a configuration that a width depends on; equal demands have the same widths.

    Attributes
    ----------
    norm, placement : what z and V are, and how far they reach
    root : how the reciprocal square root is found
    tile : operand widths of the target's multiplier; None where products are logic
    error_limit : the largest error before the final rounding, output LSB
    tight : the expected error is limited, too
    exact : a z that its fraction bits hold must be z exactly, so that its ties are ties; without epsilon there are some
    output_reach : largest magnitude of an output, and one
    gamma_bits, gamma_frac_bits, beta_frac_bits : of the stored parameters
    gain, beta_max_abs : largest magnitude of gamma and of beta, output LSB
    row_gain : mean gamma of the longest rows; of the bank where it is largest, and of the largest that may be loaded
    prefix_gain : the same of rows of any length from :data:`SHORTEST_ROW` on, of that where it is largest
    grid : where the normalized value is rounded before gamma; None where it is not
    is_relaxed : less is demanded than is promised elsewhere

    With a grid, what is demanded is demanded of that rounding, and what follows it is exact: the errors are those of
    ``q`` in output steps before it is rounded, gain is an output step's part of z times the grid's mantissa, and
    output_reach is that of q.
    """

    ranges: Ranges
    norm: Norm
    placement: EpsilonPlacement
    root: RootChoice
    lanes: int
    tile: tuple[int, int] | None
    error_limit: float
    tight: bool
    exact: bool
    output_reach: int
    gamma_bits: int
    gamma_frac_bits: int
    beta_frac_bits: int
    gain: float
    beta_max_abs: float
    row_gain: Gain
    prefix_gain: Gain
    grid: OutputGrid | None
    is_relaxed: bool = False

    def relaxed(self, closest: float) -> "Demand":
        """A demand that can be met where the smallest error bound there is, is ``closest``: little more than that."""
        limit = max(FAITHFUL_ERROR, closest + COMFORTABLE_ERROR)
        return replace(self, error_limit=limit, tight=False, exact=False, is_relaxed=True)

    @staticmethod
    def of(config: NormConfig) -> "Demand":
        """The demand of a configuration (cached).

        Raises
        ------
        ConfigError
            If gamma or beta cannot be held in the configured width.
        """
        return _demand(config)


def is_tight(config: NormConfig) -> bool:
    """Whether 99.9 % of the results are promised to be rounded correctly."""
    return config.accuracy == "tight" or config.output.bits <= SMALL_OUTPUT_BITS


@lru_cache(maxsize=256)
def _demand(config: NormConfig) -> Demand:
    output, parameters = config.output, StoredParameters.of(config)
    row_gain, prefix_gain = gains(config)
    tight = is_tight(config)
    demand = Demand(
        ranges=Ranges.of(config),
        norm=config.formula,
        placement=config.placement,
        root=config.rsqrt,
        lanes=config.lanes,
        tile=config.device.family.tile,
        error_limit=error_limit(parameters),
        tight=tight,
        exact=tight and config.epsilon_in_steps == 0 and not config.formula.curvature,
        output_reach=max(-output.min, output.max) + 1,
        gamma_bits=parameters.gamma_bits,
        gamma_frac_bits=parameters.gamma_frac_bits,
        beta_frac_bits=parameters.beta_frac_bits,
        gain=parameters.gamma_max_abs,
        beta_max_abs=parameters.beta_max_abs,
        row_gain=row_gain,
        prefix_gain=prefix_gain,
        grid=config.output_grid,
    )
    return demand if demand.grid is None else _of_first_rounding(demand, demand.grid)


def _of_first_rounding(demand: Demand, grid: OutputGrid) -> Demand:
    """What the rounding before gamma demands: as if gamma were 1 and beta 0, a step the grid's power of two."""
    step = 2.0**-grid.exponent
    gain = Gain(mean=step, at_ties=2 * step)
    return replace(
        demand,
        error_limit=FAITHFUL_ERROR,
        output_reach=grid.reach + 1,
        gain=step,
        beta_max_abs=0.0,
        row_gain=gain,
        prefix_gain=gain,
    )


def error_limit(parameters: StoredParameters | StoredFloats, most: float = FAITHFUL_ERROR) -> float:
    """The largest error before the final rounding that is accepted, ``most`` or less; output LSB, of floats units in
    the last place."""
    stored_well = parameters.storage_error <= STORAGE_ERROR_MAX  # else widths given by hand allow no promise
    return min(most, 0.5 - parameters.storage_error) if stored_well else most


def gains(config: NormConfig) -> tuple[Gain, Gain]:
    """``(row_gain, prefix_gain)`` of :class:`Demand`."""
    return _stored_gains(config, StoredParameters.of(config)) if config.gamma_max is None else _loaded_gains(config)


def _stored_gains(config: NormConfig, parameters: StoredParameters) -> tuple[Gain, Gain]:
    """``(row_gain, prefix_gain)``: a row of n elements uses the first n of its bank's gamma.

    Among elements that share one, the mean over the row so far rises all the way or falls: it is largest at an end.
    """
    gamma = np.abs(parameters.gamma)
    first = min(SHORTEST_ROW, config.max_length)
    ends = np.minimum(np.arange(1, gamma.shape[1] + 1) * config.parameter_repeat, config.max_length)
    counts = np.diff(ends, prepend=0)
    at = int(np.searchsorted(ends, first))  # the value that the last element of the shortest row has
    lengths = np.concatenate([[first], ends[at:]])
    means = []
    for weights in (gamma, gamma * np.where(gamma & (gamma - 1), 1, 2)):
        sums = np.cumsum(weights * counts, axis=1)[:, at:]
        shortest = sums[:, :1] - weights[:, at : at + 1] * (ends[at] - first)
        means.append(np.concatenate([shortest, sums], axis=1) / lengths / 2.0**parameters.gamma_frac_bits)
    row = Gain(*(float(mean[:, -1].max()) for mean in means))
    return row, Gain(*(float(mean.max()) for mean in means))


def _loaded_gains(config: NormConfig) -> tuple[Gain, Gain]:
    """``(row_gain, prefix_gain)`` of a load with the largest gamma everywhere, or the largest power of two."""
    assert config.gamma_max is not None
    largest = config.gamma_max / config.output.scale
    gain = Gain(mean=largest, at_ties=2 * 2.0 ** floor(log2(largest)))
    return gain, gain
