"""The narrowest widths of a unit for floating point that keep what is promised."""

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor, inf, isqrt, log2, sqrt

from streamnorm.errors import ConfigError
from streamnorm.precision.curve import Curve
from streamnorm.spec.config import NormConfig
from streamnorm.spec.epsilon_placements import EpsilonCode
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.norms import Norm
from streamnorm.spec.parameters import StoredParameters
from streamnorm.spec.root_choice import AUTO, RootChoice
from streamnorm.spec.roots.squared import squaring_error
from streamnorm.spec.stored_floats import StoredFloats
from streamnorm.spec.weight_root import WeightRoot

from .constant_deviation import ConstantDeviation
from .elements import Elements
from .float_demand import FloatDemand, ZErrors
from .float_ending import FloatEnding
from .float_precision import FloatPrecision
from .row_epsilon import RowEpsilon
from .row_errors import sums_error
from .row_sums import RowSums

__all__ = ["error_of_sums", "found_precision"]

_GUARDS = range(3, 17)
"""Bits beyond those of a result that are tried, one after the other."""

_WINDOWS = (4, 8, 16, 32)
"""Binades of a window that are tried."""

_SUMS_SHARE = 0.75
"""Share of the error allowed that may be taken by what a row's sums leave out."""

_SUM_TILES_BITS = 35
"""Bits of a signed sum whose square takes two tiles in width."""


@lru_cache(maxsize=256)
def found_precision(config: NormConfig) -> FloatPrecision:
    """The precision of a configuration; see `FloatPrecision.of`."""
    with config.named_in_errors():
        _refuse(config)
        demand = FloatDemand.of(config)
        best = None
        for guard in _GUARDS:
            candidate, is_kept = _candidate(config, demand, guard)
            if is_kept:
                return candidate
            if best is None or candidate.error_bound < best.error_bound:
                best = candidate
        assert best is not None
        if config.accuracy == "as-is":
            return replace(best, promise="as-is")
        raise ConfigError(
            f'accuracy = "{config.accuracy}": the widest datapath would still be off by {best.error_bound:.3g} of the '
            f"last place before results are rounded, and {best.expected_error:.2%} of them be rounded the other way. "
            'Allowed: another method for the root; or accuracy = "as-is", which tells what is reached'
        )


def _refuse(config: NormConfig) -> None:
    """Refuses what there is no such unit of."""
    norm = config.formula
    if not config.output.is_float and config.gamma_rounding == "output":
        raise ConfigError(
            f'gamma_rounding = "output": with {config.input.name} input it goes with output of floats only, not with '
            f"{config.output.name}; leave it out"
        )
    if not config.input.is_float or config.output.is_float:
        return
    if norm.has_constant_deviation:
        raise ConfigError(
            f"norm = {norm.name!r}: with {config.input.name} input, a result is right beside the largest of its row, "
            f"which may be any number of steps of {config.output.name} output; allowed: output of floats"
        )
    if norm.square_limit(config.max_length) is None:
        raise ConfigError(
            f"statistic_length = {norm.statistic_length}: with {config.input.name} input, nothing but epsilon limits a "
            f"normalized value, and {config.output.name} output would take hundreds of bits; allowed: output of floats"
        )


