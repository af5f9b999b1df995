"""The widths of a unit for floating-point numbers, as lines of the plan's table."""

from collections.abc import Iterator

from streamnorm.precision.floating import FloatPrecision, StaticFloatPrecision
from streamnorm.precision.floating.float_ending import FloatEnding
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters

__all__ = ["float_widths"]

_Lines = Iterator[tuple[str, str, str]]


def float_widths(config: NormConfig, precision: FloatPrecision | StaticFloatPrecision) -> _Lines:
    """Name, width and meaning of each value, in the order in which they come."""
    hidden = ", the hidden one included" if precision.elements.are_floats else ""
    yield "m", _bits(precision.elements.mantissa_bits), f"{'mantissa' if hidden else 'magnitude'} of an element{hidden}"
    if isinstance(precision, FloatPrecision):
        yield from _statistic(config, precision)
    elif precision.ending is None:
        about = "normalized value, two's complement"
        yield "z", _bits(precision.normalized_bits, precision.normalized_frac_bits), about
    else:
        yield "Z", _bits(precision.normalized_bits), "mantissa of the normalized value"
    if precision.ending is not None:
        yield from _ending(config, precision.ending)
    else:
        stored = StoredParameters.of(config)
        for name, bits, frac_bits in (
            ("gamma", stored.gamma_bits, stored.gamma_frac_bits),
            ("beta", stored.beta_bits, stored.beta_frac_bits),
        ):
            yield name, _bits(bits, frac_bits), "as stored, in output steps"
        yield "A", f"{precision.result_frac_bits} fraction bits", "z gamma + beta, exact"
        yield "y", _bits(config.output.bits), "A rounded half to even, saturated"


def _statistic(config: NormConfig, precision: FloatPrecision) -> _Lines:
    norm, of_row = config.formula, "" if precision.sums is None else ", in the unit of the row"
    if precision.sums is not None:
        sums = precision.sums
        yield "window", f"{sums.window} binades", f"the highest {sums.count} of a row have a sum each"
        yield "aligned", _bits(sums.aligned_bits), "mantissa, shifted to its place in its window"
        yield "top", f"up to {sums.top_max}", "binade of the row's largest element"
    if norm.has_sum:
        yield "S1", _bits(precision.sum_bits), f"sum of x{of_row}"
    if norm.has_squares:
        yield "S2", _bits(precision.square_bits), f"sum of x²{of_row and of_row + ' squared'}"
    if norm.has_absolute_sum:
        yield "M", _bits(precision.square_bits), f"sum of abs(n x - S1){of_row}"
    if not norm.has_unit_weight:
        yield "w", _bits(precision.weight_bits), "weight that the length of the row gives"
    if precision.epsilon.code:
        width = _bits(precision.epsilon.code.bit_length())
        yield "epsilon", width, f"constant{of_row and ', shifted to the unit of the row'}"
    frac_bits = precision.variance_frac_bits
    if norm.has_absolute_sum:
        yield "sqrt(V)", _bits((precision.variance_bits + 1) // 2, frac_bits), "M and w epsilon; rho is its reciprocal"
    else:
        yield "V", _bits(precision.variance_bits, frac_bits), "what the root is taken of, with epsilon"
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


def _ending(config: NormConfig, ending: FloatEnding) -> _Lines:
    if ending.gamma_bits:
        yield "gamma", _bits(ending.gamma_bits), f"mantissa, stored as {config.parameter_format.name}"
    if ending.beta_bits:
        yield "beta", _bits(ending.beta_bits), f"mantissa, stored as {config.parameter_format.name}"
    product = "z gamma" if ending.gamma_bits else "z"
    if ending.beta_bits:
        yield "sum", _bits(ending.sum_bits), f"{product} + beta"
    elif ending.gamma_bits:
        yield "product", _bits(ending.sum_bits), product
    yield "y", _bits(config.output.bits), "that rounded half to even, subnormal numbers too"


def _bits(bits: int, frac_bits: int = 0) -> str:
    count = f"{bits} bit{'' if bits == 1 else 's'}"
    return f"{count}, {frac_bits} fraction" if frac_bits else count
