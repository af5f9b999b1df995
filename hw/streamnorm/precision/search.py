"""The width search: the cheapest datapath whose error budget proves the promised accuracy.

A candidate is a point on four axes: the precision of rho, the places a normalized value can be taken from, the width
of RF, the fraction bits of z. They are tried in this order, and the first of the cheapest wins. There are tens of
thousands, so they are weighed as plain numbers; only the winner becomes Widths.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import log2, sqrt
from typing import NamedTuple, Protocol

from streamnorm.spec.epsilon_placements import EpsilonCode, EpsilonPlacement
from streamnorm.spec.epsilon_placements.row_variance import RowEpsilon
from streamnorm.spec.norms import Norm
from streamnorm.spec.output_grid import OutputGrid
from streamnorm.spec.root_choice import RootChoice
from streamnorm.spec.roots import RootMethod
from streamnorm.spec.roots.squared import squaring_error
from streamnorm.spec.weight_root import WeightRoot

from .curve import Curve, curvature_on
from .demand import COMFORTABLE_ERROR, EXPECTED_MARGIN, PROMISED_ERROR, TIGHT_ERROR, Demand, Gain
from .output_factor import OutputFactor
from .ranges import Ranges

__all__ = ["RHO_BITS", "RootCandidate", "RootDemand", "Widths", "root_candidates", "search"]

RHO_BITS = range(12, 41, 2)
"""Precisions of the reciprocal square root that are tried."""

_WEIGHT_GUARD_BITS = 2
_NORMALIZED_FRAC_BITS = range(4, 49)
_RADICES = [
    (radix, count)
    for count in (1, 2, 3, 4)
    for radix in (1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16)
    if radix > 1 or count == 1
]
"""Distance and number of the places a normalized value can be taken from."""


_TILES_OF_A_BIT = 1e-3
"""What a bit of a root's logic counts beside multiplier tiles."""

_ORDINARY_OCTAVES = 4
"""Rows with a deviation of 1/2 to 1/32 of the input range are taken for ordinary."""


@dataclass(frozen=True, kw_only=True)
class Widths:
    """What the search finds; :class:`~streamnorm.precision.precision.Precision` says what each is for."""

    root: RootMethod
    grid: OutputGrid | None
    factor: OutputFactor | None
    curve: Curve | None
    weight_root: WeightRoot | None
    epsilon_code: int
    epsilon_drop: int
    row_epsilon: RowEpsilon | None
    gives_deviation: bool
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


def search(demand: Demand, *others: Demand) -> tuple[Widths, ...] | float:
    """The cheapest widths that keep the promise; if none do, the smallest error bound there is.

    Where several results are made of one z, these are the demands of the others: they differ in what becomes of z
    only. The widths are those of each result, the same up to z.
    """
    best: tuple[_Series | _Together, int] | None = None
    closest, best_cost = float("inf"), float("inf")
    for root in root_candidates(demand):
        for places in _places(demand):
            for scale_bits in _scale_widths(demand, root, places):
                series: _Series | _Together = _Series(demand, root, places, scale_bits)
                if others:
                    series = _Together([series, *(_Series(other, root, places, scale_bits) for other in others)])
                # More bits cost no less: where the fewest without any excess cost too much, nothing here wins.
                if not series.frac_bits or series.cost(series.frac_bits[0], 0.0) >= best_cost:
                    continue
                # Both errors only fall with more bits: if the last candidate breaks the promise, all do.
                last = series.frac_bits[-1]
                last_bound = series.error_bound(last)
                closest = min(closest, last_bound)
                if not series.keeps_promise(last, last_bound):
                    continue
                for frac_bits in series.frac_bits:
                    error_bound = series.error_bound(frac_bits)
                    if not series.keeps_promise(frac_bits, error_bound) or not series.keeps_ties(frac_bits):
                        continue
                    cost = series.cost(frac_bits, error_bound)
                    if cost < best_cost:
                        best, best_cost = (series, frac_bits), cost
                    # More bits cost no less, and more accuracy is worth nothing any more.
                    if error_bound <= COMFORTABLE_ERROR:
                        break
    if best is not None:
        return best[0].all_widths(best[1])
    demands = (demand, *others)
    # Exact ties are no reason to refuse a unit.
    inexact = [replace(each, exact=False) for each in demands]
    return search(*inexact) if any(each.exact for each in demands) else closest


class RootDemand(Protocol):
    """What of a :class:`~streamnorm.precision.demand.Demand` the first axis depends on."""

    @property
    def norm(self) -> Norm: ...
    @property
    def placement(self) -> EpsilonPlacement: ...
    @property
    def root(self) -> RootChoice: ...
    @property
    def ranges(self) -> Ranges: ...
    @property
    def grid(self) -> OutputGrid | None: ...


