"""From a normalized value to the result: what every norm ends with, with a statistic or without."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Mux, Value, signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.lane import LanePrecision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters

from .streams import element_shape

__all__ = ["AffineSteps", "affine_ports", "even_and_saturated"]


def affine_ports(config: NormConfig) -> dict[str, Any]:
    """Ports of what takes values to results: ``keep``, ``y``, and gamma and beta where they are no constants."""
    parameters, lanes = StoredParameters.of(config), config.lanes
    ports: dict[str, Any] = {"keep": In(lanes), "y": Out(data.ArrayLayout(element_shape(config.output), lanes))}
    if not parameters.gamma_is_constant:
        ports["gamma"] = In(data.ArrayLayout(signed(parameters.gamma_bits), lanes))
    if not parameters.beta_is_constant:
        ports["beta"] = In(data.ArrayLayout(signed(parameters.beta_bits + 1), lanes))
    return ports


class AffineSteps:
    """Step 7 of :class:`~streamnorm.precision.precision.Precision` as logic in a pipeline.

    ``round_half_even(plus_beta(times_gamma(z)))`` is a result; all between is exact.

    Parameters
    ----------
    p : Pipeline, where the logic goes
    config : NormConfig
    precision : widths and binary points of a lane
    """

    def __init__(self, p: Pipeline, config: NormConfig, precision: LanePrecision) -> None:
        self._p, self._config, self._lane = p, config, precision
        self._parameters = StoredParameters.of(config)
        self._target = config.device
        self._product_distance = 0.0

    def parameter(self, component: Any, name: str, cycle: int, delay: float) -> list[Timed | None]:
        """Each lane's gamma or beta, from the component's port of that name; None where it is a constant."""
        port = getattr(component, name, None)
        lanes = range(self._config.lanes)
        return [None if port is None else self._p.input(port[lane], cycle, delay) for lane in lanes]

    def times_gamma(self, z: Timed, gamma: Timed | None) -> Timed:
        """``z * gamma``, or ``q * gamma``; ``gamma`` is None where it is a constant."""
        p, parameters = self._p, self._parameters
        if parameters.gamma_is_constant:
            value = int(parameters.gamma[0, 0])
            if value == 1:
                return z
            gamma = p.constant(value, signed(max(value.bit_length(), (-value - 1).bit_length()) + 1))
        assert gamma is not None
        return p.multiply(z, gamma, distance=self._product_distance)

    def finish(
        self, component: Any, values: Sequence[Timed], *, parameter_delay: float, distance: float, earliest: int
    ) -> None:
        """From the lanes' values to ``component.y``; its gamma_cycle, beta_cycle, keep_cycle and latency are set.

        ``parameter_delay``: ns of logic behind gamma and beta; ``distance``: how far it is, besides, from gamma's block
        RAM to a tile, ns; ``earliest``: the first cycle in which the two can be there.
        """
        p, target = self._p, self._target
        meeting = p.meeting_cycle(values[0], 0.0, 0.5 * target.budget, parameter_delay + distance)
        component.gamma_cycle = max(meeting, earliest)
        gammas = self.parameter(component, "gamma", component.gamma_cycle, parameter_delay)
        products = [self.times_gamma(z, gamma) for z, gamma in zip(values, gammas, strict=True)]
        adder = target.adder(self.beta_adder_width(products[0]))
        meeting = p.meeting_cycle(products[0], adder, target.budget, parameter_delay)
        component.beta_cycle = max(meeting, earliest)
        betas = self.parameter(component, "beta", component.beta_cycle, parameter_delay)
        self.give(component, [self.plus_beta(product, beta) for product, beta in zip(products, betas, strict=True)])

    def give(self, component: Any, sums: Sequence[Timed]) -> None:
        """From the lanes' sums to ``component.y``; its keep_cycle and latency are set."""
        cycle = component.keep_cycle = sums[0].cycle
        results = [self.round_half_even(a, self._p.input(component.keep[lane], cycle)) for lane, a in enumerate(sums)]
        component.latency = results[0].cycle
        for lane, result in enumerate(results):
            assert result.cycle == component.latency
            self._p.drive(component.y[lane], result)

    def beta_adder_width(self, product: Timed) -> int:
        """Bits that are added in :meth:`plus_beta`, about."""
        return product.width + 1 - min(self._lane.beta_align, product.width)

    def plus_beta(self, product: Timed, beta: Timed | None) -> Timed:
        """``A``; ``beta`` is None where it is a constant."""
        p, parameters, precision = self._p, self._parameters, self._lane
        half = 1 << (parameters.beta_frac_bits - 1)
        if parameters.beta_is_constant:
            value = int(parameters.beta[0, 0]) + half
            beta = p.constant(value, signed(max(value.bit_length(), (-value - 1).bit_length()) + 1))
        assert beta is not None
        width = max(product.width + precision.gamma_align, beta.width + precision.beta_align) + 1
        if precision.gamma_align:
            return p.add_shifted(beta, product, precision.gamma_align, signed(width))
        return p.add_shifted(product, beta, precision.beta_align, signed(width))

    def round_half_even(self, a: Timed, keep: Timed) -> Timed:
        """``y``, saturated; 0 if the lane is not kept. A level of logic behind a register: it goes into a memory."""
        output, bits = self._config.output, self._config.output.bits
        parts = self.half_even(a, self._lane.result_frac_bits, output.min, output.max, bits)

        def finish(x: Value, is_tie: Value, out: Value, negative: Value, kept: Value) -> Value:
            return Mux(kept, even_and_saturated(x, is_tie, out, negative, output.min, output.max, bits), 0)

        return self._p.operate("result", self._target.family.lut, [*parts, keep], unsigned(bits), finish)

    def half_even(self, a: Timed, frac: int, low: int, high: int, bits: int) -> list[Timed]:
        """Of ``a``, which has half of one added: its integer part in ``bits``, and whether it was a tie, is outside of
        low … high, and is negative; what :func:`even_and_saturated` takes."""
        p, target = self._p, self._target
        tie = p.operate("tie", target.logic(frac), [a.bits(0, frac)], unsigned(1), lambda x: ~x.any())
        sign = a.bits(a.width - 1, a.width)
        result = a.bits(frac, min(frac + bits, a.width)).as_signed()
        outside = self._outside(a, frac, low, high)
        return [p.registered(result), p.registered(tie), p.registered(outside), sign]

    def _outside(self, a: Timed, frac: int, low: int, high: int) -> Timed:
        """Whether the integer part of ``a`` is outside of low … high, between which 0 is."""
        p, target = self._p, self._target
        sign = a.bits(a.width - 1, a.width)
        has_sign = low < 0
        whole = high.bit_length() + has_sign
        if low not in (0, -high - 1) or high & (high + 1):
            # No range of a whole number of bits: the signs of the differences to its ends tell.
            integer = a.bits(frac, a.width).as_signed()
            shape = signed(max(high.bit_length(), (-low - 1).bit_length(), 1) + 1)
            width = max(integer.width, shape.width) + 1
            below = p.add(integer, p.constant(low, shape), signed(width), subtract=True, name="below")
            above = p.add(p.constant(high, shape), integer, signed(width), subtract=True, name="above")
            signs = [difference.bits(width - 1, width) for difference in (below, above)]
            return p.operate("outside", target.family.lut, signs, unsigned(1), lambda x, y: x | y)
        if a.width - frac - whole <= 0:
            return sign if not has_sign else p.constant(0, unsigned(1))
        top = a.bits(frac + whole - has_sign, a.width)

        def is_outside(x: Value) -> Value:
            return x.any() & ~x.all() if has_sign else x.any()

        return p.operate("outside", target.logic(top.width), [top], unsigned(1), is_outside)


def even_and_saturated(
    x: Value, is_tie: Value, is_outside: Value, negative: Value, low: int, high: int, bits: int
) -> Value:
    """``x`` with its lowest bit cleared on a tie; ``low`` or ``high`` where it is outside of them; in ``bits``."""
    rounded = Cat(x[0] & ~is_tie, x[1:])
    extended = Cat(rounded, x[-1].replicate(max(bits - len(x), 0)))[:bits]
    limit = Mux(negative, Const(low, signed(bits + 1)), Const(high, signed(bits + 1)))[:bits]
    return Mux(is_outside, limit, extended)
