"""What a configuration asks of the width search, and the errors that it accepts."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from streamnorm.spec.config import NormConfig
from streamnorm.spec.norms import Norm
from streamnorm.spec.parameters import StoredParameters

from .ranges import Ranges

__all__ = ["COMFORTABLE_ERROR", "FAITHFUL_ERROR", "SMALL_OUTPUT_BITS", "TIGHT_ERROR", "Demand"]

FAITHFUL_ERROR = 0.3
"""Largest error before the final rounding that the search accepts, in output LSB; 0.5 would suffice for 1 ulp."""

TIGHT_ERROR = 0.0009
"""Expected error before the final rounding where 99.9 % of the results must be rounded correctly, in output LSB.

A result is rounded the wrong way when a tie lies between it and the exact one: as often as the error is large."""

COMFORTABLE_ERROR = 0.1
"""Below this error bound, more accuracy is worth no more bits."""

SMALL_OUTPUT_BITS = 8
"""Outputs of at most this many bits are always held to :data:`TIGHT_ERROR`."""


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Everything about a configuration that a width depends on; equal demands have the same widths.

    Attributes
    ----------
    norm : what z and V are, and how far they reach
    tile : operand widths of the target's multiplier; None where products are logic
    tight : the expected error is limited, too
    output_reach : largest magnitude of an output, and one
    gamma_bits, gamma_frac_bits, beta_frac_bits : of the stored parameters
    gain, beta_max_abs : largest magnitude of gamma and of beta, output LSB
    typical_gain : mean magnitude of gamma, output LSB (at least half the largest where any gamma may be loaded)
    tie_gain : the same with powers of two counted twice: there, rounded values of z meet the ties of the output exactly
    """

    ranges: Ranges
    norm: Norm
    lanes: int
    tile: tuple[int, int] | None
    tight: bool
    output_reach: int
    gamma_bits: int
    gamma_frac_bits: int
    beta_frac_bits: int
    gain: float
    beta_max_abs: float
    typical_gain: float
    tie_gain: float

    @staticmethod
    def of(config: NormConfig) -> "Demand":
        """The demand of a configuration (cached).

        Raises
        ------
        ConfigError
            If gamma or beta cannot be held in the configured width.
        """
        return _demand(config)


@lru_cache(maxsize=256)
def _demand(config: NormConfig) -> Demand:
    output, parameters = config.output, StoredParameters.of(config)
    gamma = np.abs(parameters.gamma)
    least = 0.0 if config.storage == "rom" else parameters.gamma_max_abs / 2

    def typical(weighted: npt.NDArray[np.float64]) -> float:
        return max(float(weighted.mean()) / 2.0**parameters.gamma_frac_bits, least)

    return Demand(
        ranges=Ranges.of(config),
        norm=config.formula,
        lanes=config.lanes,
        tile=config.device.family.tile,
        tight=config.accuracy == "tight" or output.bits <= SMALL_OUTPUT_BITS,
        output_reach=max(-output.min, output.max) + 1,
        gamma_bits=parameters.gamma_bits,
        gamma_frac_bits=parameters.gamma_frac_bits,
        beta_frac_bits=parameters.beta_frac_bits,
        gain=parameters.gamma_max_abs,
        beta_max_abs=parameters.beta_max_abs,
        typical_gain=typical(gamma * 1.0),
        tie_gain=typical(gamma * np.where(gamma & (gamma - 1), 1.0, 2.0)),
    )
