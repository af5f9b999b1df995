"""What of a unit for floating-point numbers is exact, and what the rest costs, as lines of the plan's table."""

from collections.abc import Iterator
from math import floor, log2

from streamnorm.precision.floating import FloatPrecision, KeptSums, StaticFloatPrecision
from streamnorm.precision.floating.static_functions import FixedElement, ScaledElement
from streamnorm.spec.config import NormConfig
from streamnorm.spec.stored_floats import StoredFloats

__all__ = ["float_exactness", "last_place_of"]

_Lines = Iterator[tuple[str, str, str]]
"""Name, value, meaning."""


def last_place_of(config: NormConfig) -> str:
    """Of what an error is measured in the last place, in words."""
    beta = ["beta"] if StoredFloats.of(config).has_beta else []
    others = ["gamma", *beta] if config.formula.centred else beta
    if len(others) == 2:
        return "of the largest of y, gamma and beta"
    return f"of the larger of y and {others[0]}" if others else "of y"


def float_exactness(config: NormConfig, precision: FloatPrecision | StaticFloatPrecision) -> _Lines:
    """Each step on the way to a result, how exact it is, and how.

    "to 2^-16" is off by no more than that: of what is named, or of 1.
    """
    elements = precision.elements
    if elements.are_floats:
        meaning = f"mantissas of {elements.mantissa_bits} bits in {elements.binade_max + 1} binades, subnormal ones too"
        yield "elements", "exact", meaning
    else:
        yield "elements", "exact", "integers, less the zero point"
    if isinstance(precision, StaticFloatPrecision):
        yield _function(config, precision)
    else:
        yield from _statistic(config, precision)
    yield from _ending(config, precision)


def _statistic(config: NormConfig, precision: FloatPrecision) -> _Lines:
    sums = KeptSums.of(config)
    if sums is None:
        yield "sums", "exact", "of integers"
    else:
        yield from _sums(config, sums)
    epsilon = precision.epsilon
    if not epsilon.code:
        yield "epsilon", "none", "too small to change any result" if config.epsilon else "zero"
    elif sums is None:
        yield "epsilon", _to(epsilon.error), "of V; a constant"
    else:
        yield "epsilon", _to(epsilon.error), "of V; added in the unit of the row"
    yield "V", "exact", "of those sums and that epsilon"
    yield "1 / sqrt(V)", _to(precision.root.relative_error), f"of itself: {precision.root.about}"
    if precision.is_fixed:
        why = "fixed point, as a mean may leave little of x" if precision.is_centred else "fixed point, as results are"
        yield "z", f"to 2^-{precision.normalized_frac_bits}", f"{why}; an exact product, cut"
    else:
        lost = 2.0 ** (2 - precision.scale_bits) + 2.0 ** (3 - precision.normalized_bits)
        yield "z", _to(lost), "of itself, however small: floating point"


def _sums(config: NormConfig, kept: KeptSums) -> _Lines:
    sums, unit = kept.sums, "ulp" if config.output.is_float else "LSB"
    yield "sums", "exact" if sums.is_exact else _to(sums.dropped), sums.describe()
    if sums.joined_bits > sums.row_bits:
        yield "… joined", f"to {sums.row_bits} bits", "of the row's largest element; cut below"
    if config.formula.has_absolute_sum:
        yield "… of deviations", f"to {sums.row_bits} bits", "of n times the row's largest element; cut below"
    yield "… cost", f"{kept.error:.2g} {unit}", "the most that a result is off by what sums leave out"
    if kept.error_of_fewer is not None:
        fewer = f"… in {sums.count - 1}"
        yield fewer, f"{kept.error_of_fewer:.2g} {unit}", "with one window less: too much"
    if kept.cost_of_all > 1:
        about = "as much logic for the sums, about, to drop nothing"
        yield f"… in {sums.all_windows}", f"{kept.cost_of_all:.2g} times", about


def _function(config: NormConfig, precision: StaticFloatPrecision) -> tuple[str, str, str]:
    function = precision.function
    if isinstance(function, ScaledElement):
        return "z", _to(function.unit.error), "the element itself"
    if isinstance(function, FixedElement):
        return "z", f"to 2^-{function.frac_bits}", "the element itself; that bits were cut is known to the rounding"
    return "z", _to(function.table.error), f"tanh(alpha x): {function.about}"


def _ending(config: NormConfig, precision: FloatPrecision | StaticFloatPrecision) -> _Lines:
    ending = precision.ending
    if ending is None:
        yield "z gamma + beta", "exact", "integers, gamma and beta as stored"
        yield "result", "one rounding", "half to even, saturated"
        return
    if ending.rounds_first:
        yield "z, rounded", "one rounding", f"to {ending.output.name}, half to even"
    product = "z gamma" if ending.gamma_bits else "z"
    if not ending.beta_bits:
        if ending.gamma_bits:
            yield product, "exact", "every bit of the product"
    elif ending.is_sticky:
        yield f"{product} + beta", "exact", f"the first {ending.sum_bits} bits, and whether there are more"
    else:
        yield f"{product} + beta", f"to {ending.sum_bits} bits", "of the larger one; cut below"
    yield "result", "one rounding", "half to even; subnormal results too, none is flushed"


def _to(error: float) -> str:
    """At most this error, as a power of two."""
    return "exact" if error == 0 else f"to 2^{-floor(-log2(error))}"
