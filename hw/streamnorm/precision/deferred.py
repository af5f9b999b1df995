"""Widths of a unit whose scales leave beside the rows: a statistic is all there is."""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import log2

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import EpsilonPlacement
from streamnorm.spec.formats import ScaleWord
from streamnorm.spec.fusions import DeferredScale
from streamnorm.spec.norms import Norm
from streamnorm.spec.output_grid import OutputGrid
from streamnorm.spec.root_choice import AUTO, RootChoice
from streamnorm.spec.roots import ROOTS, RootMethod
from streamnorm.spec.weight_root import WeightRoot

from .automatic_root import least_costly
from .output_factor import OutputFactor
from .precision import Precision, refuse_too_wide
from .ranges import Ranges
from .search import RootCandidate, root_candidates

__all__ = ["DeferredPrecision"]

_SECOND_ORDER = 1.01
"""Errors are added, where factors are multiplied."""


@dataclass(frozen=True, kw_only=True)
class DeferredPrecision:
    """The binary points and widths of the statistic; hardware and golden model are built from the same object.

    1. and 2. are those of :class:`~streamnorm.precision.precision.Precision`: V, k and ``rho``, times the
       :attr:`factor` where there is one; it is shifted left then if its highest bit is 0: ``u = 0``, else ``u = 1``.
    3. ``P = (w << j) * rho`` with ``j = weight_bits - bits(w)``, of ``product_bits``; its leading one is the highest
       bit or the one below it. ``t = 1`` where it is the highest.
    4. ``mantissa = ((P << 1 - t) + half) >> drop``, of as many bits as the format has; at most all ones, and at least
       the leading one alone, which only a rho of an accuracy "as-is" falls short of.
    5. ``exponent = bits(w) - k + t + exponent_base``; with a factor, ``+ u``.

    ``mantissa * 2**exponent`` is then ``w / sqrt(V)``, which elements less their zero point are to be multiplied by; of
    rows that leave less their mean, times the output's scale over that of what is normalized, which is in the factor
    and the exponent.
    Where the root of w stands for w, its mantissa is there in step 3 with ``j = 0``, and its exponent in the place of
    ``bits(w)``.

    **What is promised.** Of every row, the scale is off by at most ``relative_error``, relative to itself: the errors
    of rho, of V and of the root of w, and half a unit of the mantissa. A row whose elements are all 0, or all equal
    where the mean is subtracted, has some scale, the exact one only if V of it is 1 at least.

    Attributes
    ----------
    number : how a scale travels
    relative_error : the proven bound
    promise : as of every precision; "as-is" where ``relative_error`` is more than what is promised elsewhere, or the
        error of ``x - mean``
    factor : what rho is multiplied by; None where that is a power of two, which :attr:`steps_exponent` is
    rows : precision of the unit that takes the mean off; None where rows go through. ``error_bound`` and
        ``expected_error`` are those of its results
    """

    ranges: Ranges
    number: ScaleWord
    root: RootMethod
    weight_root: WeightRoot | None
    epsilon_code: int
    epsilon_drop: int
    gives_deviation: bool
    variance_frac_bits: int
    variance_bits: int
    relative_error: float
    promise: str
    factor: OutputFactor | None
    steps_exponent: int
    rows: Precision | None

    @property
    def error_bound(self) -> float:
        """Of ``x - mean``, output LSB, before it is rounded; 0 where rows go through."""
        return 0.0 if self.rows is None else self.rows.error_bound

    @property
    def expected_error(self) -> float:
        """The mean of that."""
        return 0.0 if self.rows is None else self.rows.expected_error

    @staticmethod
    def of(config: NormConfig) -> "DeferredPrecision":
        """The narrowest widths that keep the promise of ``config`` (cached).

        Raises
        ------
        ConfigError
            If no supported width reaches the asked accuracy, which "as-is" always does, or V is too wide.
        """
        return _deferred_precision(config)

    @property
    def difference_bits(self) -> int:
        """Two's complement bits of an element less its zero point."""
        return self.ranges.difference_bits

    @property
    def normalized_bits(self) -> int:
        """Of what leaves in the place of a normalized value: an element, or ``x - mean``."""
        return self.ranges.difference_bits if self.rows is None else self.rows.normalized_bits

    @property
    def rho_bits(self) -> int:
        """Bits of rho, times the factor if there is one."""
        return self.root.rho_bits if self.factor is None else self.factor.rho_bits

    @property
    def numerator_bits(self) -> int:
        """Bits of w, or of its root's mantissa."""
        return self.ranges.weight_bits if self.weight_root is None else self.weight_root.bits

    @property
    def product_bits(self) -> int:
        """Of P."""
        return self.numerator_bits + self.rho_bits

    @property
    def drop(self) -> int:
        """Bits of P below those of the mantissa."""
        return self.product_bits - self.number.mantissa_bits

    @property
    def exponent_base(self) -> int:
        """What is added in step 5."""
        scaled = self.ranges.root_guard - self.number.mantissa_bits - 1 - self.steps_exponent
        return scaled if self.factor is None else scaled - 1

    @property
    def root_bits(self) -> tuple[int, int]:
        """Integer and fraction bits of V, or of its root where that is given, where its leading one is sought."""
        guard = 2 * self.ranges.root_guard
        bits = (self.variance_bits + 1) // 2 if self.gives_deviation else self.variance_bits
        return bits + guard, self.variance_frac_bits - guard

    def figures(self) -> dict[str, int]:
        """Everything that is an integer, by name, for a plan's JSON."""
        return {
            **{name: value for name, value in vars(self).items() if isinstance(value, int)},
            "mantissa_bits": self.number.mantissa_bits,
            "exponent_bits": self.number.EXPONENT_BITS,
            "product_bits": self.product_bits,
            "difference_bits": self.ranges.difference_bits,
            "sum_bits": self.ranges.sum_bits,
            "square_sum_bits": self.ranges.square_sum_max.bit_length(),
            "length_bits": self.ranges.length_bits,
            "rho_bits": self.rho_bits,
            **self.root.figures(),
            **({} if self.rows is None else {f"rows_{name}": value for name, value in self.rows.figures().items()}),
        }


