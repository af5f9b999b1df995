"""Every internal width, chosen by an error budget that proves the promised accuracy."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import ceil, log2, sqrt

import numpy as np

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.roots.table import RsqrtTable
from streamnorm.spec.targets import Target

from .ranges import Ranges

__all__ = ["Precision"]

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
        """The cheapest widths that keep the promise of ``config`` (cached).

        Raises
        ------
        ConfigError
            If no supported width reaches the asked accuracy.
        """
        return _search(config)

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


def _epsilon(ranges: Ranges, centred: bool, bits: int) -> tuple[int, int, int, float]:
    """(code, drop, fraction bits of V, relative error of V) so that the error is at most about ``2**-bits``."""
    e = ranges.epsilon
    longest = (1 << ranges.length_bits) - 1
    # V is at least n - 1 + n*n*e (RMSNorm: n + n*n*e).
    worst = Fraction(longest) * e * (2 if centred else 1) + (4 * e if centred else 0)
    if worst <= Fraction(1, 1 << bits):
        return 0, 0, 0, float(worst)
    gain = min(Fraction(2 if centred else 1), 1 / e)
    frac_bits = 0
    while gain * Fraction(3, 2) / (1 << frac_bits) > Fraction(1, 1 << bits):
        frac_bits += 1
    drop = ranges.length_bits
    code = round(e * (1 << (frac_bits + drop)))
    return code, drop, frac_bits, float(gain * Fraction(3, 2) / (1 << frac_bits))


_RADICES = [
    (radix, count)
    for count in (1, 2, 3, 4)
    for radix in (1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16)
    if radix > 1 or count == 1
]
"""Distance and number of the places a normalized value can be taken from."""


def _candidates(config: NormConfig) -> Iterator[Precision]:
    """Every combination worth trying: precision of rho, polynomial degree, radix, scale width and z width."""
    ranges, parameters = Ranges.of(config), StoredParameters.of(config)
    centred = config.norm == "layernorm"
    span = ranges.exponent_max - ranges.exponent_min
    tile = Target(config.target, config.clock_mhz).family.tile or (18, 18)
    for rho_bits in range(12, 43, 2):
        table = next(
            (t for t in (RsqrtTable.build(degree, rho_bits) for degree in (1, 2, 3))
             if t.relative_error < 2.0 ** -(rho_bits - 1.5)),
            None,
        )  # fmt: skip
        if table is None:
            continue
        code, drop, frac_bits, epsilon_error = _epsilon(ranges, centred, rho_bits + 2)
        variance_bits = (ranges.variance_max + 1).bit_length()
        for radix, shift_count in _RADICES:
            fine_max = max(radix - 1, span - (shift_count - 1) * radix)
            if fine_max > 2 * radix or (shift_count - 1) * radix > span:
                continue
            exact_bits = ranges.length_bits + fine_max + rho_bits
            widths = {exact_bits} | {
                bits for bits in (tile[0], 2 * tile[0] - 1, 2 * tile[0]) if bits < exact_bits
            }
            for scale_bits in sorted(widths):
                most = scale_bits - ranges.exponent_max
                for frac in range(4, 49):
                    guard = 3 if most - frac >= 3 else 2
                    product_drop = most - frac - guard
                    if product_drop < -2 or exact_bits - scale_bits + product_drop < 0:
                        break
                    integer_bits = ranges.normalized_max.bit_length()
                    result_frac = max(frac + parameters.gamma_frac_bits, parameters.beta_frac_bits)
                    base = Precision(
                        ranges=ranges,
                        table=table,
                        epsilon_code=code,
                        epsilon_drop=drop,
                        variance_frac_bits=frac_bits,
                        variance_bits=variance_bits,
                        radix=radix,
                        shift_count=shift_count,
                        fine_max=fine_max,
                        scale_bits=scale_bits,
                        scale_drop=exact_bits - scale_bits,
                        product_drop=product_drop,
                        centre_drop=exact_bits - scale_bits + product_drop,
                        normalize_shift=guard,
                        normalized_bits=integer_bits + frac + 1,
                        normalized_frac_bits=frac,
                        gamma_align=result_frac - frac - parameters.gamma_frac_bits,
                        beta_align=result_frac - parameters.beta_frac_bits,
                        result_frac_bits=result_frac,
                        error_bound=0.0,
                        expected_error=0.0,
                    )
                    yield _bounded(base, config, parameters, epsilon_error)


def _bounded(
    precision: Precision, config: NormConfig, parameters: StoredParameters, epsilon_error: float
) -> Precision:
    """The same with its proven and its expected error, in output LSB before the final rounding."""
    ranges = precision.ranges
    gain = parameters.gamma_max_abs
    largest = float(ranges.normalized_max)
    # A result beyond the output range saturates, so a relative error acts on no more than this.
    visible = min(gain * largest, max(-config.output.min, config.output.max) + 1 + parameters.beta_max_abs)
    relative = precision.table.relative_error + epsilon_error / 2
    unit = 2.0**-precision.normalized_frac_bits
    # RF's rounding error acts on d, up to half a unit times what |d| can be beside this scale: |d*R| <= sqrt(2n).
    reach = largest * (sqrt(2.0) if config.norm == "layernorm" else 1.0) + 1
    leading = 2.0 ** (precision.scale_bits - precision.fine_max - 2)
    scale_error = reach * 0.5 / leading if precision.scale_drop else 0.0
    floors = unit * 2.0**-precision.normalize_shift if precision.centre_drop else 0.0
    rounding = unit / 2
    bound = visible * relative * 1.01 + gain * (scale_error + floors + rounding) * 1.01
    typical = _typical_gain(config, parameters)
    # Rows with the largest f, so with the fewest bits of RF, are those of full scale: not rare.
    leading_bits = precision.scale_bits - 1 - precision.fine_max
    parts = (
        0.8 * typical * relative / 2,
        1.2 * typical * (0.25 / 2.0**leading_bits if precision.scale_drop else 0.0),
        typical * floors / 2,
        _typical_gain(config, parameters, on_grid=2.0) * rounding / 2,
    )
    return replace(precision, error_bound=bound, expected_error=sqrt(sum(part**2 for part in parts)))


def _typical_gain(config: NormConfig, parameters: StoredParameters, on_grid: float = 1.0) -> float:
    """Mean magnitude of gamma in output LSB (half the largest where any gamma may be loaded).

    Powers of two weigh ``on_grid`` times: there, rounded values of z meet the ties of the output exactly.
    """
    gamma = np.abs(parameters.gamma)
    weights = np.where(gamma & (gamma - 1), 1.0, on_grid)
    mean = float((gamma * weights).mean()) / 2.0**parameters.gamma_frac_bits
    return mean if config.storage == "rom" else max(mean, parameters.gamma_max_abs / 2)


def _cost(
    precision: Precision, config: NormConfig, parameters: StoredParameters, tile: tuple[int, int] | None
) -> float:
    """Multiplier tiles of the whole unit, and a little for every bit; in logic, the partial product bits."""
    ranges, table = precision.ranges, precision.table
    lane_pairs = [
        (ranges.difference_bits, precision.scale_bits),
        (precision.normalized_bits, parameters.gamma_bits),
    ]
    shared_pairs = [
        (ranges.length_bits, (ranges.square_sum_max.bit_length() + precision.variance_frac_bits)),
        (ranges.length_bits + precision.fine_max, table.rho_bits),
        *((width, table.t_bits) for width in table.widths[1:]),
    ]
    if config.norm == "layernorm":
        shared_pairs.append((ranges.sum_bits, table.rho_bits))
    excess = 20 * log2(max(precision.error_bound / COMFORTABLE_ERROR, 1.0))
    if tile is None:
        area = float(sum(a * b for a, b in lane_pairs)) * config.lanes + sum(a * b for a, b in shared_pairs)
        mux = config.lanes * precision.normalized_bits * precision.shift_count
        return area + mux + 2 * excess
    tiles = sum(ceil(a / tile[0]) * ceil(b / tile[1]) for a, b in lane_pairs) * config.lanes
    tiles += sum(ceil(a / tile[0]) * ceil(b / tile[1]) for a, b in shared_pairs)
    bits = precision.centre_bits + precision.normalized_bits * precision.shift_count + precision.scale_bits
    return tiles + 1e-3 * (bits + excess) + 1e-4 * table.word_width


@lru_cache(maxsize=256)
def _search(config: NormConfig) -> Precision:
    parameters = StoredParameters.of(config)
    tile = Target(config.target, config.clock_mhz).family.tile
    tight = config.accuracy == "tight" or config.output.bits <= SMALL_OUTPUT_BITS
    best: Precision | None = None
    closest, best_cost = float("inf"), float("inf")
    for candidate in _candidates(config):
        closest = min(closest, candidate.error_bound)
        if candidate.error_bound > FAITHFUL_ERROR or (tight and candidate.expected_error > TIGHT_ERROR):
            continue
        cost = _cost(candidate, config, parameters, tile)
        if cost < best_cost:
            best, best_cost = candidate, cost
    if best is None:
        raise ConfigError(
            f'accuracy = "{config.accuracy}": gamma reaches {parameters.gamma_max_abs:.3g} output steps; the widest '
            f"datapath would still be off by {closest:.3g} steps. Allowed: a larger output scale or a smaller gamma"
        )
    return best