class RootCandidate(NamedTuple):
    """First axis: how exact rho is, and epsilon to match.

    ``relative_error`` is that of what elements are multiplied by, before it is rounded: to the first order.
    """

    method: RootMethod
    factor: OutputFactor | None
    epsilon: EpsilonCode
    gives_deviation: bool
    weight_root: WeightRoot | None
    numerator_bits: int
    relative_error: float

    @property
    def rho_bits(self) -> int:
        """Bits of rho, times the factor if there is one."""
        return self.method.rho_bits if self.factor is None else self.factor.rho_bits


class _Places(NamedTuple):
    """Second axis: the places a normalized value can be taken from."""

    radix: int
    shift_count: int
    fine_max: int

    def ordinary(self, span: int) -> list[tuple[int, int]]:
        """``(s * radix, f)`` of rows whose deviation is in one of the topmost octaves, the last first."""
        octaves = range(span, max(span - _ORDINARY_OCTAVES, -1), -1)
        farthest = (self.shift_count - 1) * self.radix
        shifts = [min(w - w % self.radix, farthest) for w in octaves]
        return [(shift, min(w - shift, self.fine_max)) for w, shift in zip(octaves, shifts, strict=True)]


def root_candidates(demand: RootDemand) -> Iterator[RootCandidate]:
    """The first axis, the narrowest first."""
    for rho_bits in RHO_BITS:
        method = demand.root.smallest(rho_bits)
        factor = OutputFactor.of(demand.grid, rho_bits)
        more = 0.0 if factor is None else factor.relative_error
        epsilon = demand.placement.encode(demand.norm, demand.ranges, method, rho_bits + 2)
        gives_deviation = demand.placement.gives_deviation(demand.norm, epsilon)
        if gives_deviation:
            more += squaring_error(method)
        weight_root, numerator_bits = None, demand.ranges.weight_bits
        if demand.norm.has_weight_root:
            numerator_bits = rho_bits + _WEIGHT_GUARD_BITS
            weight_root = WeightRoot(demand.ranges.weight_max, numerator_bits)
            more += weight_root.relative_error
        error = method.relative_error + epsilon.error / 2 + more
        yield RootCandidate(method, factor, epsilon, gives_deviation, weight_root, numerator_bits, error)


def _places(demand: Demand) -> Iterator[_Places]:
    span = demand.ranges.exponent_max - demand.ranges.exponent_min - demand.ranges.tail
    for radix, count in _RADICES:
        fine_max = max(radix - 1, span - (count - 1) * radix)
        if fine_max <= 2 * radix and (count - 1) * radix <= span:
            yield _Places(radix, count, fine_max)


def _scale_widths(demand: Demand, root: RootCandidate, places: _Places) -> list[int]:
    """Third axis: all bits of RF, or as many as fill one multiplier tile or two."""
    exact_bits = root.numerator_bits + places.fine_max + root.rho_bits
    tile = (demand.tile or (18, 18))[0]
    return [*(bits for bits in (tile, 2 * tile - 1, 2 * tile) if bits < exact_bits), exact_bits]


