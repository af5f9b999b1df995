"""From elements to normalized values in logic, for each function that static norms have for floating point."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Const, Mux, Value, signed, unsigned

from streamnorm.logic.floating.decode import DecodedFloat, normalized_mantissa
from streamnorm.logic.floating.exponent import Exponent, constant_exponent, difference, exponent_sum, settled
from streamnorm.logic.floating.sticky import shift_right_jam
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.floating.static_functions import (
    Constant,
    FixedElement,
    FixedTanh,
    ScaledElement,
    ScaledTanh,
    StaticFunction,
    TabledTanh,
)

from .float_lane import LaneValue
from .tanh_values import TimedNumber, tanh_of_codes, tanh_of_octaves

__all__ = ["Element", "static_values"]


@dataclass(frozen=True)
class Element:
    """An element as it comes to a lane, a code or an integer less the zero point, and taken apart."""

    d: Timed
    parts: DecodedFloat


def static_values(p: Pipeline, function: StaticFunction, elements: Sequence[Element]) -> list[LaneValue]:
    """Each lane's z, as :mod:`~streamnorm.precision.floating.static_functions` has it."""
    if isinstance(function, TabledTanh):
        return _tabled_tanhs(p, function, elements)
    return _BUILT[type(function)](p, function, [element.parts for element in elements])


def _tabled_tanhs(p: Pipeline, function: TabledTanh, elements: Sequence[Element]) -> list[LaneValue]:
    none = p.constant(0, unsigned(1))
    indices = [
        element.d.bits(0, element.d.width - 1) if function.fraction_bits else element.parts.mantissa
        for element in elements
    ]
    values = []
    for element, found in zip(elements, tanh_of_codes(p, function.table, indices), strict=True):
        negative = _flipped(p, element.parts, function.is_flipped)
        values.append(_value(element.parts, found.value, Exponent.of(found.exponent), negative, gives_infinity=none))
    return values


def _scaled_elements(p: Pipeline, function: ScaledElement, elements: Sequence[DecodedFloat]) -> list[LaneValue]:
    values = []
    for element in elements:
        z, exponent = _times_constant(p, element, function.unit)
        values.append(_value(element, z, exponent, element.negative, gives_infinity=element.is_infinite))
    return values


def _scaled_tanhs(p: Pipeline, function: ScaledTanh, elements: Sequence[DecodedFloat]) -> list[LaneValue]:
    table, none = function.table, p.constant(0, unsigned(1))
    one = 1 << table.frac_bits
    sources = [_argument(p, function, *_times_constant(p, element, function.slope)) for element in elements]
    values = []
    for element, found in zip(elements, tanh_of_octaves(p, table, sources), strict=True):

        def special(x: Value, is_zero: Value, is_infinite: Value) -> Value:
            return Mux(is_infinite, Const(one, table.bits), Mux(is_zero, 0, x))

        def exponent(x: Value, is_infinite: Value) -> Value:
            return Mux(is_infinite, Const(-table.frac_bits, signed(len(x))), x)

        lut, shape = p.target.family.lut, found.exponent.value.shape()
        inputs = [found.value, element.is_zero, element.is_infinite]
        z = p.registered(p.operate("z", 1.5 * lut, inputs, unsigned(table.bits), special))
        place = p.registered(p.operate("place", lut, [found.exponent, element.is_infinite], shape, exponent))
        negative = _flipped(p, element, function.is_flipped)
        values.append(_value(element, z, Exponent.of(place), negative, gives_infinity=none))
    return values


def _times_constant(p: Pipeline, element: DecodedFloat, constant: Constant) -> tuple[Timed, Exponent]:
    """``m'`` times the constant, and the exponent of that."""
    full, left = normalized_mantissa(p, element.mantissa)
    product = p.registered(full)
    if constant.code > 1:
        product = p.multiply(product, p.constant(constant.code, unsigned(constant.bits)))
    binade = difference(p, element.exponent, Exponent(left, 0, 0, element.mantissa.width - 1))
    return product, binade.moved(constant.exponent)


