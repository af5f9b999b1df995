"""Every internal width and binary point, and what they mean."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.root_choice import AUTO, RootChoice
from streamnorm.spec.roots import ROOTS

from .automatic_root import least_costly
from .demand import Demand
from .ranges import Ranges
from .search import RHO_BITS, Widths, search

__all__ = ["VARIANCE_BITS_MAX", "Precision", "refuse_too_wide"]

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
       V can be less than 1 and z is not 0, ``2 * root_guard`` fraction bits count as integer ones here. A placement
       that :attr:`gives_deviation` has the root of V: k is then the position of its leading one, and its mantissa is
       :mod:`squared <streamnorm.spec.roots.squared>`.
    3. ``j = weight_bits - bits(w)``; ``h = exponent_max - root_guard - bits(w) + k``; ``s = min(h // radix,
       shift_count - 1)``; ``f = h - s * radix``, at most ``fine_max``; ``b = j + fine_max - f``.
    4. ``RF = ((w << b) * rho + half) >> scale_drop``, unsigned, ``scale_bits`` wide, saturated.
    5. ``KF = ((S1 * rho) << b) >> centre_drop`` less ``half(s)``, which rounds step 6 half up.
    6. lane: ``z = (((d * RF) >> product_drop) - KF) >> (normalize_shift + s * radix)``, with ``normalized_frac_bits``.
       A negative ``product_drop`` shifts left: KF is then kept to more bits than ``d * RF`` has.
    7. lane: ``A = ((z * gamma) << gamma_align) + ((beta + half) << beta_align)``, ``result_frac_bits`` fraction bits;
       ``y = A >> result_frac_bits``, its lowest bit cleared on a tie (half to even), then saturated.

    Where each row brings its scale, E is that of :class:`~streamnorm.spec.epsilon_placements.row_variance.RowEpsilon`,
    and is added to V, not to S2. A row whose z is taken for 0 (see
    :class:`~streamnorm.spec.epsilon_placements.row_variance.RowVariancePlacement`) has ``rho = 0`` behind step 2, so
    that RF, KF and z are 0.

    Where the root of w stands for w (see :class:`~streamnorm.spec.norms.Norm`), ``V = (S2 << variance_frac_bits) + E``,
    and steps 3 and 4 take its :attr:`weight_root`: for w the mantissa, of :attr:`numerator_bits` with the leading one
    foremost, so that ``j = 0``; for ``bits(w)`` the exponent.

    A norm with a curvature has a :class:`~streamnorm.precision.curve.Curve` behind step 6: step 7 takes its u for z.

    With ``gamma_rounding = "output"`` there is a :attr:`grid`, and z is rounded to it before gamma:

    * behind step 2, ``rho = (rho * value + half) >> drop`` with the :attr:`factor`, of :attr:`rho_bits` fraction bits,
      so that z of step 6 is ``z * mantissa``: ``z / scale`` with :attr:`step_frac_bits` fraction bits. No factor where
      the output scale is a power of two.
    * ``half(s)`` of step 5 has half an output step besides; with a curvature, u of the curve has it.
    * behind step 6, in the lane: ``q = z >> step_frac_bits``, its lowest bit cleared on a tie (half to even), then
      saturated to ``grid.low`` … ``grid.high``.
    * step 7 takes q for z; gamma is not divided by the output scale, and all that follows is exact but the last
      rounding.

    **What is promised.** Let q* be the exact ``z / scale`` rounded half to even and saturated. ``error_bound`` is then
    that of ``z / scale`` before it is rounded, in output steps, and at most 0.3: q is q* or next to it. Where q = q*,
    ``A`` is exact, and y is the correctly rounded result of q*. Where it is not, a tie of the output format lies
    between the unit's z and the exact one, or is the one of them that was computed; ``A`` differs by exactly
    ``|gamma|``, and y by at most ``floor(|gamma|) + 1``. How often: in about ``expected_error`` of the elements, at
    most 0.001 where the accuracy is "tight" or the output has up to 8 bits. True ties are decided truly where those of
    the result are: without epsilon, in such units.
    """

    ranges: Ranges
    promise: str
    """What is promised: "faithful" or "tight", or "as-is" where neither is kept, and `error_bound` alone holds."""

    @staticmethod
    def of(config: NormConfig) -> "Precision":
        """The cheapest widths that keep the promise of ``config`` (cached, refusals too).

        Raises
        ------
        ConfigError
            If no supported width reaches the asked accuracy, which "as-is" always does, or V is wider than
            `VARIANCE_BITS_MAX`; see `NormConfig.named_in_errors`.
        """
        return Precision.of_results(config)[0]

    @staticmethod
    def of_results(config: NormConfig) -> "tuple[Precision, ...]":
        """That of the configuration's own result and those of the further ones, which are made of the same z: the same
        in everything up to it. As `of`."""
        assert config.formula.has_statistic  # see precision_of
        demands = tuple(Demand.of(each) for each in (config, *config.by_result.values()))
        if config.rsqrt.method == AUTO:
            demands = _with_automatic_root(config)
        found = _precision(*demands)
        if not isinstance(found, tuple) and config.accuracy == "as-is":
            found = _precision(*(demand.relaxed(found) for demand in demands))
        if isinstance(found, tuple):
            with config.named_in_errors():
                refuse_too_wide(config, found[0].variance_bits + found[0].variance_frac_bits)
            return found
        with config.named_in_errors():
            demand = demands[0]
            _refuse_root(config, demands, found)
            if demand.grid is not None:
                raise ConfigError(
                    f'accuracy = "{config.accuracy}", gamma_rounding = "output": a normalized value reaches '
                    f"{float(demand.ranges.normalized_max) / config.output.scale:.3g} output steps; no datapath is "
                    "exact enough to round it. Allowed: a larger output scale"
                )
            raise ConfigError(
                f'accuracy = "{config.accuracy}": gamma reaches {max(each.gain for each in demands):.3g} output steps; '
                f"the widest datapath would still be off by {found:.3g} steps. Allowed: a larger output scale or a "
                "smaller gamma"
            )

    @property
    def difference_bits(self) -> int:
        """Two's complement bits of d."""
        return self.ranges.difference_bits

    @property
    def weight_bits(self) -> int:
        """Bits of w."""
        return self.ranges.weight_bits

    @property
    def numerator_bits(self) -> int:
        """Bits of what d is multiplied by: of w, or of its root's mantissa."""
        return self.ranges.weight_bits if self.weight_root is None else self.weight_root.bits

    @property
    def left_max(self) -> int:
        """The largest left shift ``b``."""
        return self.fine_max + (self.ranges.weight_bits - 1 if self.weight_root is None else 0)

    @property
    def root_bits(self) -> tuple[int, int]:
        """Integer and fraction bits of V, or of its root where that is given, where its leading one is sought."""
        guard = 2 * self.ranges.root_guard
        bits = (self.variance_bits + 1) // 2 if self.gives_deviation else self.variance_bits
        return bits + guard, self.variance_frac_bits - guard

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
        return self.numerator_bits + self.fine_max + self.rho_bits

    @property
    def rho_bits(self) -> int:
        """Bits of rho, times the output factor if there is one: all of them fraction bits."""
        return self.root.rho_bits if self.factor is None else self.factor.rho_bits

    @property
    def scale_may_overflow(self) -> bool:
        """Whether ``RF`` may have to be saturated.

        A mantissa and rho are less than powers of two by 1 at least; where RF has as many bits as rho, that is more
        than its rounding adds. Of w, which need not be a mantissa, it is taken for granted.
        """
        return self.weight_root is None or self.scale_bits < self.rho_bits

    @property
    def step_frac_bits(self) -> int:
        """Fraction bits of ``z / scale``, before it is rounded; only with a grid."""
        assert self.grid is not None
        return self.normalized_frac_bits + self.grid.exponent

    @property
    def multiplied_bits(self) -> int:
        """Two's complement bits of what gamma multiplies: z, with a grid q, with a curve u."""
        if self.grid is not None:
            return self.grid.bits
        return self.normalized_bits if self.curve is None else self.curve.bits

    @property
    def centre_bits(self) -> int:
        """Two's complement bits of ``d*RF >> product_drop`` and KF that are kept; the difference needs no more."""
        return self.normalized_bits + self.normalize_shift + (self.shift_count - 1) * self.radix

    def half(self, shift: int) -> int:
        """Half a unit of z before the shift of step 6, for shift index ``shift``; with a grid and no curve, half a step
        besides."""
        unit = self.normalize_shift + shift * self.radix
        half_step = 0 if self.grid is None or self.curve is not None else 1 << (unit + self.step_frac_bits - 1)
        return half_step + (1 << (unit - 1))

    def figures(self) -> dict[str, int]:
        """Everything that is an integer, by name, for a plan's JSON."""
        with_grid = ("step_frac_bits", "multiplied_bits") if self.grid is not None else ()
        return {
            **{name: value for name, value in vars(self).items() if isinstance(value, int)},
            **{name: getattr(self, name) for name in with_grid},
            "centre_bits": self.centre_bits,
            "difference_bits": self.ranges.difference_bits,
            "sum_bits": self.ranges.sum_bits,
            "square_sum_bits": self.ranges.square_sum_max.bit_length(),
            "length_bits": self.ranges.length_bits,
            "rho_bits": self.root.rho_bits,
            **self.root.figures(),
        }


