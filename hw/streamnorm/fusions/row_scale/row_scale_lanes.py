"""Results times the factor of their row, rounded."""

from amaranth.hdl import Module, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import RowScale
from streamnorm.units.result_steps import ResultSteps, even_and_saturated
from streamnorm.units.streams import element_shape

__all__ = ["RowScaleLanes"]


class RowScaleLanes(wiring.Component):
    """``q`` of :class:`~streamnorm.spec.fusions.row_scale.RowScale` in each lane, a beat a cycle; the ``y`` of what was
    at ``c`` and ``factor`` :attr:`latency` cycles earlier.

    Parameters
    ----------
    config : NormConfig, with a scale for each row
    c_delay, factor_delay : ns from the clock to each

    Members
    -------
    c : In(ArrayLayout(element of scale.core, lanes)); factor : In(factor_bits)
    y : Out(ArrayLayout(output element, lanes)), registers
    """

    def __init__(self, config: NormConfig, *, c_delay: float, factor_delay: float) -> None:
        scale = config.row_scale
        assert scale is not None
        lanes = config.lanes
        super().__init__(
            {
                "c": In(data.ArrayLayout(element_shape(scale.core), lanes)),
                "factor": In(scale.factor_bits),
                "y": Out(data.ArrayLayout(element_shape(config.output), lanes)),
            }
        )
        self._m = m = Module()
        p = Pipeline(m, config.device, "quantize")
        steps = ResultSteps(p, config)
        # To all lanes it is far.
        factor = p.delayed(p.input(self.factor, 0, factor_delay), 1)
        results = [self._quantized(p, steps, p.input(self.c[lane], 0, c_delay), factor, scale) for lane in range(lanes)]
        self.latency = results[0].cycle
        for lane, result in enumerate(results):
            p.drive(self.y[lane], result)
        self.multipliers = p.multipliers

    @staticmethod
    def _quantized(p: Pipeline, steps: ResultSteps, c: Timed, factor: Timed, scale: RowScale) -> Timed:
        number, frac = scale.number, scale.frac_bits
        product = p.multiply(c, factor)
        width = product.width + 1 if scale.saturates else number.bits + frac
        a = p.add(product, p.constant(1 << (frac - 1), unsigned(frac)), signed(width), name="half")
        low, high, bits = number.min, number.max, number.bits
        if scale.saturates:
            parts = steps.half_even(a, frac, low, high, bits)
        else:
            tie = p.operate("tie", p.target.logic(frac), [a.bits(0, frac)], unsigned(1), lambda x: ~x.any())
            parts = [a.bits(frac, frac + bits).as_signed(), tie]

        def finish(x: Value, is_tie: Value, outside: Value | int = 0, negative: Value | int = 0) -> Value:
            return even_and_saturated(x, is_tie, outside, negative, low, high, bits)

        parts = [p.registered(part) for part in parts]
        return p.registered(p.operate("result", p.target.family.lut, parts, signed(bits), finish))

    def elaborate(self, platform: object) -> Module:
        return self._m
