"""Every internal width and binary point, and what they mean."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.roots.table import RsqrtTable
from streamnorm.spec.targets import Target

from .ranges import Ranges

__all__ = ["Demand", "Precision"]

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
class Precision:
    """The binary points and widths of the datapath; hardware and golden model are built from the same object.

    With ``d``, ``S1``, ``S2``, ``n`` exact (see :class:`~streamnorm.precision.ranges.Ranges`), all shifts floor:

    1. ``E = (n * epsilon_code) >> epsilon_drop``;  ``V = n * ((S2 << variance_frac_bits) + E) - (S1**2 <<
       variance_frac_bits)``, of ``variance_bits`` integer bits.
    2. ``p`` = position of the leading one of V's integer part (0 if there is none), ``k = p >> 1``; ``rho`` from
       :class:`RsqrtTable` with the mantissa below the leading one; ``odd = p & 1``.
    3. ``j = length_bits - bits(n)``; ``w = exponent_max - bits(n) + k``; ``s = min(w // radix, shift_count - 1)``;
       ``f = w - s * radix``, at most ``fine_max``; ``b = j + fine_max - f``.
    4. ``RF = ((n << b) * rho + half) >> scale_drop``, unsigned, ``scale_bits`` wide, saturated.
    5. ``KF = ((S1 * rho) << b) >> centre_drop`` less ``half(s)``, which rounds step 6 half up.
    6. lane: ``z = (((d * RF) >> product_drop) - KF) >> (normalize_shift + s * radix)``, with ``normalized_frac_bits``.
       A negative ``product_drop`` shifts left: KF is then kept to more bits than ``d * RF`` has.
    7. lane: ``A = ((z * gamma) << gamma_align) + ((beta + half) << beta_align)``, ``result_frac_bits`` fraction bits;
       ``y = A >> result_frac_bits``, its lowest bit cleared on a tie (half to even), then saturated.
    """

    ranges: Ranges
    table: RsqrtTable
    epsilon_code: int
    epsilon_drop: int
    variance_frac_bits: int
    variance_bits: int
    radix: int
    shift_count: int
    fine_max: int
    scale_bits: int
    scale_drop: int
    product_drop: int
    centre_drop: int
    normalize_shift: int
    normalized_bits: int
    normalized_frac_bits: int
    gamma_align: int
    beta_align: int
    result_frac_bits: int
    error_bound: float
    expected_error: float

    @staticmethod
    def of(config: NormConfig) -> "Precision":
        """The cheapest widths that keep the promise of ``config`` (cached, refusals too).

        Raises
        ------
        ConfigError
            If no supported width reaches the asked accuracy.
        """
        from .search import search  # here, as the search makes a Precision

        demand = Demand.of(config)
        found = search(demand)
        if isinstance(found, Precision):
            return found
        raise ConfigError(
            f'accuracy = "{config.accuracy}": gamma reaches {demand.gain:.3g} output steps; the widest '
            f"datapath would still be off by {found:.3g} steps. Allowed: a larger output scale or a smaller gamma"
        )

    @property
    def left_max(self) -> int:
        """The largest left shift ``b``."""
        return self.ranges.length_bits - 1 + self.fine_max

    def split(self, w: int) -> tuple[int, int]:
        """``(s, f)`` of step 3."""
        shift = min(max(w, 0) // self.radix, self.shift_count - 1)
        return shift, min(max(w, 0) - shift * self.radix, self.fine_max)

    @property
    def exact_scale_bits(self) -> int:
        """Bits of ``(n << b) * rho`` before ``scale_drop``."""
        return self.ranges.length_bits + self.fine_max + self.table.rho_bits

    @property
    def centre_bits(self) -> int:
        """Two's complement bits of ``d*RF >> product_drop`` and KF that are kept; the difference needs no more."""
        return self.normalized_bits + self.normalize_shift + (self.shift_count - 1) * self.radix

    def half(self, shift: int) -> int:
        """Half a unit of z before the shift of step 6, for shift index ``shift``."""
        return 1 << (self.normalize_shift + shift * self.radix - 1)


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Everything about a configuration that a width depends on; equal demands have the same widths.

    Attributes
    ----------
    centred : the mean is subtracted
    tile : operand widths of the target's multiplier; None where products are logic
    tight : the expected error is limited, too
    output_reach : largest magnitude of an output, and one
    gamma_bits, gamma_frac_bits, beta_frac_bits : of the stored parameters
    gain, beta_max_abs : largest magnitude of gamma and of beta, output LSB
    typical_gain : mean magnitude of gamma, output LSB (at least half the largest where any gamma may be loaded)
    tie_gain : the same with powers of two counted twice: there, rounded values of z meet the ties of the output exactly
    """

    ranges: Ranges
    centred: bool
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
        centred=config.norm == "layernorm",
        lanes=config.lanes,
        tile=Target(config.target, config.clock_mhz).family.tile,
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
