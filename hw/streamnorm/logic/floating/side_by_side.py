"""Two numbers of different exponents set on one grid, to be added."""

from typing import NamedTuple

from amaranth.hdl import Const, Mux, Value, unsigned

from streamnorm.logic.leading_one import shift_right, shift_up
from streamnorm.logic.pipeline import Pipeline, Timed

from .exponent import Exponent, constant_exponent, difference, settled, shape_between
from .fine_shift import fine_bits, shifted_finely
from .sticky import shift_right_jam

__all__ = ["Placed", "SideBySide", "field_of", "product_field", "side_by_side"]


class Placed(NamedTuple):
    """A number ``value * 2**(top - width)`` of a value of ``width`` bits, and whether it is 0: its top does not count
    then.

    ``zero_is_lowest``: whether 0 has the lowest top that there is.
    """

    top: Exponent
    width: int
    is_zero: Timed
    zero_is_lowest: bool = False


class SideBySide(NamedTuple):
    """By how much each of two numbers is shifted right in its field, and the top of both fields."""

    a_down: Timed
    b_down: Timed
    top: Exponent


def side_by_side(p: Pipeline, a: Placed, b: Placed, bits: int, lowest: int) -> SideBySide:
    """Both numbers in fields of ``bits`` bits with the same top: the higher of both, and ``lowest`` at least.

    The top of a 0 may count where that moves the other number by no more than there are zeros below it.
    """
    if a.top.is_constant:
        a = a._replace(top=settled(p, a.top, b.top.offset))
    else:
        b = b._replace(top=settled(p, b.top, a.top.offset))
    a_top, b_top = (_at_least(p, number.top, lowest) for number in (a, b))
    a_counts, b_counts = _counts(a, b, bits, lowest), _counts(b, a, bits, lowest)
    b_rise = settled(p, difference(p, a_top, b.top))
    a_rise = settled(p, difference(p, b_top, a.top))
    a_down = _down(p, a.top, a_rise, b.is_zero if b_counts else None, bits, lowest)
    b_down = _down(p, b.top, b_rise, a.is_zero if a_counts else None, bits, lowest)
    above = b_rise if b_top is b.top else settled(p, difference(p, a_top, b_top))  # how much a is above b
    zeros = [number.is_zero if counts else None for number, counts in ((a, a_counts), (b, b_counts))]
    return SideBySide(a_down, b_down, _higher(p, a_top, b_top, above, *zeros))


def field_of(p: Pipeline, value: Timed, down: Timed, bits: int, *, sticky: bool = False) -> Timed:
    """A value at the top of a field of ``bits`` bits, shifted right by ``down`` (floor); signed where it is.

    ``sticky``: the lowest bit is 1 as well where a 1 was shifted out; the value is then neither signed nor wider than
    the field.
    """
    if sticky:
        return _jammed(p, value, down, bits)
    if value.width < bits and not value.signed:
        most = (1 << down.width) - 1
        # A narrow value is shifted up from below: what it becomes stays narrow as long as it can.
        up = p.operate("up", 0.0, [down], unsigned(down.width), lambda x: ~x)
        shifted = shift_up(p, p.target, value, up, most)
        return _at_top(p, shifted, bits)
    return _shifted(p, value, down, bits, 1)


def product_field(p: Pipeline, a: Timed, b: Timed, down: Timed, bits: int, *, sticky: bool = False) -> Timed:
    """:func:`field_of` the product ``a * b``; b is not signed.

    As far as multiplier tiles have room for it, b is shifted in front of them, but for a ``sticky`` field, which has to
    be told of every bit of the product.
    """
    if sticky:
        return _jammed(p, p.multiply(a, b), down, bits)
    fine = fine_bits(p, a.width, b.width, down)
    product = p.multiply(a, shifted_finely(p, b, down, fine))
    down = down.bits(fine, down.width) if fine < down.width else p.constant(0, unsigned(1))
    return _shifted(p, product, down, bits, 1 << fine)


def _jammed(p: Pipeline, value: Timed, down: Timed, bits: int) -> Timed:
    """At the top of its field, shifted right, the lowest bit telling of what was shifted out."""
    assert value.width <= bits
    at_top = _at_top(p, value, bits)
    if isinstance(down.value, Const):
        return at_top
    return shift_right_jam(p, at_top, down, (1 << down.width) - 1)


