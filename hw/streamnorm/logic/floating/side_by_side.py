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
    p: Pipeline, a: Placed, b: Placed, bits: int, *, sticky: bool = False
) -> tuple[Timed, Timed, Timed]:
    """Both in fields of ``bits`` bits, the one with the lower top shifted right (floor), and the higher top.

    What is wider than the field is cut. a may be signed, b is not. Tops are signed; the higher one is as wide as the
    wider of them. ``sticky``: the lowest bit is 1 where any that was shifted out is; then neither is signed.
    """
    target = p.target
    width = max(a.top.width, b.top.width, bits.bit_length() + 1) + 1
    apart = p.add(a.top, b.top, signed(width), subtract=True, name="apart")
    below = apart.bits(width - 1, width)
    amount_bits = bits.bit_length()
    limit = (1 << amount_bits) - 1

    def amount(difference: Value, other_is_zero: Value) -> Value:
        low, far = difference[:amount_bits], difference[amount_bits:-1].any()
        return Mux(difference[-1] | other_is_zero, 0, low | far.replicate(amount_bits))

    delay = target.logic(width) + target.family.lut
    shape = unsigned(amount_bits)
    negated = p.operate("apart_negated", target.adder(width), [apart], signed(width), lambda x: -x)
    down_a = p.operate("down_a", delay, [negated, b.is_zero], shape, amount)
    down_b = p.operate("down_b", delay, [apart, a.is_zero], shape, amount)

    def higher(x: Value, y: Value, is_below: Value, a_zero: Value, b_zero: Value) -> Value:
        return Mux((is_below | a_zero) & ~b_zero, y, x)

    top = p.operate(
        "top", 2 * target.family.lut, [a.top, b.top, below, a.is_zero, b.is_zero], signed(width - 1), higher
    )
    placed = [_in_field(p, each.value, down, bits, limit, sticky) for each, down in ((a, down_a), (b, down_b))]
    return placed[0], placed[1], top


def _in_field(p: Pipeline, value: Timed, down: Timed, bits: int, limit: int, sticky: bool) -> Timed:
    at_top = value
    if value.width < bits:
        at_top = p.concat(p.constant(0, unsigned(bits - value.width)), value)
    elif value.width > bits:
        at_top = value.bits(value.width - bits, value.width)
    if sticky:
        assert not value.signed
        assert value.width <= bits
        return shift_right_sticky(p, at_top, p.registered(down))
    at_top = at_top.as_signed() if value.signed else at_top
    shifted = shift_right(p, p.target, at_top, p.registered(down), limit, bits)
    return shifted.as_signed() if value.signed else shifted
