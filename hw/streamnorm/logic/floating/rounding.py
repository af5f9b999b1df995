"""A number rounded to a floating-point format."""

from dataclasses import replace
from typing import NamedTuple

from amaranth.hdl import Const, Mux, Value, signed, unsigned

from streamnorm.logic.leading_one import leading_one_found
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.formats import FloatFormat

from .exponent import Exponent, constant_exponent, difference, exponent_sum, settled
from .sticky import shift_right_sticky

__all__ = ["RoundedFloat", "rounded"]


class RoundedFloat(NamedTuple):
    """A code without its sign, but for numbers that are beyond the largest one whatever their last bits are; whether
    the number is one of these; whether it is beyond the largest one; and whether it was 0 before."""

    code: Timed
    is_far: Timed
    overflows: Timed
    is_zero: Timed


def rounded(
    p: Pipeline, output: FloatFormat, number: Timed, exponent: Exponent, *, zeros_max: int | None = None
) -> RoundedFloat:
    """``abs(number) * 2**exponent`` smallest numbers of a format, to nearest even, subnormal numbers and 0 included.

    Beyond the largest number the code is ``code_of_overflow``, which takes the place of the code where ``is_far``.

    The magnitude of a negative number is never computed: its complement is, which is less by 1. The leading one of that
    is sought, and that 1 matters only where all bits below those that are kept are ones.

    Parameters
    ----------
    zeros_max : zeros above the leading one of a number that is not 0, at most, of one that is not signed; None: any
        number of them
    """
    target, precision = p.target, output.precision
    lut, is_signed = target.family.lut, number.signed
    pad = precision + 1 + is_signed - number.width
    if pad > 0:  # a mantissa and a bit that rounds
        number = _below(p, number, pad)
        exponent = exponent.moved(-pad)
    width = number.width - is_signed
    zeros_max = width - 1 if zeros_max is None or is_signed else min(zeros_max, width - 1)
    negative = number.bits(width, width + 1) if is_signed else p.constant(0, unsigned(1))
    ones = number
    if is_signed:
        ones = p.operate("ones", lut, [number], unsigned(width), lambda x: x[:-1] ^ x[-1].replicate(width))
    position, found = leading_one_found(p, target, ones.bits(width - 1 - zeros_max, width))
    is_zero = p.operate("no_number", lut, [found, negative], unsigned(1), lambda x, s: ~(x | s))

    # The binade of a leading one at position 0, and that of this one: no lower than that of subnormal numbers.
    start = exponent.moved(width - 1 - zeros_max - output.fraction_bits)
    based = settled(p, start)
    binade = settled(p, exponent_sum(p, based, Exponent(position, 0, 0, zeros_max)))
    amount, amount_max = position, zeros_max
    if based.low < 0:
        amount_max = max(zeros_max, min(-based.low, zeros_max + precision + 1))
        below = difference(p, settled(p, constant_exponent(p, 0), start.offset), start)
        amount = _no_farther(p, position, p.registered(below.value), binade.value, amount_max)

    # Of what lies below the mantissa and the bit that rounds, only whether there is a 1.
    padded = _below(p, number, zeros_max) if zeros_max else number
    drop = width - precision - 1
    head = padded.bits(drop, padded.width)
    kept, lost = shift_right_sticky(p, head.as_signed() if is_signed else head, amount, amount_max, precision + 1)
    if drop > zeros_max:
        rest = p.operate("rest", target.logic(drop), [padded.bits(0, drop)], unsigned(1), lambda x: x.any())
        lost = p.operate("lost", lut, [rest, lost], unsigned(1), lambda x, y: x | y)

    def up(x: Value, more: Value, s: Value) -> Value:
        half, odd = x[0] ^ s, x[1] ^ s
        return Mux(s, half | (odd & ~more), half & (odd | more))

    raised = p.operate("up", lut, [kept.bits(0, 2), lost, negative], unsigned(1), up)
    mantissa = kept.bits(1, precision + 1)
    if is_signed:
        inputs = [mantissa, negative]
        # The same table as the last level of the shift.
        mantissa = p.operate("mantissa", 0.0, inputs, unsigned(precision), lambda x, s: x ^ s.replicate(precision))
    binade = replace(binade, value=p.registered(binade.value))
    return _assembled(p, output, p.registered(mantissa), raised, binade, p.registered(is_zero))