def _shifted(p: Pipeline, value: Timed, down: Timed, bits: int, step: int) -> Timed:
    """At the top of its field, shifted right by ``step * down``."""
    at_top = _at_top(p, value, bits)
    if not isinstance(down.value, Const):
        at_top = shift_right(p, p.target, at_top, down, (1 << down.width) - 1, bits, step)
    return at_top.as_signed() if value.signed else at_top


def _at_top(p: Pipeline, value: Timed, bits: int) -> Timed:
    """A value at the top of a field, cut where it is wider."""
    at_top = value.bits(max(value.width - bits, 0), value.width)
    if value.width < bits:
        at_top = p.concat(p.constant(0, unsigned(bits - value.width)), value)
    return at_top.as_signed() if value.signed else at_top


def _counts(number: Placed, other: Placed, bits: int, lowest: int) -> bool:
    """Whether it matters that the number's top does not count where the number is 0."""
    if not number.zero_is_lowest:
        return True
    return number.top.low - max(other.top.low, lowest) > max(0, bits - other.width)


def _at_least(p: Pipeline, top: Exponent, lowest: int) -> Exponent:
    """The top; the lowest one where it is lower."""
    if top.low >= lowest:
        return top
    low, high, offset = lowest, max(lowest, top.high), top.offset
    least = lowest - offset

    def at_least(x: Value) -> Value:
        return Mux(x < least, least, x)

    delay = p.target.adder(top.value.width) + p.target.family.lut
    shape = shape_between(low - offset, high - offset)
    value = p.registered(p.operate("counted", delay, [top.value], shape, at_least))
    return Exponent(value, offset, low, high)


def _down(p: Pipeline, top: Exponent, rise: Exponent, other_is_zero: Timed | None, bits: int, lowest: int) -> Timed:
    """What the other's top is higher, or the lowest one; ``bits`` at least where it is more than that."""
    down = _positive(p, rise, bits)
    if other_is_zero is None:
        return down
    alone_down = p.constant(0, unsigned(1))
    if top.low < lowest:
        alone_down = _positive(
            p, settled(p, difference(p, settled(p, constant_exponent(p, lowest), top.offset), top)), bits
        )
    width = max(down.width, alone_down.width)
    inputs = [p.registered(other_is_zero), alone_down, down]
    return p.registered(p.operate("down", p.target.family.lut, inputs, unsigned(width), Mux))


def _positive(p: Pipeline, rise: Exponent, bits: int) -> Timed:
    """The difference; 0 where it is negative, all ones where it is ``bits`` or more."""
    if rise.high <= 0:
        return p.constant(0, unsigned(1))
    width = min(rise.high, bits).bit_length()
    value = rise.value

    def amount(difference: Value) -> Value:
        magnitude = difference[:-1] if value.signed else difference
        low, far = magnitude[:width], magnitude[width:].any()
        return Mux(difference < 0, 0, low | far.replicate(width))

    delay = p.target.logic(value.width - width + 1) + p.target.family.lut
    return p.registered(p.operate("down", delay, [value], unsigned(width), amount))


def _higher(
    p: Pipeline, a: Exponent, b: Exponent, above: Exponent, a_is_zero: Timed | None, b_is_zero: Timed | None
) -> Exponent:
    """The higher one, by what a is ``above`` b; that of a 0 does not count."""
    low, high, offset = min(a.low, b.low), max(a.high, b.high), a.offset
    none = p.constant(0, unsigned(1))
    zeros = [none if zero is None else p.registered(zero) for zero in (a_is_zero, b_is_zero)]

    def choose(x: Value, y: Value, difference: Value, a_zero: Value, b_zero: Value) -> Value:
        return Mux(~a_zero & (b_zero | (difference >= 0)), x, y)

    inputs = [a.value, b.value, above.value, *zeros]
    shape = shape_between(low - offset, high - offset)
    return Exponent(p.operate("top", 1.4 * p.target.family.lut, inputs, shape, choose), offset, low, high)
