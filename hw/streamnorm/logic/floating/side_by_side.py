"""Two numbers of different exponents set on one grid, to be added."""

from typing import NamedTuple

from amaranth.hdl import Mux, Value, signed, unsigned

from streamnorm.logic.leading_one import shift_right
from streamnorm.logic.pipeline import Pipeline, Timed

from .rounding import shift_right_sticky

__all__ = ["Placed", "set_side_by_side"]


class Placed(NamedTuple):
    """A number ``value * 2**(top - value.width)``, and whether it is 0: its top does not count then."""

    value: Timed
    top: Timed
    is_zero: Timed


def set_side_by_side(
    p: Pipeline, a: Placed, b: Placed, bits: int, lowest: int, *, sticky: bool = False
) -> tuple[Timed, Timed, Timed]:
    """Both in fields of ``bits`` bits with the same top, which is given, too: the higher of both, and ``lowest`` at
    least. What lies below the field is cut (floor). a may be signed, b is not. Tops are signed. ``sticky``: the lowest
    bit is 1 where any that was cut is; then neither may be signed, or wider than the field.
    """
    width = max(a.top.width, b.top.width, lowest.bit_length() + 1, bits.bit_length() + 1) + 1
    counted = [_counted(p, number, lowest, width) for number in (a, b)]
    top = _higher(p, *counted, width)
    fields = [_in_field(p, number, other, bits, width, sticky) for number, other in ((a, counted[1]), (b, counted[0]))]
    return fields[0], fields[1], top


def _counted(p: Pipeline, number: Placed, lowest: int, width: int) -> Timed:
    """The top of a number; the lowest one where it is 0, or lower."""

    def at_least(top: Value, is_zero: Value) -> Value:
        return Mux(is_zero | (top < lowest), lowest, top)

    delay = p.target.adder(number.top.width) + p.target.family.lut
    return p.registered(p.operate("counted", delay, [number.top, number.is_zero], signed(width), at_least))


def _higher(p: Pipeline, a: Timed, b: Timed, width: int) -> Timed:
    delay = p.target.adder(width) + p.target.family.lut
    return p.operate("top", delay, [a, b], signed(width), lambda x, y: Mux(x > y, x, y))


def _in_field(p: Pipeline, number: Placed, other: Timed, bits: int, width: int, sticky: bool) -> Timed:
    """A number at the top of its field, shifted right by what the other's top is higher."""
    value, amount_bits = number.value, bits.bit_length()
    at_top = value
    if value.width < bits:
        at_top = p.concat(p.constant(0, unsigned(bits - value.width)), value)
    elif value.width > bits:
        at_top = value.bits(value.width - bits, value.width)
    at_top = at_top.as_signed() if value.signed else at_top
    apart = p.add(other, number.top, signed(width + 1), subtract=True, name="apart")

    def amount(difference: Value) -> Value:
        low, far = difference[:amount_bits], difference[amount_bits:-1].any()
        return Mux(difference[-1], 0, low | far.replicate(amount_bits))

    delay = p.target.logic(width + 1 - amount_bits) + p.target.family.lut
    down = p.registered(p.operate("down", delay, [apart], unsigned(amount_bits), amount))
    if sticky:
        assert not value.signed
        assert value.width <= bits
        return shift_right_sticky(p, at_top, down)
    shifted = shift_right(p, p.target, at_top, down, (1 << amount_bits) - 1, bits)
    return shifted.as_signed() if value.signed else shifted