def _candidate(config: NormConfig, demand: FloatDemand, guard: int) -> tuple[FloatPrecision, bool]:
    """The widths with so many bits beyond those of a result, and whether they keep the promise."""
    norm, elements, longest = config.formula, Elements.of(config), config.max_length
    bits = demand.precision + guard
    choice = RootChoice() if config.rsqrt.method == AUTO else config.rsqrt
    root = choice.smallest(max(12, bits + bits % 2))
    weight_bits = max(1, norm.weight(longest).bit_length())
    weight_root = WeightRoot(norm.weight(longest), root.rho_bits + 2) if norm.has_weight_root else None
    numerator_bits = weight_bits if weight_root is None else weight_root.bits
    sums = _row_sums(config, elements, demand) if elements.are_floats else None
    deviation = ConstantDeviation.of(config, elements, sums, bits) if norm.has_constant_deviation else None
    epsilon = RowEpsilon.of(config, sums, root, weight_bits, bits) if deviation is None else deviation.as_epsilon
    counted = longest if norm.statistic_length is None else min(longest, norm.statistic_length)
    reach = 1 << (elements.mantissa_bits if sums is None else sums.row_bits)
    of_sums = sums_error(norm, sums, longest, epsilon.degree if epsilon.code else 2)

    # z: with a binary point of its own, or as a product with the exponent that it has.
    is_fixed, unit = norm.centred or not config.output.is_float, 1.0
    exact_scale_bits = numerator_bits + root.rho_bits
    relative = root.relative_error + epsilon.error / 2
    mean = root.mean_share * root.relative_error + epsilon.error / 6
    gives_deviation = config.placement.gives_deviation(norm, EpsilonCode(epsilon.code, 0, 0, 0.0))
    if gives_deviation:
        relative += squaring_error(root)
    if weight_root is not None:
        relative, mean = relative + weight_root.relative_error, mean + weight_root.relative_error / 4
    if is_fixed:
        limit, unit = _limits(norm, longest) if deviation is None else (deviation.limit, deviation.least)
        frac_bits, scale_bits, product_drop = max(0, bits + 2 - floor(log2(unit))), exact_scale_bits, 0
        if norm.has_absolute_sum:  # of n / 2, what M lacks may be more than the 1 that is spare
            limit = ceil(limit * (1 + relative + of_sums.relative))
        normalized_bits = limit.bit_length() + 1 + frac_bits
        absolute, mean_absolute = 2.0**-frac_bits / unit, 2.0**-frac_bits / 3 / unit
    else:
        frac_bits, scale_bits = 0, min(exact_scale_bits, bits + 2)
        normalized_bits = min(elements.mantissa_bits + scale_bits, bits + 2)
        product_drop = elements.mantissa_bits + scale_bits - normalized_bits
        # The leading one of either may be one or two places lower than it could be.
        lost = (2.0 ** (2 - scale_bits), 2.0 ** (3 - normalized_bits))
        relative, mean = relative + sum(lost), mean + lost[0] / 3 + lost[1] / 5
        absolute = mean_absolute = 0.0
    relative, absolute = relative + of_sums.relative, absolute + of_sums.absolute
    curve, z_bits = None, normalized_bits
    if norm.curvature:
        largest = isqrt(norm.square_limit(longest) or 1) + 1
        curve = Curve.of(norm.curvature, largest, frac_bits, None)
        z_bits = curve.bits
        relative, absolute, mean, mean_absolute = _curved(
            curve, norm.curvature, largest, relative, absolute, mean, mean_absolute
        )
    ending = None
    if isinstance(config.output, FloatFormat):
        stored = StoredFloats.of(config)
        if config.gamma_rounding == "output":
            ending = FloatEnding.of_rounded(config.output, stored)
        else:
            ending = FloatEnding.of(config.output, stored, z_bits=z_bits, z_is_signed=is_fixed)
        if ending.beta_bits and not ending.rounds_first:
            # Two floors where tops are set side by side; the top of z is not that of gamma.
            top = z_bits - frac_bits if is_fixed else 4
            cut = 2.0 ** (top + 1 + ending.zeros - ending.sum_bits) / unit
            absolute, mean_absolute = absolute + 2 * cut, mean_absolute + cut
    errors = ZErrors(relative, absolute, mean, mean_absolute)
    parameters = None if ending is not None else StoredParameters.of(config)
    product_frac_bits = frac_bits + (0 if parameters is None else parameters.gamma_frac_bits)
    result_frac_bits = product_frac_bits if parameters is None else max(product_frac_bits, parameters.beta_frac_bits)
    precision = FloatPrecision(
        elements=elements,
        sums=sums,
        is_centred=norm.centred,
        is_fixed=is_fixed,
        sum_bits=(counted * reach).bit_length() + 1 if norm.has_sum else 1,
        square_bits=max(1, _square_max(norm, sums, counted, reach).bit_length()),
        length_bits=longest.bit_length(),
        count_bits=norm.count(longest).bit_length(),
        weight_bits=weight_bits,
        weight_root=weight_root,
        epsilon=epsilon,
        deviation=deviation,
        variance_bits=max(1, _variance_max(norm, sums, longest, counted, reach, epsilon).bit_length()),
        gives_deviation=gives_deviation,
        root_guard=epsilon.frac_bits // 2 if norm.square_limit(longest) is None else 0,
        root=root,
        scale_bits=scale_bits,
        scale_drop=exact_scale_bits - scale_bits,
        product_drop=product_drop,
        normalized_bits=normalized_bits,
        normalized_frac_bits=frac_bits,
        curve=curve,
        gamma_align=result_frac_bits - product_frac_bits,
        beta_align=0 if parameters is None else result_frac_bits - parameters.beta_frac_bits,
        result_frac_bits=result_frac_bits,
        ending=ending,
        promise="tight" if demand.tight else "faithful",
        error_bound=demand.bound(errors),
        expected_error=demand.expected(errors),
    )
    return precision, demand.is_kept(errors)


def _limits(norm: Norm, longest: int) -> tuple[int, float]:
    """What z is less than, and what its errors are measured in."""
    square_limit = norm.square_limit(longest)
    assert square_limit is not None
    return isqrt(square_limit) + 1, 1.0


