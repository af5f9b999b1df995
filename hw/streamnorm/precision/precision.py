"""Every internal width and binary point, and what they mean."""

from dataclasses import dataclass
from functools import lru_cache

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig

from .demand import Demand
from .ranges import Ranges
from .search import Widths, search

__all__ = ["VARIANCE_BITS_MAX", "Precision"]

VARIANCE_BITS_MAX = 200
"""Widest V that is built; one that is wider is epsilon only, in far too small steps."""


@dataclass(frozen=True, kw_only=True)
class Precision(Widths):
    """The binary points and widths of the datapath; hardware and golden model are built from the same object.

    With ``d``, ``S1``, ``S2`` and the weight ``w`` exact (see :class:`~streamnorm.precision.ranges.Ranges`; LayerNorm's
    and RMSNorm's weight is n), all shifts floor:

    1. ``E = (w * epsilon_code) >> epsilon_drop``;  ``V = w * ((S2 << variance_frac_bits) + E) - (S1**2 <<
       variance_frac_bits)``, of ``variance_bits`` integer bits; more generally, what the norm
       (:class:`~streamnorm.spec.norms.Norm`) and its :mod:`~streamnorm.spec.epsilon_placements` make of them.
    2. ``p`` = position of the leading one of V's integer part (0 if there is none), ``k = p >> 1``; ``rho`` from
       its :class:`~streamnorm.spec.roots.RootMethod` with the mantissa below the leading one; ``odd = p & 1``. Where
       V can be less than 1 and z is not 0, ``2 * root_guard`` fraction bits count as integer ones here.
    3. ``j = weight_bits - bits(w)``; ``h = exponent_max - root_guard - bits(w) + k``; ``s = min(h // radix,
       shift_count - 1)``; ``f = h - s * radix``, at most ``fine_max``; ``b = j + fine_max - f``.
    4. ``RF = ((w << b) * rho + half) >> scale_drop``, unsigned, ``scale_bits`` wide, saturated.
    5. ``KF = ((S1 * rho) << b) >> centre_drop`` less ``half(s)``, which rounds step 6 half up.
    6. lane: ``z = (((d * RF) >> product_drop) - KF) >> (normalize_shift + s * radix)``, with ``normalized_frac_bits``.
       A negative ``product_drop`` shifts left: KF is then kept to more bits than ``d * RF`` has.
    7. lane: ``A = ((z * gamma) << gamma_align) + ((beta + half) << beta_align)``, ``result_frac_bits`` fraction bits;
       ``y = A >> result_frac_bits``, its lowest bit cleared on a tie (half to even), then saturated.
    """

    ranges: Ranges

    @staticmethod
    def of(config: NormConfig) -> "Precision":
        """The cheapest widths that keep the promise of ``config`` (cached, refusals too).

        Raises
        ------
        ConfigError
            If no supported width reaches the asked accuracy, or V is wider than `VARIANCE_BITS_MAX`; see
            `NormConfig.named_in_errors`.
        """
        assert config.formula.has_statistic  # see precision_of
        demand = Demand.of(config)
        found = _precision(demand)
        if isinstance(found, Precision):
            with config.named_in_errors():
                _refuse_too_wide(config, found.variance_bits + found.variance_frac_bits)
            return found
        with config.named_in_errors():
            raise ConfigError(
                f'accuracy = "{config.accuracy}": gamma reaches {demand.gain:.3g} output steps; the widest '
                f"datapath would still be off by {found:.3g} steps. Allowed: a larger output scale or a smaller gamma"
            )

    @property
    def difference_bits(self) -> int:
        """Two's complement bits of d."""
        return self.ranges.difference_bits

    @property
    def left_max(self) -> int:
        """The largest left shift ``b``."""
        return self.ranges.weight_bits - 1 + self.fine_max

    @property
    def root_bits(self) -> tuple[int, int]:
        """Integer and fraction bits of V where its leading one is sought."""
        guard = 2 * self.ranges.root_guard
        return self.variance_bits + guard, self.variance_frac_bits - guard

    @property
    def exponent_base(self) -> int:
        """``exponent_max - root_guard`` of step 3."""
        return self.ranges.exponent_max - self.ranges.root_guard

    def split(self, h: int) -> tuple[int, int]:
        """``(s, f)`` of step 3."""
        shift = min(max(h, 0) // self.radix, self.shift_count - 1)
        return shift, min(max(h, 0) - shift * self.radix, self.fine_max)

    @property
    def exact_scale_bits(self) -> int:
        """Bits of ``(w << b) * rho`` before ``scale_drop``."""
        return self.ranges.weight_bits + self.fine_max + self.root.rho_bits

    @property
    def centre_bits(self) -> int:
        """Two's complement bits of ``d*RF >> product_drop`` and KF that are kept; the difference needs no more."""
        return self.normalized_bits + self.normalize_shift + (self.shift_count - 1) * self.radix

    def half(self, shift: int) -> int:
        """Half a unit of z before the shift of step 6, for shift index ``shift``."""
        return 1 << (self.normalize_shift + shift * self.radix - 1)

    def figures(self) -> dict[str, int]:
        """Everything that is an integer, by name, for a plan's JSON."""
        return {
            **{name: value for name, value in vars(self).items() if isinstance(value, int)},
            "centre_bits": self.centre_bits,
            "difference_bits": self.ranges.difference_bits,
            "sum_bits": self.ranges.sum_bits,
            "square_sum_bits": self.ranges.square_sum_max.bit_length(),
            "length_bits": self.ranges.length_bits,
            "rho_bits": self.root.rho_bits,
            **self.root.figures(),
        }


def _refuse_too_wide(config: NormConfig, variance_bits: int) -> None:
    if variance_bits > VARIANCE_BITS_MAX:
        raise ConfigError(
            f"in [input]: scale = {config.input.scale:g}, and epsilon = {config.epsilon:g}: the variance with epsilon, "
            f"in squared input steps, would take {variance_bits} bits; at most {VARIANCE_BITS_MAX} are allowed. "
            "Allowed: a larger input scale or a smaller epsilon"
        )


@lru_cache(maxsize=256)
def _precision(demand: Demand) -> Precision | float:
    found = search(demand)
    return found if isinstance(found, float) else Precision(ranges=demand.ranges, **vars(found))
