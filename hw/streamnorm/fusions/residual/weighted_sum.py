"""The sum of two elements, each times a constant."""

from amaranth.hdl import Module, Shape, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.constant_product import times_constant
from streamnorm.logic.pipeline import Pipeline
from streamnorm.spec.fusions.residual import SumFormat
from streamnorm.spec.targets import Target

__all__ = ["WeightedSum"]


class WeightedSum(wiring.Component):
    """``weight_x * x + weight_f * f`` of each lane, exact; :attr:`latency` cycles later, from an adder behind a
    register.

    Adders and registers only, no multiplier: so all of it may be held still by an enable from outside.

    Parameters
    ----------
    x, f : shapes of the elements
    sums : SumFormat
    lanes, target

    Members
    -------
    x : In(ArrayLayout(x, lanes)); f : In(ArrayLayout(f, lanes)), from registers
    r : Out(ArrayLayout(element of sums.number, lanes))
    """

    def __init__(self, x: Shape, f: Shape, sums: SumFormat, *, lanes: int, target: Target) -> None:
        number = sums.number
        shape = Shape(number.bits, number.signed)
        super().__init__(
            {
                "x": In(data.ArrayLayout(x, lanes)),
                "f": In(data.ArrayLayout(f, lanes)),
                "r": Out(data.ArrayLayout(shape, lanes)),
            }
        )
        self._m = m = Module()
        p = Pipeline(m, target, "residual")
        for lane in range(lanes):
            terms = [
                times_constant(p, p.input(port[lane]), weight)
                for port, weight in ((self.x, sums.weight_x), (self.f, sums.weight_f))
            ]
            r = p.reshape(p.add(*terms, signed(number.bits + 1), name="sum"), shape)
            p.drive(self.r[lane], r)
            self.latency = r.cycle

    def elaborate(self, platform: object) -> Module:
        return self._m
