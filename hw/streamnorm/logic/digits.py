"""Quotients and roots digit by digit: a subtraction for each bit of the result, from its highest one on.

For any operands, and with what is left; :mod:`streamnorm.spec.roots.digits` has those of a mantissa, whose quotient is
always less than 1 and of which nothing is left over that anybody wants: there, a step is an adder alone.
"""

from collections.abc import Sequence

from amaranth.hdl import Mux, Value, unsigned

from .pipeline import Pipeline, Timed

__all__ = ["divide", "square_root"]


def divide(p: Pipeline, name: str, dividend: Timed, divisor: Timed, digits: int) -> tuple[Timed, Timed]:
    """``dividend // divisor``, of ``digits`` bits, and what is left; both operands are unsigned.

    ``dividend < divisor << digits`` is the caller's to see to; else both are meaningless. A digit a cycle, or several
    where they fit into one, in as few subtracters as the pipeline's interval allows.
    """
    width = max(divisor.width, dividend.width - digits)

    def digit(q: Pipeline, _: Timed, state: Sequence[Timed], held: Sequence[Timed]) -> list[Timed]:
        rest, low = state
        shifted = q.concat(low.bits(digits - 1, digits), rest)
        less = q.add(shifted, held[0], unsigned(width + 2), subtract=True, name="less")
        fits = less.bits(width + 1, width + 2)
        rest = q.operate("rest", q.target.family.mux, [fits, less, shifted], unsigned(width), _smaller)
        one = q.operate("fits", q.target.family.lut, [fits], unsigned(1), lambda x: ~x)
        return [rest, q.concat(one, low.bits(0, digits - 1))]

    wide = p.extend(dividend, max(dividend.width, digits + 1))
    state = [p.extend(wide.bits(digits, wide.width), width), wide.bits(0, digits)]
    rest, quotient = p.iterate(name, digits, digit, state, [divisor])
    return quotient, rest


def square_root(p: Pipeline, name: str, value: Timed) -> Timed:
    """The largest k with ``k**2 <= value``, an unsigned one, of half as many bits; a digit a cycle as in `divide`.

    With the root r of the digits so far and what is left of the value above the square of it, the next digit is 1 where
    ``4*r + 1`` is not more than what is left and the next two bits of the value.
    """
    digits = (value.width + 1) // 2
    width = digits + 2

    def digit(q: Pipeline, _: Timed, state: Sequence[Timed], held: Sequence[Timed]) -> list[Timed]:
        rest, low, root = state
        shifted = q.concat(low.bits(2 * digits - 2, 2 * digits), rest)
        tried = q.concat(q.constant(1, unsigned(2)), root)
        less = q.add(shifted, tried, unsigned(width + 3), subtract=True, name="less")
        fits = less.bits(width + 2, width + 3)
        rest = q.operate("rest", q.target.family.mux, [fits, less, shifted], unsigned(width), _smaller)
        one = q.operate("fits", q.target.family.lut, [fits], unsigned(1), lambda x: ~x)
        return [
            rest,
            q.concat(q.constant(0, unsigned(2)), low.bits(0, 2 * digits - 2)),
            q.concat(one, root.bits(0, digits - 1)),
        ]

    zero = [p.constant(0, unsigned(bits)) for bits in (width, digits)]
    return p.iterate(name, digits, digit, [zero[0], p.extend(value, 2 * digits), zero[1]])[2]


def _smaller(negative: Value, less: Value, before: Value) -> Value:
    """What is left: as before where the difference is negative."""
    return Mux(negative, before, less)