def _curved(
    curve: Curve, k: float, largest: int, relative: float, absolute: float, mean: float, mean_absolute: float
) -> tuple[float, float, float, float]:
    """The errors of ``u = z - k*z**2``, from those of z.

    A unit is at least that of the larger of ``|u|`` and 1. So ``|z| * |1 - 2*k*z|`` counts as a share of that, which is
    largest for the largest z whose u is -1.
    """
    share = _curved_share(k, largest)
    slope = 1 + 2 * k * largest
    own = largest * (curve.slope_error() + largest * curve.code_error()) + 2.0**-curve.frac_bits
    # Ordinary values see little of the curve.
    return relative * share, slope * absolute + own, 2 * mean, 2 * mean_absolute + 2.0**-curve.frac_bits / 2


def _curved_share(k: float, largest: int) -> float:
    """What a relative error of z counts as, see above."""
    farthest = min((1 + sqrt(1 + 4 * k)) / (2 * k), float(largest))
    return max(2.0, farthest * abs(2 * k * farthest - 1))


def _row_sums(config: NormConfig, elements: Elements, demand: FloatDemand) -> RowSums:
    """The cheapest windows whose error is a part of what is allowed; the most exact ones where none are."""
    norm, longest = config.formula, config.max_length
    added = Fraction(0) if norm.has_constant_deviation else config.epsilon_in_steps
    least_top = RowSums.floor_of(elements, added)
    degree = config.placement.degree if added else 2
    if norm.has_absolute_sum:
        row_bits = max(elements.mantissa_bits + 5, demand.precision + 8)
    elif norm.has_sum:
        wished = min(demand.precision + 12, max(demand.precision + 10, _SUM_TILES_BITS - 2 - longest.bit_length()))
        row_bits = max(elements.mantissa_bits + 4, wished)
    else:
        row_bits = max(elements.mantissa_bits, demand.precision // 2 + 8 if degree == 2 else demand.precision + 6)
    if degree == 1 and norm.has_variance:
        row_bits = max(row_bits, demand.precision + 6 + elements.mantissa_bits // 2)
    if norm.curvature:
        row_bits += 4  # as many bits as its share of an error
    limit = _SUMS_SHARE * demand.limit
    best, best_cost, best_error = None, inf, inf
    for window in _WINDOWS:
        for count in range(1, max(elements.binade_max, least_top) // window + 2):
            sums = RowSums(elements=elements, window=window, count=count, row_bits=row_bits, floor=least_top)
            error = error_of_sums(config, sums)
            allowed = error <= limit
            cost = sums.cost(norm, config.lanes, longest)
            if (allowed and cost < best_cost) or (best_cost == inf and error < best_error):
                best, best_cost, best_error = sums, cost if allowed else inf, error
    assert best is not None
    return best


def error_of_sums(config: NormConfig, sums: RowSums) -> float:
    """What a result may be off by because of what such sums leave out, in units in the last place."""
    norm, longest, demand = config.formula, config.max_length, FloatDemand.of(config)
    of_sums = sums_error(norm, sums, longest, config.placement.degree if config.epsilon_in_steps else 2)
    error = (demand.product * of_sums.relative + of_sums.absolute) * 2.0**demand.precision
    if norm.curvature:
        error *= _curved_share(norm.curvature, isqrt(norm.square_limit(longest) or 1) + 1)
    return error


def _square_max(norm: Norm, sums: RowSums | None, counted: int, reach: int) -> int:
    """No S2, or M, is larger."""
    if not norm.has_absolute_sum:
        return counted * reach**2 if norm.has_squares else 0
    if sums is None:
        return counted**2 * reach
    # Half of the elements at each end; the mean may lack a unit, and those above it have what was dropped besides.
    return counted**2 * (reach + ceil(2 * sums.dropped * reach)) + 2 * counted


def _variance_max(norm: Norm, sums: RowSums | None, longest: int, counted: int, reach: int, epsilon: RowEpsilon) -> int:
    """No integer part of V is larger."""
    weight = norm.weight(longest)
    total = _square_max(norm, sums, counted, reach)
    if norm.has_squared_sum:
        total += (counted * reach) ** 2
    added = ((weight * epsilon.code << epsilon.up) >> (epsilon.drop + epsilon.frac_bits)) + 1
    outer = norm.weight_in_variance(longest)
    factor = norm.count(longest) if norm.has_factor else 1
    if norm.has_absolute_sum:
        return (total + added) ** 2
    if epsilon.degree == 1:
        return 2 * (outer * factor * total + added**2)
    return outer * (factor * total + added)