def _argument(p: Pipeline, function: ScaledTanh, product: Timed, exponent: Exponent) -> TimedNumber:
    """T and e."""
    bits, wanted = product.width, function.table.argument_bits
    octave = exponent.moved(bits - 1)
    if function.slope.code > 1:
        top = product.bits(bits - 1, bits)

        def up(x: Value, is_full: Value) -> Value:
            return Mux(is_full, x[:-1], x[:-1] << 1)

        fraction = p.operate("fraction", p.target.family.mux, [product, top], unsigned(bits - 1), up)
        octave = exponent_sum(p, octave.moved(-1), Exponent(top, 0, 0, 1))
    else:
        fraction = product.bits(0, bits - 1)
    if fraction.width < wanted:
        fraction = p.concat(p.constant(0, unsigned(wanted - fraction.width)), fraction)
    fraction = fraction.bits(fraction.width - wanted, fraction.width)
    octave_of = settled(p, octave).value
    if not octave_of.signed:
        octave_of = p.reshape(octave_of, signed(octave_of.width + 1))
    return TimedNumber(p.registered(fraction), p.registered(octave_of))


def _fixed_elements(p: Pipeline, function: FixedElement, elements: Sequence[DecodedFloat]) -> list[LaneValue]:
    values = []
    for element in elements:
        magnitude = _fixed(p, function, element)
        z = p.registered(p.negated(magnitude, element.negative, signed(function.z_bits)))
        values.append(_fixed_value(p, element, z, function.frac_bits, gives_infinity=element.is_infinite))
    return values


def _fixed_tanhs(p: Pipeline, function: FixedTanh, elements: Sequence[DecodedFloat]) -> list[LaneValue]:
    table, none = function.table, p.constant(0, unsigned(1))
    t_bits, reach = table.table.t_bits, table.reach_bits
    places = []
    for element in elements:
        magnitude = p.registered(p.limited(_fixed(p, function.argument, element), reach))
        places.append((magnitude.bits(t_bits, reach), magnitude.bits(0, t_bits)))
    values = []
    bits = table.frac_bits
    for element, found in zip(elements, table.table.build_each(p, places, bits + 1), strict=True):

        def or_one(x: Value, is_infinite: Value) -> Value:
            return Mux(is_infinite, Const(1 << bits, bits + 1), x)

        inputs = [p.limited(found, bits), element.is_infinite]
        z = p.registered(p.operate("tanh", p.target.family.lut, inputs, unsigned(bits + 1), or_one))
        z = p.registered(p.negated(z, _flipped(p, element, function.is_flipped), signed(bits + 2)))
        values.append(_fixed_value(p, element, z, bits, gives_infinity=none))
    return values


def _fixed(p: Pipeline, function: FixedElement, element: DecodedFloat) -> Timed:
    """The magnitude."""
    pad, field = function.bits - function.mantissa_bits, element.mantissa
    if pad:
        field = p.concat(p.constant(0, unsigned(pad)), field)
    start = settled(p, constant_exponent(p, function.down), element.exponent.offset)
    down = difference(p, start, element.exponent).value
    beyond = down.bits(down.width - 1, down.width) if down.signed else p.constant(0, unsigned(1))
    amount = p.registered(p.limited(down.bits(0, down.width - down.signed), function.bits.bit_length()))
    shifted = shift_right_jam(p, field, amount, (1 << amount.width) - 1)

    def limited(x: Value, is_beyond: Value, is_infinite: Value) -> Value:
        return x | (is_beyond | is_infinite).replicate(function.bits)

    inputs = [shifted, beyond, element.is_infinite]
    return p.registered(p.operate("fixed", p.target.family.lut, inputs, unsigned(function.bits), limited))


def _flipped(p: Pipeline, element: DecodedFloat, is_flipped: bool) -> Timed:
    if not is_flipped:
        return element.negative
    return p.operate("flipped", 0.0, [element.negative], unsigned(1), lambda x: ~x)


def _fixed_value(p: Pipeline, element: DecodedFloat, z: Timed, frac_bits: int, *, gives_infinity: Timed) -> LaneValue:
    exponent = constant_exponent(p, -frac_bits)
    return _value(element, z, exponent, p.constant(0, unsigned(1)), gives_infinity=gives_infinity)


def _value(element: DecodedFloat, z: Timed, exponent: Exponent, negative: Timed, *, gives_infinity: Timed) -> LaneValue:
    return LaneValue(
        z=z,
        exponent=exponent.value,
        exponent_offset=exponent.offset,
        negative=negative,
        element_negative=element.negative,
        is_nan=element.is_nan,
        is_infinite=element.is_infinite,
        gives_nan=element.is_nan,
        gives_infinity=gives_infinity,
    )


_BUILT: dict[type, Callable[[Pipeline, Any, Sequence[DecodedFloat]], list[LaneValue]]] = {
    ScaledElement: _scaled_elements,
    ScaledTanh: _scaled_tanhs,
    FixedElement: _fixed_elements,
    FixedTanh: _fixed_tanhs,
}
