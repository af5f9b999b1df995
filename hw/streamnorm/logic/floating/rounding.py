"""A number rounded to a floating-point format."""

from typing import NamedTuple

from amaranth.hdl import Cat, Const, Mux, Value, signed, unsigned

from streamnorm.logic.leading_one import leading_one, shift_right
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.formats import FloatFormat

__all__ = ["RoundedFloat", "rounded", "shift_right_sticky"]


class RoundedFloat(NamedTuple):
    """A code without its sign, but for numbers that are beyond the largest one whatever their last bits are; whether
    the number is one of these; and whether it is beyond the largest one."""

    code: Timed
    is_far: Timed
    overflows: Timed


def rounded(
    p: Pipeline,
    output: FloatFormat,
    magnitude: Timed,
    exponent: Timed,
    *,
    zeros_max: int | None = None,
    reaches_normal: bool = False,
) -> RoundedFloat:
    """``magnitude * 2**exponent`` smallest numbers of a format, to nearest even, subnormal numbers and 0 included.

    Beyond the largest number the code is ``code_of_overflow``, which takes the place of the code where ``is_far``.

    Parameters
    ----------
    zeros_max : zeros above the leading one of a magnitude that is not 0, at most; None: any number of them
    reaches_normal : whether the highest bit of the magnitude is worth a normal number at least. Then one shift takes
        the leading one to its place, or as far as a subnormal number may go. Else a second one takes it back.
    """
    target, precision = p.target, output.precision
    lowest = precision + 2
    if magnitude.width < lowest:  # a mantissa, a bit that rounds and one of what is left
        pad = lowest - magnitude.width
        magnitude = p.concat(p.constant(0, unsigned(pad)), magnitude)
        exponent = p.add(exponent, p.constant(-pad, signed(pad.bit_length() + 1)), signed(exponent.width + 1))
    width = magnitude.width
    zeros_max = width - 1 if zeros_max is None else min(zeros_max, width - 1)
    position = p.constant(0, unsigned(1))
    if zeros_max:
        position = leading_one(p, target, magnitude.bits(width - 1 - zeros_max, width))
    # The binade of a leading one at that position.
    base = width - 1 - zeros_max - output.fraction_bits
    bits = max(exponent.width, (abs(base) + zeros_max).bit_length() + 1) + 2
    based = p.add(exponent, p.constant(base, signed(bits)), signed(bits), name="based")
    amount = p.registered(position)
    if reaches_normal and zeros_max:
        amount = _no_farther(p, amount, p.registered(based))
    padded = p.concat(p.constant(0, unsigned(zeros_max)), magnitude) if zeros_max else magnitude
    full = shift_right(p, target, padded, amount, zeros_max, width) if zeros_max else magnitude
    binade = p.registered(p.add(based, p.extend(amount, amount.width + 1).as_signed(), signed(bits), name="binade"))

    # From here on a bit of what is left stands for all below it.
    rest = full.bits(0, width - precision - 1)
    head = full.bits(width - precision - 1, width)
    sticky = p.operate("rest", target.logic(rest.width), [rest], unsigned(1), lambda x: x.any())
    kept = p.concat(sticky, head)
    leading = kept.bits(kept.width - 1, kept.width)  # 0 of a subnormal number, and of 0
    exponent_bits = output.exponent_bits
    if not reaches_normal:
        down_bits = (precision + 2).bit_length()

        def back(x: Value) -> Value:
            far = ~x[down_bits:-1].all() | (x[:down_bits] == 0)
            return Mux(x[-1], Mux(far, (1 << down_bits) - 1, -x[:down_bits]), 0)

        down = p.operate("down", target.adder(down_bits) + target.logic(bits), [binade], unsigned(down_bits), back)
        kept = shift_right_sticky(p, p.registered(kept), p.registered(down))

    def place(x: Value, one: Value) -> Value:
        return Mux(x[-1] | ~one, 0, x)[:exponent_bits]

    def is_above(x: Value, one: Value) -> Value:
        return one & ~x[-1] & (x[:-1] > output.binade_max)

    leading = p.registered(leading)
    field = p.operate("field", target.family.lut, [binade, leading], unsigned(exponent_bits), place)
    is_far = p.registered(p.operate("far", target.adder(bits), [binade, leading], unsigned(1), is_above))
    up = p.operate("up", target.family.lut, [kept.bits(0, 3)], unsigned(1), lambda x: x[1] & (x[0] | x[2]))
    field_bits = exponent_bits + output.fraction_bits
    start = p.concat(p.constant(0, unsigned(output.fraction_bits)), p.registered(field))
    # One carry chain: what is rounded up enters through an extra lowest bit.
    addend = p.concat(p.constant(1, unsigned(1)), p.registered(kept.bits(2, 2 + precision)))
    code = p.add(p.concat(p.registered(up), start), addend, unsigned(field_bits + 2), name="code")
    code = code.bits(1, field_bits + 2)
    largest, overflow = output.code_of_largest, output.code_of_overflow
    inputs = [code, is_far]
    delay = target.logic(field_bits + 1)
    overflows = p.operate("overflows", delay, inputs, unsigned(1), lambda x, far: far | (x > largest))
    if overflow != output.code_of_infinity or output.finite:  # else a carry makes it by itself

        def limit(x: Value, beyond: Value) -> Value:
            return Mux(beyond, Const(overflow, field_bits), x[:field_bits])

        code = p.operate("limited", target.family.lut, [code, overflows], unsigned(field_bits), limit)
    return RoundedFloat(code.bits(0, field_bits), is_far, overflows)


def _no_farther(p: Pipeline, position: Timed, based: Timed) -> Timed:
    """The position, or what takes a number to the lowest binade if that is more."""
    bits = position.width

    def floor(x: Value) -> Value:
        return Mux(x[-1], -x, 0)[:bits]

    least = p.registered(p.operate("least", p.target.adder(based.width), [based], unsigned(bits), floor))
    delay = p.target.adder(bits) + p.target.family.lut
    amount = p.operate("amount", delay, [position, least], unsigned(bits), lambda x, y: Mux(x < y, y, x))
    return p.registered(amount)


def shift_right_sticky(p: Pipeline, value: Timed, amount: Timed) -> Timed:
    """``value >> amount``, where the lowest bit tells of itself and all that were shifted out."""
    current, width = value, value.width
    for low in range(amount.width):
        step = min(1 << low, width - 1)

        def level(x: Value, s: Value, step: int = step) -> Value:
            shifted = Cat(x[: step + 1].any(), x[step + 1 :])
            return Mux(s, shifted, x)

        delay = p.target.family.mux + p.target.logic(step + 1)
        current = p.operate("sticky", delay, [current, amount.bits(low, low + 1)], unsigned(width), level)
    return current