class _Series:
    """Candidates that differ on the fourth axis only, the fraction bits of z; ``frac_bits`` are those that fit.

    Errors are in output LSB, before the final rounding; with a grid, before the first one.
    """

    def __init__(self, demand: Demand, root: RootCandidate, places: _Places, scale_bits: int) -> None:
        self._demand, self._root, self._places, self._scale_bits = demand, root, places, scale_bits
        ranges, method, factor, grid = demand.ranges, root.method, root.factor, demand.grid
        radix, self._shift_count, fine_max = places
        scale_drop = root.numerator_bits + fine_max + ranges.tail + root.rho_bits - scale_bits
        self._scale_drop = scale_drop
        self._scale_frac_bits = scale_bits - ranges.exponent_max
        # Step 6 shifts d * RF left by two bits at most; KF has no more bits than the exact product.
        last = self._scale_frac_bits - 2 + min(2, scale_drop)
        first = _NORMALIZED_FRAC_BITS[0]
        if grid is not None:  # a step of the grid has a half, at least; behind a curve, a bit below it
            first = max(first, (2 if demand.norm.curvature else 1) - grid.exponent)
        self.frac_bits = range(first, min(last, _NORMALIZED_FRAC_BITS[-1]) + 1)

        largest = float(ranges.normalized_max)
        # A result beyond the output range saturates, so a relative error acts on no more than this.
        visible = min(demand.gain * largest, demand.output_reach + demand.beta_max_abs)
        curvature = float(curvature_on(grid, demand.norm.curvature))
        self._ordinary_slope = 1 + 2 * demand.norm.curvature
        self._steepest, self._farthest = 1.0, largest
        if curvature:
            self._steepest, self._farthest = _seen_of_curve(demand, curvature, largest)
            visible = demand.gain * self._farthest * self._steepest
        self._relative_bound = visible * root.relative_error * 1.01
        # RF's rounding error acts on d, up to half a unit times what |d| can be beside this scale: reach * largest.
        reach = largest * demand.norm.reach + 1
        if demand.norm.square_limit(1) is None and not demand.norm.centred and demand.gain:
            reach = min(reach, visible / demand.gain + 1)  # nothing but d * RF makes z, so it is a relative error
        self._normalized_error = largest * root.relative_error * 1.01
        # In the tail RF has ever fewer bits, and one unit of it is worth the same in all rows: d is what bounds it.
        if ranges.tail:
            reach = max(reach, ranges.difference_max * 2.0 ** (ranges.exponent_min + ranges.tail))
        leading = 2.0 ** (scale_bits - fine_max - 2)
        self._scale_error = reach * 0.5 / leading if scale_drop else 0.0
        # Rows with the largest f, so with the fewest bits of RF, are those of full scale: not rare.
        leading_bits = scale_bits - 1 - fine_max
        # What z times the mantissa is beside z. RF has the mantissa too, but its rounding errors have not.
        size = 1.0 if grid is None else float(grid.mantissa)
        self._cautious_parts = (
            0.8 * root.relative_error * max(0.5, method.mean_share) * size,
            1.2 * (0.25 / 2.0**leading_bits if scale_drop else 0.0),
        )

        ordinary = places.ordinary(ranges.exponent_max - ranges.exponent_min - ranges.tail)
        # RF lies between 2**(m - 2) and 2**m, m = scale_bits - f, and 1/RF is 2.16 / 2**m in the mean; a quarter
        # more for rows that are all of one deviation.
        inverse = sum(1.25 * 2.16 * 2.0 ** (fine - scale_bits) for _, fine in ordinary) / len(ordinary)
        self._expected_parts = (
            0.8 * method.mean_share * method.relative_error * size,
            (1.15 if demand.norm.centred else 0.8) * (0.25 * inverse if scale_drop else 0.0),
        )
        if factor is not None:
            # The constant is off by the same in all rows. A rounding is off by 1/4 unit in the mean, not by 1/2, and
            # relative to a product of 0.72 times the mantissa in the mean, not of 1/4.
            parts = 0.8 * factor.constant_error * size, 0.8 * 0.18 * factor.rounding_error
            self._expected_parts += parts
        if root.weight_root is not None:  # the same in all rows of a length
            self._expected_parts += (0.8 * root.weight_root.relative_error * size,)
        self._expected_floor = sum(2.0**-shift for shift, _ in ordinary) / len(ordinary) / 3

        # Operand widths of the products once a row; those of every lane are in cost().
        pairs = [(root.numerator_bits + fine_max + ranges.tail, root.rho_bits), *method.products]
        if root.weight_root is None:
            pairs.append((ranges.weight_bits, ranges.square_sum_max.bit_length() + root.epsilon.frac_bits))
        if demand.norm.centred:
            pairs.append((ranges.sum_bits, root.rho_bits))
        if factor is not None:
            pairs.append((method.rho_bits, factor.bits))
        self._shared_area = sum(self._area(a, b) for a, b in pairs)
        self._shared_area += method.logic_bits * (1 if demand.tile is None else _TILES_OF_A_BIT)
        self._scale_area = self._area(ranges.difference_bits, scale_bits)
        self._farthest_shift = (self._shift_count - 1) * radix

    def _area(self, a: int, b: int) -> int:
        """Multiplier tiles of a product; in logic, its partial product bits."""
        tile = self._demand.tile
        return a * b if tile is None else -(-a // tile[0]) * -(-b // tile[1])

    def _guard(self, frac_bits: int) -> int:
        """``normalize_shift``: bits below those of z that the product and KF are kept to."""
        return 3 if self._scale_frac_bits - frac_bits >= 3 else 2

    def _product_drop(self, frac_bits: int) -> int:
        return self._scale_frac_bits - frac_bits - self._guard(frac_bits)

    def _floors(self, frac_bits: int) -> float:
        """What steps 5 and 6 lose by rounding down, in z."""
        dropped = self._scale_drop + self._product_drop(frac_bits)
        return 2.0**-frac_bits * 2.0 ** -self._guard(frac_bits) if dropped else 0.0

    def error_bound(self, frac_bits: int) -> float:
        """The proven largest error."""
        rounding = 2.0**-frac_bits / 2
        inexact = self._scale_error + self._floors(frac_bits) + rounding
        curve = self._curve(frac_bits)
        if curve is not None:
            farthest = self._farthest
            inexact *= self._steepest
            inexact += rounding + farthest * curve.slope_error() + farthest**2 * curve.code_error()
        return max(self._relative_bound + self._demand.gain * inexact * 1.01, self._demand.placement.cut)

    def keeps_promise(self, frac_bits: int, error_bound: float) -> bool:
        """Whether the errors are within what is demanded, the proven largest one being ``error_bound``."""
        demand = self._demand
        return error_bound <= demand.error_limit and (not demand.tight or self.is_tight(frac_bits))

    def keeps_ties(self, frac_bits: int) -> bool:
        """Whether ties are exact, if that is demanded."""
        return not self._demand.exact or self.is_exact(frac_bits)

    def is_exact(self, frac_bits: int) -> bool:
        """Whether z is off by less than half a unit before it is rounded: what its bits hold then comes out exactly."""
        inexact = self._normalized_error + self._scale_error * 1.01 + self._floors(frac_bits)
        return inexact < 2.0**-frac_bits / 2

    def is_tight(self, frac_bits: int) -> bool:
        """Whether 99.9 % of the results are rounded correctly, in rows of whatever length."""
        demand = self._demand
        return (
            self._cautious_error(frac_bits, demand.row_gain) <= TIGHT_ERROR
            and self._cautious_error(frac_bits, demand.prefix_gain) <= PROMISED_ERROR
            and self.expected_error(frac_bits) <= PROMISED_ERROR
        )

    def _cautious_error(self, frac_bits: int, gain: Gain) -> float:
        """The mean error with each term from above, in rows of full scale."""
        return _root_of_squares(
            *(gain.mean * self._ordinary_slope * part for part in self._cautious_parts),
            gain.mean * self._ordinary_slope * self._floors(frac_bits) / 2,
            gain.at_ties * self._ordinary_slope * 2.0**-frac_bits / 4,
            *self._curve_parts(frac_bits, gain),
        )

    def _curve(self, frac_bits: int) -> Curve | None:
        demand = self._demand
        if not demand.norm.curvature:
            return None  # u is z
        return Curve.of(demand.norm.curvature, demand.ranges.normalized_max, frac_bits, demand.grid)

    def _curve_parts(self, frac_bits: int, gain: Gain) -> list[float]:
        """Mean errors of the curve, where z is about 1."""
        curve = self._curve(frac_bits)
        if curve is None:
            return []
        return [gain.mean * curve.slope_error(), gain.mean * curve.code_error(), gain.at_ties * 2.0**-frac_bits / 4]

    def expected_error(self, frac_bits: int) -> float:
        """The mean error in ordinary rows, where gamma is largest."""
        gain = self._demand.prefix_gain
        return EXPECTED_MARGIN * _root_of_squares(
            *(gain.mean * self._ordinary_slope * part for part in self._expected_parts),
            gain.mean * self._ordinary_slope * self._floors(frac_bits) * self._expected_floor,
            gain.at_ties * self._ordinary_slope * 2.0**-frac_bits / 4,
            *self._curve_parts(frac_bits, gain),
        )

    def _normalized_bits(self, frac_bits: int) -> int:
        largest, grid = self._demand.ranges.normalized_max, self._demand.grid
        if grid is not None and grid.exponent > 0:
            largest += 1 << (grid.exponent - 1)  # half a step, which rounds
        return largest.bit_length() + frac_bits + 1

    def _multiplied(self, frac_bits: int) -> tuple[int, int]:
        """Bits and fraction bits of what gamma multiplies."""
        grid, curve = self._demand.grid, self._curve(frac_bits)
        if grid is not None:
            return grid.bits, 0
        return (self._normalized_bits(frac_bits) if curve is None else curve.bits), frac_bits

    def gamma_area(self, frac_bits: int) -> int:
        """Multiplier tiles of the products with gamma."""
        demand = self._demand
        return self._area(self._multiplied(frac_bits)[0], demand.gamma_bits) * demand.lanes

    def cost(self, frac_bits: int, error_bound: float, more_area: int = 0) -> float:
        """Multiplier tiles of the whole unit, and a little for every bit; in logic, the partial product bits.

        ``more_area``: tiles, or such bits, that other results take besides."""
        demand, normalized_bits = self._demand, self._normalized_bits(frac_bits)
        area = self._scale_area * demand.lanes + self.gamma_area(frac_bits) + more_area
        area += self._shared_area
        if (curve := self._curve(frac_bits)) is not None:
            code_bits = curve.code.bit_length() + 1
            area += demand.lanes * (
                self._area(normalized_bits, code_bits) + self._area(normalized_bits, curve.slope_bits)
            )
        excess = 20 * log2(max(error_bound / COMFORTABLE_ERROR, 1.0))
        places_bits = normalized_bits * self._shift_count
        if demand.tile is None:
            return area + demand.lanes * places_bits + 2 * excess
        centre_bits = normalized_bits + self._guard(frac_bits) + self._farthest_shift
        bits = centre_bits + places_bits + self._scale_bits
        return area + 1e-3 * (bits + excess) + 1e-4 * self._root.method.word_width

    def all_widths(self, frac_bits: int) -> tuple[Widths, ...]:
        """Those of each result; there is one."""
        return (self.widths(frac_bits),)

    def widths(self, frac_bits: int) -> Widths:
        """All widths and binary points of one candidate."""
        demand, root, product_drop = self._demand, self._root, self._product_drop(frac_bits)
        product_frac_bits = self._multiplied(frac_bits)[1] + demand.gamma_frac_bits
        result_frac_bits = max(product_frac_bits, demand.beta_frac_bits)
        return Widths(
            root=root.method,
            grid=demand.grid,
            factor=root.factor,
            curve=self._curve(frac_bits),
            weight_root=root.weight_root,
            epsilon_code=root.epsilon.code,
            epsilon_drop=root.epsilon.drop,
            row_epsilon=root.epsilon.of_row,
            gives_deviation=root.gives_deviation,
            variance_frac_bits=root.epsilon.frac_bits,
            variance_bits=(demand.ranges.variance_max + 1).bit_length(),
            radix=self._places.radix,
            shift_count=self._places.shift_count,
            fine_max=self._places.fine_max + demand.ranges.tail,
            scale_bits=self._scale_bits,
            scale_drop=self._scale_drop,
            product_drop=product_drop,
            centre_drop=self._scale_drop + product_drop,
            normalize_shift=self._guard(frac_bits),
            normalized_bits=self._normalized_bits(frac_bits),
            normalized_frac_bits=frac_bits,
            gamma_align=result_frac_bits - product_frac_bits,
            beta_align=result_frac_bits - demand.beta_frac_bits,
            result_frac_bits=result_frac_bits,
            error_bound=self.error_bound(frac_bits),
            expected_error=self.expected_error(frac_bits),
        )


class _Together:
    """Candidates for several results of one z: a series of each, which differ in what they demand only.

    The same whatever the order of the results.
    """

    def __init__(self, series: Sequence[_Series]) -> None:
        self._series = series
        self.frac_bits = series[0].frac_bits

    def error_bound(self, frac_bits: int) -> float:
        """The proven largest error of the worst of them."""
        return max(series.error_bound(frac_bits) for series in self._series)

    def keeps_promise(self, frac_bits: int, error_bound: float) -> bool:
        """Whether each keeps its own promise."""
        return all(series.keeps_promise(frac_bits, series.error_bound(frac_bits)) for series in self._series)

    def keeps_ties(self, frac_bits: int) -> bool:
        """Whether each does."""
        return all(series.keeps_ties(frac_bits) for series in self._series)

    def cost(self, frac_bits: int, error_bound: float) -> float:
        """That of one, and the products with gamma of the others."""
        first, *others = self._series
        return first.cost(frac_bits, error_bound, sum(series.gamma_area(frac_bits) for series in others))

    def all_widths(self, frac_bits: int) -> tuple[Widths, ...]:
        """Those of each result."""
        return tuple(series.widths(frac_bits) for series in self._series)


def _seen_of_curve(demand: Demand, curvature: float, largest: float) -> tuple[float, float]:
    """The largest ``|1 - 2*k*z|`` and the largest ``|z|`` of results that are not beyond the output range.

    Where ``|z - k*z**2|`` is U, the slope is at most ``sqrt(1 + 4*k*U)``. Gamma times it, and times ``|z|`` besides, is
    largest for the largest gamma, although smaller ones see more of the curve.
    """
    slope = 1 + 2 * curvature * largest
    if demand.gain:
        slope = min(slope, sqrt(1 + 4 * curvature * (demand.output_reach + demand.beta_max_abs) / demand.gain))
    return slope, min(largest, (1 + slope) / (2 * curvature))


def _root_of_squares(*parts: float) -> float:
    return sqrt(sum(part**2 for part in parts))
