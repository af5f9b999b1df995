"""The sum of two floating-point elements, one of them times a constant, rounded once."""

from dataclasses import replace

from amaranth.hdl import Cat, Const, Module, Mux, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.constant_product import times_constant
from streamnorm.logic.floating import DecodedFloat, Placed, RoundedFloat, decoded, field_of, rounded, side_by_side
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.formats import FloatFormat
from streamnorm.spec.fusions.float_sum import FloatSum
from streamnorm.spec.targets import Target
from streamnorm.units.streams import element_shape

__all__ = ["FloatAdder"]


class FloatAdder(wiring.Component):
    """The sum of each lane as :class:`~streamnorm.spec.fusions.float_sum.FloatSum` has it; :attr:`latency` cycles
    later, from logic behind a register.

    Both terms are set side by side in a field with the higher of their tops and added or subtracted; one shift takes
    the leading one to its place, or as far as a subnormal number may go, and what is left decides the rounding. Logic
    and registers only, no multiplier: so all of it may be held still by an enable from outside.

    Parameters
    ----------
    sums : FloatSum
    lanes, target

    Members
    -------
    x : In(ArrayLayout(element of sums.x, lanes)); f : In(ArrayLayout(element of sums.f, lanes)), from registers
    r : Out(ArrayLayout(element of sums.number, lanes))
    """

    def __init__(self, sums: FloatSum, *, lanes: int, target: Target) -> None:
        shapes = {name: element_shape(number) for name, number in (("x", sums.x), ("f", sums.f), ("r", sums.number))}
        flows = {"x": In, "f": In, "r": Out}
        super().__init__({name: flows[name](data.ArrayLayout(shape, lanes)) for name, shape in shapes.items()})
        self._m = m = Module()
        p = Pipeline(m, target, "residual")
        for lane in range(lanes):
            r = _sum(p, sums, p.input(self.x[lane]), p.input(self.f[lane]))
            p.drive(self.r[lane], r)
            self.latency = r.cycle

    def elaborate(self, platform: object) -> Module:
        return self._m


def _sum(p: Pipeline, sums: FloatSum, x_code: Timed, f_code: Timed) -> Timed:
    """The code of ``alpha * x + f``."""
    lut, bits = p.target.family.lut, sums.field_bits
    x, f = _times_alpha(p, sums, decoded(p, sums.x, x_code)), decoded(p, sums.f, f_code)
    x_placed, f_placed = (
        Placed(term.exponent.moved(exponent + term.mantissa.width), term.mantissa.width, term.is_zero, True)
        for term, exponent in zip((x, f), sums.exponents, strict=True)
    )
    grid = side_by_side(p, x_placed, f_placed, bits, min(x_placed.top.low, f_placed.top.low))
    a = field_of(p, x.mantissa, grid.a_down, bits, sticky=True)
    b = field_of(p, f.mantissa, grid.b_down, bits, sticky=True)
    apart = p.registered(p.operate("apart", lut, [x.negative, f.negative], unsigned(1), lambda s, t: s ^ t))
    total = p.add_or_subtract(a, b, apart, signed(bits + 2), name="total")
    found = rounded(p, sums.number, total, grid.top.moved(-bits))

    # A sum of 0 is that of two zeros, or cancels.
    def negative(top: Value, none: Value, s: Value, t: Value) -> Value:
        return Mux(none, s & t, s ^ top)

    inputs = [total.bits(bits + 1, bits + 2), found.is_zero, x.negative, f.negative]
    return _chosen(p, sums.number, found, p.operate("sign", lut, inputs, unsigned(1), negative), x, f)


def _times_alpha(p: Pipeline, sums: FloatSum, x: DecodedFloat) -> DecodedFloat:
    """The number times the factor, with the sign of alpha; its exponent is that of x."""
    negative, mantissa = x.negative, x.mantissa
    if sums.negative:
        negative = p.operate("opposite", 0.0, [negative], unsigned(1), lambda s: ~s)
    if sums.factor > 1:
        mantissa = p.reshape(times_constant(p, mantissa, sums.factor), unsigned(sums.x_bits))
    return replace(x, negative=negative, mantissa=mantissa)


def _chosen(
    p: Pipeline, number: FloatFormat, found: RoundedFloat, negative: Timed, x: DecodedFloat, f: DecodedFloat
) -> Timed:
    """The sum, or what a special value makes of it."""
    lut, field = p.target.family.lut, number.bits - 1

    def nan(x_nan: Value, f_nan: Value, x_far: Value, f_far: Value, s: Value, t: Value) -> Value:
        return x_nan | f_nan | (x_far & f_far & (s ^ t))

    inputs = [x.is_nan, f.is_nan, x.is_infinite, f.is_infinite, x.negative, f.negative]
    is_nan = p.registered(p.operate("nan", 1.6 * lut, inputs, unsigned(1), nan))
    inputs = [x.is_infinite, f.is_infinite]
    is_infinite = p.registered(p.operate("infinite", lut, inputs, unsigned(1), lambda s, t: s | t))
    inputs = [x.is_infinite, x.negative, f.negative]
    infinite_sign = p.registered(p.operate("infinite_sign", lut, inputs, unsigned(1), Mux))

    def instead(s: Value, far_sign: Value, no_number: Value, far: Value) -> Value:
        beyond = Cat(Const(number.code_of_overflow, field), s)
        infinite = Cat(Const(number.code_of_infinite, field), far_sign)
        return Mux(no_number, Const(number.code_of_nan, number.bits), Mux(far, infinite, beyond))

    inputs = [negative, infinite_sign, is_nan, is_infinite]
    other = p.registered(p.operate("instead", 1.6 * lut, inputs, unsigned(number.bits), instead))
    inputs = [found.is_far, is_nan, is_infinite]
    is_other = p.registered(p.operate("is_other", lut, inputs, unsigned(1), lambda *causes: Cat(*causes).any()))

    def choose(code: Value, s: Value, value: Value, chosen: Value) -> Value:
        return Mux(chosen, value, Cat(code, s))

    inputs = [found.code, p.registered(negative), other, is_other]
    return p.operate("sum", lut, inputs, unsigned(number.bits), choose)
