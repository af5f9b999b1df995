"""Apply: normalize, scale, shift, round and saturate every lane of a beat."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config import NormConfig
from ..parameters import StoredParameters
from ..pipeline import Pipeline, Timed
from ..precision import Precision
from ..signatures import element_shape
from ..target import Target
from .row_ring import data_delay

__all__ = ["Apply"]


class Apply(wiring.Component):
    """Steps 6 and 7 of :class:`~streamnorm.precision.Precision`, all lanes in parallel, a beat every cycle.

    ``d``, ``scale``, ``centre`` and ``shift`` of a beat enter together; its ``gamma`` and ``beta`` enter
    :attr:`gamma_cycle` and :attr:`beta_cycle` cycles later, ``keep`` :attr:`keep_cycle` cycles later, and the result is
    there after :attr:`latency` cycles. The outputs are registers.

    Parameters
    ----------
    config : NormConfig
    d_delay, parameter_delay : ns of logic (block RAM) behind ``d`` and behind gamma and beta

    Members
    -------
    d : In(ArrayLayout(signed(difference_bits), lanes))
    scale : In(scale_bits); centre : In(centre_bits); shift : In(shift bits)
    gamma : In(ArrayLayout(signed(gamma_bits), lanes)); beta : In(ArrayLayout(signed(beta_bits + 1), lanes))
        Stored integers; beta with half an output step added (round half up). Constants have no port.
    keep : In(lanes)
    y : Out(ArrayLayout(output element, lanes))
        0 in lanes that are not kept.
    """

    d: data.View
    scale: Signal
    centre: Signal
    shift: Signal
    gamma: data.View
    beta: data.View
    keep: Signal
    y: data.View

    def __init__(self, config: NormConfig, *, d_delay: float, parameter_delay: float) -> None:
        self._config = config
        self._precision = precision = Precision.of(config)
        self._parameters = parameters = StoredParameters.of(config)
        self._target = target = Target(config.target, config.clock_mhz)
        self._ring_delay = data_delay(target)
        lanes = config.lanes
        members = {
            "d": In(data.ArrayLayout(signed(precision.ranges.difference_bits), lanes)),
            "scale": In(precision.scale_bits),
            "centre": In(precision.centre_bits),
            "shift": In(max(1, (precision.shift_count - 1).bit_length())),
            "keep": In(lanes),
            "y": Out(data.ArrayLayout(element_shape(config.output), lanes)),
        }
        if not parameters.gamma_is_constant:
            members["gamma"] = In(data.ArrayLayout(signed(parameters.gamma_bits), lanes))
        if not parameters.beta_is_constant:
            members["beta"] = In(data.ArrayLayout(signed(parameters.beta_bits + 1), lanes))
        super().__init__(members)
        self._m = m = Module()
        self._p = p = Pipeline(m, target, "apply")

        normalized = [self._normalize(p.input(self.d[lane], 0, d_delay)) for lane in range(lanes)]
        self.gamma_cycle = p.meeting_cycle(normalized[0], 0.0, 0.5 * target.budget, parameter_delay)
        products = [self._times_gamma(z, lane, parameter_delay) for lane, z in enumerate(normalized)]
        width = products[0].width + 1 - min(precision.beta_align, products[0].width)
        self.beta_cycle = p.meeting_cycle(products[0], target.adder(width), target.budget, parameter_delay)
        sums = [self._plus_beta(product, lane, parameter_delay) for lane, product in enumerate(products)]
        self.keep_cycle = sums[0].cycle
        results = [self._round(a, lane) for lane, a in enumerate(sums)]
        self.latency = results[0].cycle
        for lane, result in enumerate(results):
            assert result.cycle == self.latency
            m.d.comb += self.y[lane].eq(result.value)
        self.multipliers = p.multipliers

    def _normalize(self, d: Timed) -> Timed:
        """``z``."""
        p, precision = self._p, self._precision
        width = precision.centre_bits
        # One row's statistic for all its beats, from a RowRing.
        scale, centre, shift = (p.input(x, 0, self._ring_delay) for x in (self.scale, self.centre, self.shift))
        product = p.multiply(d, scale)
        drop = precision.product_drop
        kept = (
            p.concat(p.constant(0, unsigned(-drop)), product)
            if drop < 0
            else product.bits(min(drop, product.width - 1), product.width)
        )
        kept = kept.as_signed()
        difference = p.add(kept, centre, signed(width), subtract=True, name="difference")
        bits = precision.normalized_bits

        def place(x: Value, s: Value) -> Value:
            starts = [precision.normalize_shift + i * precision.radix for i in range(precision.shift_count)]
            options = [x[start : start + bits] for start in starts]
            options += [options[-1]] * ((1 << len(s)) - len(options))
            return Array(options)[s].as_signed()

        if precision.shift_count == 1:
            return difference.bits(precision.normalize_shift, precision.normalize_shift + bits).as_signed()
        delay = self._target.family.mux * (1.0 if precision.shift_count == 2 else 1.3)
        return p.operate("normalized", delay, [difference, shift], signed(bits), place)

    def _times_gamma(self, z: Timed, lane: int, delay: float) -> Timed:
        p, parameters = self._p, self._parameters
        if parameters.gamma_is_constant:
            value = int(parameters.gamma[0, 0])
            if value == 1:
                return z
            gamma = p.constant(value, signed(max(value.bit_length(), (-value - 1).bit_length()) + 1))
        else:
            gamma = p.input(self.gamma[lane], self.gamma_cycle, delay)
        return p.multiply(z, gamma)

    def _plus_beta(self, product: Timed, lane: int, delay: float) -> Timed:
        p, parameters, precision = self._p, self._parameters, self._precision
        half = 1 << (parameters.beta_frac_bits - 1)
        if parameters.beta_is_constant:
            value = int(parameters.beta[0, 0]) + half
            beta = p.constant(value, signed(max(value.bit_length(), (-value - 1).bit_length()) + 1))
        else:
            beta = p.input(self.beta[lane], self.beta_cycle, delay)
        width = max(product.width + precision.gamma_align, beta.width + precision.beta_align) + 1
        if precision.gamma_align:
            return p.add_shifted(beta, product, precision.gamma_align, signed(width))
        return p.add_shifted(product, beta, precision.beta_align, signed(width))

    def _round(self, a: Timed, lane: int) -> Timed:
        """Half to even, saturated; 0 if the lane is not kept."""
        p, target, output = self._p, self._target, self._config.output
        frac, bits = self._precision.result_frac_bits, output.bits
        tie = p.operate("tie", target.logic(frac), [a.bits(0, frac)], unsigned(1), lambda x: ~x.any())
        sign = a.bits(a.width - 1, a.width)
        spare = a.width - frac - bits
        result = a.bits(frac, min(frac + bits, a.width)).as_signed()
        if spare > 0:
            top = a.bits(frac + bits - (1 if output.signed else 0), a.width)

            def is_outside(x: Value) -> Value:
                return x.any() & ~x.all() if output.signed else x.any()

            outside = p.operate("outside", target.logic(top.width), [top], unsigned(1), is_outside)
        else:
            outside = p.constant(0, unsigned(1)) if output.signed else sign
        keep = p.input(self.keep[lane], self.keep_cycle)

        def finish(x: Value, is_tie: Value, out: Value, negative: Value, kept: Value) -> Value:
            rounded = Cat(x[0] & ~is_tie, x[1:])
            extended = Cat(rounded, x[-1].replicate(max(bits - len(x), 0)))[:bits]
            limit = Mux(negative, Const(output.min, signed(bits + 1)), Const(output.max, signed(bits + 1)))[
                :bits
            ]
            return Mux(kept, Mux(out, limit, extended), 0)

        inputs = [p.registered(result), p.registered(tie), p.registered(outside), sign, keep]
        final = p.operate("result", target.family.lut, inputs, unsigned(bits), finish)
        return p.registered(final)

    def elaborate(self, platform: object) -> Module:
        return self._m