def refuse_too_wide(config: NormConfig, variance_bits: int) -> None:
    """ConfigError if V with its fraction bits is wider than `VARIANCE_BITS_MAX`."""
    if variance_bits > VARIANCE_BITS_MAX and config.input_scale is not None:
        raise ConfigError(
            f'scale = "row" in [input]: the variance with epsilon, as far as that is seen beside the largest gamma, '
            f"would take {variance_bits} bits; at most {VARIANCE_BITS_MAX} are allowed. Allowed: a larger output "
            "scale, a smaller gamma or elements of fewer bits"
        )
    if variance_bits > VARIANCE_BITS_MAX:
        raise ConfigError(
            f"in [input]: scale = {config.input.scale:g}, and epsilon = {config.epsilon:g}: the variance with epsilon, "
            f"in squared input steps, would take {variance_bits} bits; at most {VARIANCE_BITS_MAX} are allowed. "
            "Allowed: a larger input scale or a smaller epsilon"
        )


@lru_cache(maxsize=256)
def _with_automatic_root(config: NormConfig) -> tuple[Demand, ...]:
    """The demands with the method that costs least, of those that keep the promise; with the default if none does."""
    own = [Demand.of(each) for each in (config, *config.by_result.values())]
    demands = {name: _with_root(own, RootChoice(name)) for name in ROOTS}
    found = {name: _precision(*each) for name, each in demands.items()}
    able = [(name, each[0].root) for name, each in found.items() if isinstance(each, tuple)]
    return demands[least_costly(config, able) if able else RootChoice.method]