@dataclass(frozen=True)
class _Demand:
    """Everything about a configuration that a width depends on."""

    norm: Norm
    placement: EpsilonPlacement
    root: RootChoice
    ranges: Ranges
    number: ScaleWord
    grid: OutputGrid

    def error(self, candidate: RootCandidate) -> float:
        """How far a scale is off at most. A mantissa that would be rounded to a power of two is all ones instead, one
        unit off: no more, relative to itself, than half a unit of the smallest mantissa."""
        return _SECOND_ORDER * (candidate.relative_error + 2.0**-self.number.mantissa_bits)


@lru_cache(maxsize=256)
def _deferred_precision(config: NormConfig) -> DeferredPrecision:
    choice = RootChoice() if config.rsqrt.method == AUTO else config.rsqrt
    number, grid = DeferredScale.number(config), DeferredScale.grid(config)
    demand = _Demand(config.formula, config.placement, choice, Ranges.of(config), number, grid)
    rows = None if config.centred_rows is None else Precision.of(config.centred_rows)
    wanted = DeferredScale.wanted_error(config)
    found = _exact_enough(demand, wanted)
    if config.rsqrt.method == AUTO:
        all_found = {name: _exact_enough(replace(demand, root=RootChoice(name)), wanted) for name in ROOTS}
        able = [(name, one.method) for name, one in all_found.items() if demand.error(one) < wanted]
        found = all_found[least_costly(config, able)]
    error = demand.error(found)
    promise = "tight" if config.accuracy == "tight" else "faithful"
    if error >= wanted or (rows is not None and rows.promise == "as-is"):
        promise = "as-is"
    with config.named_in_errors():
        if error >= wanted and config.accuracy != "as-is":
            raise ConfigError(
                f"in [rsqrt]: {config.rsqrt}: a scale would be off by up to 2^{log2(error):.1f} of itself; "
                f'accuracy = "{config.accuracy}" is less than 2^{log2(wanted):.0f}. Allowed: another method; or '
                'accuracy = "as-is", which takes it and tells what it reaches'
            )
        precision = DeferredPrecision(
            ranges=demand.ranges,
            number=demand.number,
            root=found.method,
            weight_root=found.weight_root,
            epsilon_code=found.epsilon.code,
            epsilon_drop=found.epsilon.drop,
            gives_deviation=found.gives_deviation,
            variance_frac_bits=found.epsilon.frac_bits,
            variance_bits=(demand.ranges.variance_max + 1).bit_length(),
            relative_error=error,
            promise=promise,
            factor=found.factor,
            steps_exponent=grid.exponent,
            rows=rows,
        )
        refuse_too_wide(config, precision.variance_bits + precision.variance_frac_bits)
    return precision


def _exact_enough(demand: _Demand, wanted: float) -> RootCandidate:
    """The first that is off by less than wanted; where none is, the one that is off by least."""
    best = None
    for candidate in root_candidates(demand):
        # P must have a bit below the mantissa, which rounds it.
        if candidate.numerator_bits + candidate.rho_bits <= demand.number.mantissa_bits:
            continue
        if demand.error(candidate) < wanted:
            return candidate
        if best is None or candidate.relative_error < best.relative_error:
            best = candidate
    assert best is not None
    return best
