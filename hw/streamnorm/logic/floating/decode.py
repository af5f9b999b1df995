"""A floating-point code taken apart."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Mux, Value, unsigned

from streamnorm.logic.leading_one import leading_one, shift_left
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.formats import FloatFormat

from .exponent import Exponent, settled

__all__ = ["DecodedFloat", "decoded", "normalized_mantissa"]


@dataclass(frozen=True)
class DecodedFloat:
    """The fields of a number, as :class:`~streamnorm.spec.formats.floating.FloatParts` has them.

    ``mantissa`` has the hidden bit; ``is_zero`` tells that it is 0. Both, and ``exponent``, the binade, are anything
    where the number ``is_nan`` or ``is_infinite``.
    """

    negative: Timed
    mantissa: Timed
    exponent: Exponent
    is_zero: Timed
    is_nan: Timed
    is_infinite: Timed

    def binade(self, p: Pipeline) -> Timed:
        """The binade, unsigned."""
        return settled(p, self.exponent).value


def decoded(p: Pipeline, number_format: FloatFormat, code: Timed) -> DecodedFloat:
    """The number that a code stands for. Latency: a level of logic, two for what is told of the whole code."""
    fraction_bits, exponent_bits = number_format.fraction_bits, number_format.exponent_bits
    target = p.target
    exponent = code.bits(fraction_bits, fraction_bits + exponent_bits)
    fraction = code.bits(0, fraction_bits)

    def hidden(x: Value, f: Value) -> Value:
        return Cat(f, x.any())

    def nan(x: Value, f: Value) -> Value:
        return x.all() & (f.all() if number_format.finite else f.any())

    mantissa = p.operate(
        "mantissa", target.logic(exponent_bits), [exponent, fraction], unsigned(fraction_bits + 1), hidden
    )
    whole = target.logic(exponent_bits + fraction_bits)
    infinite = p.constant(0, unsigned(1))
    if not number_format.finite:
        infinite = p.operate("infinite", whole, [exponent, fraction], unsigned(1), lambda x, f: x.all() & ~f.any())
    # The field is that of the binade and 1 more, but for subnormal numbers, where it is 0.
    lowest = p.operate("lowest", target.logic(exponent_bits), [exponent], unsigned(1), lambda x: x[0] | ~x.any())
    field = p.concat(lowest, exponent.bits(1, exponent_bits)) if exponent_bits > 1 else lowest
    return DecodedFloat(
        negative=code.bits(code.width - 1, code.width),
        mantissa=mantissa,
        exponent=Exponent(field, -1, 0, (1 << exponent_bits) - 2),
        is_zero=p.operate("zero", whole, [exponent, fraction], unsigned(1), lambda x, f: ~(x.any() | f.any())),
        is_nan=p.operate("nan", whole, [exponent, fraction], unsigned(1), nan),
        is_infinite=infinite,
    )


def normalized_mantissa(p: Pipeline, mantissa: Timed) -> tuple[Timed, Timed]:
    """A mantissa shifted left until its highest bit is 1, and by how much; both are 0 where it is 0."""
    width = mantissa.width
    if width == 1:
        return mantissa, p.constant(0, unsigned(1))
    position = leading_one(p, p.target, mantissa)
    bits = (width - 1).bit_length()

    def zeros(at: Value, x: Value) -> Value:
        return Mux(x.any(), width - 1 - at, Const(0, 1))

    left = p.operate("left", p.target.adder(bits), [position, mantissa], unsigned(bits), zeros)
    return shift_left(p, p.target, mantissa, left, width - 1, width), left