def _with_root(demands: Iterable[Demand], root: RootChoice) -> tuple[Demand, ...]:
    return tuple(replace(demand, root=root) for demand in demands)


def _refuse_root(config: NormConfig, demands: tuple[Demand, ...], found: float) -> None:
    """Refuses the method for the reciprocal square root, where another one would do."""
    demand = demands[0]
    choices = [RootChoice(name) for name in ROOTS if RootChoice(name) != demand.root]
    others = {choice.method: _precision(*_with_root(demands, choice)) for choice in choices}
    able = [f'"{name}"' for name, other in others.items() if isinstance(other, tuple)]
    if not able:
        return
    root = min((demand.root.smallest(bits) for bits in RHO_BITS), key=lambda root: root.relative_error)
    what = f"results would be off by up to {found:.3g} output steps before they are rounded"
    if found <= min(each.error_limit for each in demands):
        what = "fewer than 99.9 % of the results would be rounded correctly"
    raise ConfigError(
        f"in [rsqrt]: {config.rsqrt}: off by up to {root.relative_error:.2g} of the root at best, and {what}. Allowed: "
        f'method = {", ".join(able)}; or accuracy = "as-is", which takes it and tells what it reaches'
    )


@lru_cache(maxsize=256)
def _precision(*demands: Demand) -> tuple[Precision, ...] | float:
    found = search(*demands)
    if not isinstance(found, tuple):
        return found
    return tuple(
        Precision(ranges=demand.ranges, promise=_promise(demand), **vars(widths))
        for demand, widths in zip(demands, found, strict=True)
    )


def _promise(demand: Demand) -> str:
    return "as-is" if demand.is_relaxed else "tight" if demand.tight else "faithful"
