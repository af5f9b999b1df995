"""From the largest result of a row to the factor and the scale of the row."""

from collections.abc import Callable

from amaranth.hdl import Cat, Const, Module, Mux, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.digits import divide
from streamnorm.logic.leading_one import normalized
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.fusions.row_scale import FloatScale, PowerOfTwoScale, RowScale
from streamnorm.spec.targets import Target

__all__ = ["RowFactor"]

_FRACTION_BITS, _BIAS = 23, 127


class RowFactor(wiring.Component):
    """Factor and code of :class:`~streamnorm.spec.fusions.row_scale.RowScale`, of a row every ``interval`` cycles.

    Parameters
    ----------
    scale : RowScale
    target
    interval : cycles from row to row, at least

    Attributes
    ----------
    factor_cycle, code_cycle : cycles from ``maximum`` to each
    multipliers, block_rams

    Members
    -------
    maximum : In(bits of the core's results), that of a row; with an interval above 1, it stays until the next ``start``
    start : In(1), with ``maximum``; only with an interval above 1
    factor : Out(factor_bits); code : Out(bits of the scale's code); registers
    """

    def __init__(self, scale: RowScale, target: Target, *, interval: int) -> None:
        super().__init__(
            {
                "maximum": In(scale.core.bits),
                **({"start": In(1)} if interval > 1 else {}),
                "factor": Out(scale.factor_bits),
                "code": Out(scale.code_format.bits),
            }
        )
        self._m = m = Module()
        start = self.start if interval > 1 else None
        p = Pipeline(m, target, "row_scale", interval=interval, start=start)
        factor, code = _BUILDERS[type(scale)](p, scale, p.input(self.maximum))
        factor, code = p.registered(p.extend(factor, scale.factor_bits)), p.registered(code)
        self.factor_cycle, self.code_cycle = factor.cycle, code.cycle
        self.multipliers, self.block_rams = p.multipliers, p.block_rams
        p.drive(self.factor, factor)
        p.drive(self.code, code)

    @staticmethod
    def turns(scale: RowScale) -> int:
        """Steps that logic is shared between where rows leave time for it; 1 where there is nothing to share."""
        return scale.factor_bits if isinstance(scale, FloatScale) else 1

    def elaborate(self, platform: object) -> Module:
        return self._m


def _float(p: Pipeline, scale: RowScale, largest: Timed) -> tuple[Timed, Timed]:
    largest = _at_least(p, largest, scale.least)
    if scale.saturates:
        largest = _at_most(p, largest, scale.most)
    largest = p.registered(largest)
    dividend = scale.number.max << scale.frac_bits
    constant = p.constant(dividend, unsigned(dividend.bit_length()))
    factor, _ = divide(p, "factor", constant, largest, scale.factor_bits)
    fraction, position = normalized(p, p.target, largest, largest.width, 0, _FRACTION_BITS)
    bits = scale.code_format.bits - 1 - _FRACTION_BITS
    bias = p.constant(_BIAS + scale.exponent, signed(bits + 2))
    exponent = p.add(position, bias, signed(bits + 2), name="exponent")
    return factor, p.concat(fraction, exponent.bits(0, bits), p.constant(0, unsigned(1)))


def _power_of_two(p: Pipeline, scale: RowScale, largest: Timed) -> tuple[Timed, Timed]:
    assert isinstance(scale, PowerOfTwoScale)
    width, bits = largest.width, scale.number.bits - 1
    # M is above max * 2**t where M - 1 is not below it: its bits from t on are all 1, or there is one above them.
    below = p.add(largest, p.constant(1, unsigned(1)), signed(width + 1), subtract=True, name="below")

    def reaches(x: Value, negative: Value) -> Value:
        return (x[:bits].all() | x[bits:].any()) & ~negative

    sign = below.bits(width, width + 1)
    shifts = range(scale.shift_min, scale.frac_bits)
    delay = p.target.logic(width)
    above = [
        p.registered(p.operate("above", delay, [below.bits(shift, width), sign], unsigned(1), reaches))
        for shift in shifts
    ]

    def one_hot(*reached: Value) -> Value:
        # As many of the first ones are 1 as t is above its minimum.
        edges = [
            before & ~after for before, after in zip((Const(1, 1), *reached), (*reached, Const(0, 1)), strict=True)
        ]
        return Cat(*reversed(edges))

    def code(*reached: Value) -> Value:
        value: Value = Const(scale.shift_min + scale.exponent, signed(scale.code_format.bits))
        for shift, is_above in zip(shifts, reached, strict=True):
            value = Mux(is_above, Const(shift + 1 + scale.exponent, signed(scale.code_format.bits)), value)
        return value

    factor = p.operate("factor", p.target.family.lut, above, unsigned(len(above) + 1), one_hot)
    return factor, p.operate("code", p.target.logic(2 * len(above)), above, signed(scale.code_format.bits), code)


def _at_least(p: Pipeline, value: Timed, limit: int) -> Timed:
    constant = p.constant(limit, unsigned(value.width))
    difference = p.add(value, constant, signed(value.width + 1), subtract=True, name="least")
    return _chosen(p, value, limit, difference)


def _at_most(p: Pipeline, value: Timed, limit: int) -> Timed:
    constant = p.constant(limit, unsigned(value.width))
    difference = p.add(constant, value, signed(value.width + 1), subtract=True, name="most")
    return _chosen(p, value, limit, difference)


def _chosen(p: Pipeline, value: Timed, limit: int, difference: Timed) -> Timed:
    """The limit where the difference is negative."""

    def choose(x: Value, negative: Value) -> Value:
        return Mux(negative, Const(limit, unsigned(value.width)), x)

    sign = difference.bits(value.width, value.width + 1)
    return p.operate("limited", p.target.family.mux, [value, sign], unsigned(value.width), choose)


_BUILDERS: dict[type[RowScale], Callable[[Pipeline, RowScale, Timed], tuple[Timed, Timed]]] = {
    FloatScale: _float,
    PowerOfTwoScale: _power_of_two,
}
"""Each kind of scale as logic: factor and code from the largest magnitude."""
