"""What a floating-point code stands for, in logic, as sums take it.

Other than in `streamnorm.logic.floating.decode`, the binade is subtracted from straight behind the code, and cleared
with the mantissa in the registers that follow: a few tables less a lane.
"""

from dataclasses import dataclass

from amaranth.hdl import Value, unsigned

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.formats import FloatFormat

__all__ = ["Decoded", "decoded"]

_NEAR_BITS = 16
"""Up to so many bits of a mantissa are near to what clears them."""


@dataclass(frozen=True)
class Decoded:
    """The parts of an element as ``FloatFormat.parts`` has them; mantissa and binade of NaN and infinity are 0.

    Attributes
    ----------
    negative, nan, infinite : 1 bit each
    magnitude : the mantissa; from a register
    binade : from a register
    """

    negative: Timed
    magnitude: Timed
    binade: Timed
    nan: Timed
    infinite: Timed


def decoded(p: Pipeline, source: FloatFormat, code: Timed) -> Decoded:
    """The parts of a code."""
    target, low, high = p.target, source.fraction_bits, source.bits - 1
    fraction, exponent, negative = code.bits(0, low), code.bits(low, high), code.bits(high, high + 1)
    bits = exponent.width
    normal = p.operate("normal", target.logic(bits), [exponent], unsigned(1), lambda x: x.any())
    if source.finite:
        nan = p.operate("nan", target.logic(high), [code.bits(0, high)], unsigned(1), lambda x: x.all())
        infinite, special = p.constant(0, unsigned(1)), nan
    else:
        special = p.operate("special", target.logic(bits), [exponent], unsigned(1), lambda x: x.all())
        zero = p.operate("whole", target.logic(low), [fraction], unsigned(1), lambda x: ~x.any())
        lut = target.family.lut
        nan = p.operate("nan", lut, [special, zero], unsigned(1), lambda x, y: x & ~y)
        infinite = p.operate("infinite", lut, [special, zero], unsigned(1), lambda x, y: x & y)

    def binade_of(x: Value) -> Value:
        return (x - 1)[:bits]

    below = p.operate("binade", target.adder(bits), [exponent], unsigned(bits), binade_of)
    none = p.operate("binade_0", target.family.lut, [normal, special], unsigned(1), lambda x, y: ~x | y)
    clear = special if low < _NEAR_BITS else p.registered(special)
    return Decoded(
        negative=negative,
        magnitude=p.cleared(p.concat(fraction, normal), clear),
        binade=p.cleared(below, none).bits(0, source.binade_max.bit_length()),
        nan=nan,
        infinite=infinite,
    )
