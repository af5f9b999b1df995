"""tanh of floating-point numbers from tables in block RAM."""

from collections.abc import Sequence
from typing import NamedTuple

from amaranth.hdl import Cat, Const, Mux, Value, signed, unsigned

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.tanh_codes import TanhCodes
from streamnorm.spec.tanh_octaves import SHARED_ENTRIES_MAX, OctaveTanh

__all__ = ["TimedNumber", "tanh_of_codes", "tanh_of_octaves"]


class TimedNumber(NamedTuple):
    """``value * 2**exponent``; of an argument of octaves, T and e."""

    value: Timed
    exponent: Timed


def tanh_of_codes(p: Pipeline, table: TanhCodes, indices: Sequence[Timed]) -> list[TimedNumber]:
    """What a table has for each of some lanes' indices."""
    width, found = table.bits + table.down_bits, []
    shape = signed(max(table.down_bits, table.start.bit_length() + 1) + 2)
    delay = p.target.adder(shape.width)
    for word in p.lookups("tanh", indices, width, table.words()):
        place = p.operate("place", delay, [word.bits(table.bits, width)], shape, lambda x: table.start - x)
        found.append(TimedNumber(word.bits(0, table.bits), place))
    return found


def tanh_of_octaves(p: Pipeline, table: OctaveTanh, sources: Sequence[TimedNumber]) -> list[TimedNumber]:
    """As `OctaveTanh.evaluate`, of each of some lanes' arguments; exponents are signed."""
    places, bits = [_place(p, table, source) for source in sources], table.frac_bits + 2
    if len(table.table.coefficients[0]) <= SHARED_ENTRIES_MAX:
        found = table.table.build_each(p, places, bits)
    else:
        found = [table.table.build(p, *place, bits) for place in places]
    return [_result(p, table, value, source) for value, source in zip(found, sources, strict=True)]


def _place(p: Pipeline, table: OctaveTanh, source: TimedNumber) -> tuple[Timed, Timed]:
    """Which polynomial, and where in its segment."""
    t_bits, first = table.table.t_bits, table.first
    bits = max(1, (table.last - first).bit_length())
    shape = signed(max(source.exponent.width, abs(first).bit_length() + 1) + 1)
    octave = p.operate("octave", p.target.adder(shape.width), [source.exponent], shape, lambda x: x - first)
    # Of what is not in the table, any.
    index = p.concat(source.value.bits(t_bits, table.argument_bits), octave.bits(0, bits))
    return p.registered(index), source.value.bits(0, t_bits)


def _result(p: Pipeline, table: OctaveTanh, value: Timed, source: TimedNumber) -> TimedNumber:
    n, target, lut = table.frac_bits, p.target, p.target.family.lut
    bits = source.exponent.width
    below, above = (
        p.registered(p.operate(name, target.adder(bits), [source.exponent], unsigned(1), test))
        for name, test in (("below", lambda x: x < table.first), ("above", lambda x: x > table.last))
    )
    negative = source.exponent.bits(bits - 1, bits)
    width = table.argument_bits + 1
    near = p.operate("near", target.adder(width), [source.value], unsigned(width), lambda x: Cat(x, Const(1, 1)) - 1)
    small = near.bits(table.argument_bits - n, width)

    def limited(x: Value, is_negative: Value) -> Value:
        # A table whose largest result is below 2 gives no bit n + 1.
        wide = x[: n + 1] | (x[n + 1 :].any().replicate(n + 1) if len(x) > n + 1 else 0)
        return Mux(is_negative, wide, x[:n] | x[n:].any().replicate(n))

    def chosen(x: Value, other: Value, is_below: Value, is_above: Value) -> Value:
        return Mux(is_below, other, Mux(is_above, Const((1 << n) - 1, n + 1), x))

    limit = p.operate("limited", 2 * lut, [value, negative], unsigned(n + 1), limited)
    result = p.operate("tanh", 1.5 * lut, [limit, p.registered(small), below, above], unsigned(n + 1), chosen)
    shape = signed(max(bits, n.bit_length() + 1) + 1)

    def exponent(x: Value) -> Value:
        return Mux(x < 0, x, 0) - n

    return TimedNumber(result, p.operate("tanh_exponent", target.adder(bits) + lut, [source.exponent], shape, exponent))
