"""The widths of a unit for floating-point numbers, as lines of the plan's table."""

from collections.abc import Iterator

from streamnorm.precision.floating import FloatPrecision
from streamnorm.spec.config import NormConfig

__all__ = ["float_widths"]


def float_widths(config: NormConfig, precision: FloatPrecision) -> Iterator[tuple[str, str, str]]:
    """Name, width and meaning of each value, in the order in which they come."""
    norm = config.formula
    yield "m", _bits(precision.elements.mantissa_bits), "mantissa of an element, the hidden one included"
    if precision.sums is not None:
        sums = precision.sums
        yield ("window", f"{sums.count} x {sums.window} binades", "elements in them are added up exactly, none below")
        yield "top", f"up to {sums.top_max}", "binade of the row's largest element"
    if norm.has_sum:
        yield "S1", _bits(precision.sum_bits), "sum of x, in the unit of the row"
    if norm.has_squares:
        yield "S2", _bits(precision.square_bits), "sum of x², in that unit squared"
    if not norm.has_unit_weight:
        yield "w", _bits(precision.weight_bits), "weight that the length of the row gives"
    yield "V", _bits(precision.variance_bits, precision.variance_frac_bits), "what the root is taken of, with epsilon"
    for name, bits, frac_bits, meaning in precision.root.lines():
        yield name, _bits(bits, frac_bits), meaning
    if precision.is_fixed:
        yield "RF", _bits(precision.numerator_bits + precision.rho_bits), "scale of the row, exact"
        of_row = ", in the unit of its row" if precision.follows_top else ""
        yield "z", _bits(precision.normalized_bits, precision.normalized_frac_bits), f"normalized value{of_row}"
    else:
        yield "RF", _bits(precision.scale_bits), "scale of the row, its leading one first"
        yield "Z", _bits(precision.normalized_bits), "mantissa of the normalized value"
    yield "R", _bits(precision.exponent_bits), "exponent of the row"
    if precision.ending is not None:
        yield from _ending(config, precision)
    else:
        yield "A", f"{precision.result_frac_bits} fraction bits", "z gamma + beta, exact"
        yield "y", _bits(config.output.bits), "A rounded half to even, saturated"


def _ending(config: NormConfig, precision: FloatPrecision) -> Iterator[tuple[str, str, str]]:
    ending = precision.ending
    assert ending is not None
    if ending.gamma_bits:
        yield "gamma", _bits(ending.gamma_bits), f"mantissa, stored as {config.parameter_format.name}"
    if ending.beta_bits:
        yield "beta", _bits(ending.beta_bits), f"mantissa, stored as {config.parameter_format.name}"
    yield "sum", _bits(ending.sum_bits), "z gamma + beta" if ending.beta_bits else "z gamma"
    yield "y", _bits(config.output.bits), "sum rounded half to even, subnormal numbers too"


def _bits(bits: int, frac_bits: int = 0) -> str:
    count = f"{bits} bit{'' if bits == 1 else 's'}"
    return f"{count}, {frac_bits} fraction" if frac_bits else count
