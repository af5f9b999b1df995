"""A number rounded to a floating-point format."""

from typing import NamedTuple

from amaranth.hdl import Cat, Const, Mux, Value, signed, unsigned

from streamnorm.logic.leading_one import leading_one, shift_right
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.formats import FloatFormat

__all__ = ["RoundedFloat", "rounded", "shift_right_sticky"]


class RoundedFloat(NamedTuple):
    """A code without its sign, and whether the number was beyond the largest one of the format."""

    code: Timed
    overflows: Timed


def rounded(
    p: Pipeline, output: FloatFormat, magnitude: Timed, exponent: Timed, *, zeros_max: int | None = None
) -> RoundedFloat:
    """``magnitude * 2**exponent`` smallest numbers of a format, to nearest even, subnormal numbers and 0 included.

    Beyond the largest number the code is ``code_of_overflow``. ``zeros_max``: zeros above the leading one of a
    magnitude that is not 0, at most; None where there may be any number of them.

    The magnitude is shifted until its leading one is the highest bit, then right again by as much as the number is
    subnormal, and rounded where a mantissa ends: a carry goes on into the exponent by itself.
    """
    target, precision = p.target, output.precision
    lowest = precision + 2
    if magnitude.width < lowest:  # a mantissa, a bit that rounds and one of what is left
        pad = lowest - magnitude.width
        magnitude = p.concat(p.constant(0, unsigned(pad)), magnitude)
        exponent = p.add(exponent, p.constant(-pad, signed(pad.bit_length() + 1)), signed(exponent.width + 1))
    width = magnitude.width
    zeros_max = width - 1 if zeros_max is None else min(zeros_max, width - 1)
    if zeros_max:
        position = leading_one(p, target, magnitude.bits(width - 1 - zeros_max, width))
        padded = p.concat(p.constant(0, unsigned(zeros_max)), magnitude)
        full = shift_right(p, target, padded, p.registered(position), zeros_max, width)
    else:
        position, full = p.constant(0, unsigned(1)), magnitude
    # Binade of the leading one: position + (width - 1 - zeros_max) + exponent - fraction_bits.
    base = width - 1 - zeros_max - output.fraction_bits
    bits = max(exponent.width, (abs(base) + zeros_max).bit_length() + 1) + 2
    based = p.add(exponent, p.constant(base, signed(bits)), signed(bits), name="based")
    binade = p.registered(p.add(based, p.extend(position, position.width + 1).as_signed(), signed(bits), name="binade"))
    below = binade.bits(bits - 1, bits)

    # From here on a bit of what is left stands for all below it.
    rest = full.bits(0, width - precision - 1)
    head = full.bits(width - precision - 1, width)
    kept = p.registered(
        p.concat(p.operate("rest", target.logic(rest.width), [rest], unsigned(1), lambda x: x.any()), head)
    )
    leading = kept.bits(kept.width - 1, kept.width)  # 0 of a magnitude of 0
    down_bits = (precision + 2).bit_length()

    def amount(x: Value) -> Value:
        far = ~x[down_bits:-1].all() | (x[:down_bits] == 0)
        return Mux(x[-1], Mux(far, (1 << down_bits) - 1, -x[:down_bits]), 0)

    down = p.operate("down", target.adder(down_bits) + target.logic(bits), [binade], unsigned(down_bits), amount)
    shifted = shift_right_sticky(p, kept, p.registered(down))
    mantissa = shifted.bits(2, 2 + precision)
    up = p.operate(
        "up", target.family.lut, [shifted.bits(0, 3)], unsigned(1), lambda x: x[1] & (x[0] | x[2])
    )
    exponent_bits = output.exponent_bits
    field_bits = exponent_bits + output.fraction_bits

    def place(x: Value, one: Value) -> Value:
        return Mux(x[-1] | ~one, 0, x)[:exponent_bits]

    def is_above(x: Value, one: Value) -> Value:
        return one & ~x[-1] & x[exponent_bits:-1].any()

    field = p.operate("field", target.family.lut, [binade, leading], unsigned(exponent_bits), place)
    above = p.operate("above", target.logic(bits), [binade, leading], unsigned(1), is_above)
    start = p.concat(p.constant(0, unsigned(output.fraction_bits)), field)
    addend = p.concat(p.constant(1, unsigned(1)), mantissa)
    carried = p.add(
        p.concat(p.registered(up), start), addend, unsigned(field_bits + 2), name="code"
    ).bits(1, field_bits + 2)
    largest, overflow = output.code_of_largest, output.code_of_overflow

    def is_beyond(x: Value, far: Value) -> Value:
        return far | (x > largest)

    overflows = p.operate("overflows", target.logic(field_bits + 2), [carried, above], unsigned(1), is_beyond)

    def finish(x: Value, beyond: Value) -> Value:
        return Mux(beyond, Const(overflow, field_bits), x[:field_bits])

    code = p.operate("rounded", target.family.lut, [carried, overflows], unsigned(field_bits), finish)
    return RoundedFloat(code, overflows)


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
