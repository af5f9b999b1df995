"""Exponents, whose constants are added where an addition takes them for nothing."""

from dataclasses import dataclass, replace

from amaranth.hdl import Const, Shape, signed, unsigned

from streamnorm.logic.pipeline import Pipeline, Timed

__all__ = ["Exponent", "constant_exponent", "difference", "exponent_sum", "settled", "shape_between"]


@dataclass(frozen=True)
class Exponent:
    """``value + offset``; never below ``low``, nor above ``high``."""

    value: Timed
    offset: int
    low: int
    high: int

    @staticmethod
    def of(value: Timed, offset: int = 0) -> "Exponent":
        """``value + offset``, where nothing more is known of the value than its shape."""
        if isinstance(value.value, Const):
            low = high = value.value.value
        else:
            low = -(1 << value.width - 1) if value.signed else 0
            high = low + (1 << value.width) - 1
        return Exponent(value, offset, low + offset, high + offset)

    def moved(self, by: int) -> "Exponent":
        """``by`` more (wiring only)."""
        return replace(self, offset=self.offset + by, low=self.low + by, high=self.high + by)

    @property
    def is_constant(self) -> bool:
        return self.low == self.high


def shape_between(low: int, high: int) -> Shape:
    """The narrowest shape of integers from ``low`` to ``high``."""
    if low < 0:
        return signed(max((-low - 1).bit_length(), high.bit_length()) + 1)
    return unsigned(max(high.bit_length(), 1))


def constant_exponent(p: Pipeline, value: int) -> Exponent:
    return Exponent(p.constant(0, unsigned(1)), value, value, value)


def exponent_sum(p: Pipeline, a: Exponent, b: Exponent) -> Exponent:
    """``a + b``: one adder, none where one is a constant."""
    for constant, other in ((a, b), (b, a)):
        if constant.is_constant:
            return other.moved(constant.low)
    low, high, offset = a.low + b.low, a.high + b.high, a.offset + b.offset
    total = p.add(a.value, b.value, shape_between(low - offset, high - offset), name="exponent")
    return Exponent(total, offset, low, high)


def difference(p: Pipeline, a: Exponent, b: Exponent) -> Exponent:
    """``a - b``: one subtractor, none where b is a constant."""
    if b.is_constant:
        return a.moved(-b.low)
    low, high, offset = a.low - b.high, a.high - b.low, a.offset - b.offset
    shape = shape_between(low - offset, high - offset)
    return Exponent(p.add(a.value, b.value, shape, subtract=True, name="apart"), offset, low, high)


def settled(p: Pipeline, exponent: Exponent, offset: int = 0) -> Exponent:
    """The same exponent with that offset: one adder, none where it has that offset already."""
    by = exponent.offset - offset
    if not by:
        return exponent
    low, high = exponent.low, exponent.high
    shape = shape_between(low - offset, high - offset)
    if exponent.is_constant:
        return Exponent(p.constant(low - offset, shape), offset, low, high)
    constant = p.constant(by, shape_between(by, by))
    return Exponent(p.add(exponent.value, constant, shape, name="settled"), offset, low, high)