def _assembled(
    p: Pipeline, output: FloatFormat, mantissa: Timed, raised: Timed, binade: Exponent, is_zero: Timed
) -> RoundedFloat:
    """The code of a mantissa in its binade, or in that of subnormal numbers where that is negative."""
    target, lut, precision = p.target, p.target.family.lut, output.precision
    exponent_bits, field_bits = output.exponent_bits, output.exponent_bits + output.fraction_bits
    largest, overflow, last = output.code_of_largest, output.code_of_overflow, output.binade_max
    most = (largest & ((1 << output.fraction_bits) - 1)) + (1 << output.fraction_bits)

    def place(x: Value, zero: Value) -> Value:
        return Mux(zero | (x < 0), 0, x)[:exponent_bits]

    inputs = [binade.value, is_zero]
    field = p.operate("field", 1.4 * lut, inputs, unsigned(exponent_bits), place)
    is_far = is_last = p.constant(0, unsigned(1))
    delay = target.adder(binade.value.width)
    if binade.high > last:
        is_far = p.registered(p.operate("far", delay, inputs, unsigned(1), lambda x, zero: ~zero & (x > last)))
    if binade.high >= last:
        is_last = p.registered(p.operate("last", delay, inputs, unsigned(1), lambda x, zero: ~zero & (x == last)))
    start = p.concat(p.constant(0, unsigned(output.fraction_bits)), p.registered(field))
    # One carry chain: what is rounded up enters through an extra lowest bit.
    addend = p.concat(p.constant(1, unsigned(1)), mantissa)
    code = p.add(p.concat(raised, start), addend, unsigned(field_bits + 1), name="code")
    code = code.bits(1, field_bits + 1)
    # Known as early as the code: a carry may be what takes it beyond the largest one.
    full = p.operate("full", target.logic(precision), [mantissa], unsigned(1), lambda x: x == most)
    above = p.constant(0, unsigned(1))
    if most + 1 < 2 << output.fraction_bits:
        above = p.operate("above", target.logic(precision), [mantissa], unsigned(1), lambda x: x > most)

    def beyond(far: Value, at_last: Value, most: Value, more: Value, carried: Value) -> Value:
        return far | (at_last & (more | (most & carried)))

    overflows = p.operate("overflows", 1.4 * lut, [is_far, is_last, full, above, raised], unsigned(1), beyond)
    if overflow != output.code_of_infinity or output.finite:  # else a carry makes it by itself

        def limit(x: Value, beyond: Value) -> Value:
            return Mux(beyond, Const(overflow, field_bits), x)

        code = p.operate("limited", lut, [code, overflows], unsigned(field_bits), limit)
    return RoundedFloat(code, is_far, overflows, is_zero)


def _below(p: Pipeline, number: Timed, zeros: int) -> Timed:
    """The number with zeros below."""
    padded = p.concat(p.constant(0, unsigned(zeros)), number)
    return padded.as_signed() if number.signed else padded


def _no_farther(p: Pipeline, position: Timed, below: Timed, binade: Timed, most: int) -> Timed:
    """The position, or what takes a number from ``below`` the lowest binade to it; ``most`` at most."""
    bits = most.bit_length()

    # No multiplexers with 0: of these, synthesis makes resets, which come late.
    def least(x: Value) -> Value:
        far, positive = x[bits:-1].any(), ~x[-1]
        return Mux(far, Const(most, bits), x[:bits]) & positive.replicate(bits)

    def amount(is_below: Value, low: Value, at: Value) -> Value:
        return (low & is_below.replicate(bits)) | (at & ~is_below.replicate(len(at)))

    below = p.reshape(below, signed(max(below.width, bits + 1)))
    delay = p.target.logic(below.width - bits) + p.target.family.lut
    lowest = p.registered(p.operate("least", delay, [below], unsigned(bits), least))
    inputs = [binade.bits(binade.width - 1, binade.width), lowest, position]
    return p.operate("amount", p.target.family.lut, inputs, unsigned(bits), amount)
