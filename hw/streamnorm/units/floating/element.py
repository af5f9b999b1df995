"""An element of a row taken apart, be it a float or an integer."""

from amaranth.hdl import unsigned

from streamnorm.logic.floating.decode import DecodedFloat, decoded
from streamnorm.logic.floating.exponent import constant_exponent
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.floating.elements import Elements
from streamnorm.spec.formats import FloatFormat, NumberFormat

__all__ = ["element_parts"]


def element_parts(p: Pipeline, source: NumberFormat, elements: Elements, d: Timed) -> DecodedFloat:
    """The parts of an element as lanes take it: the code of a float; an integer less the zero point, in binade 0."""
    if isinstance(source, FloatFormat):
        return decoded(p, source, d)
    none = p.constant(0, unsigned(1))
    magnitude = p.magnitude(d).bits(0, elements.mantissa_bits)
    is_zero = p.operate("zero", p.target.logic(d.width), [d], unsigned(1), lambda x: ~x.any())
    return DecodedFloat(d.bits(d.width - 1, d.width), magnitude, constant_exponent(p, 0), is_zero, none, none)
