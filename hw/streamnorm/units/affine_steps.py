"""From a normalized value to the result: what every norm ends with, with a statistic or without."""

from typing import Any

from amaranth.hdl import Cat, Const, Mux, Value, signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.lane import LanePrecision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters

from .streams import element_shape

__all__ = ["AffineSteps", "affine_ports"]


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

    def parameter(self, component: Any, name: str, cycle: int, delay: float) -> list[Timed | None]:
        """Each lane's gamma or beta, from the component's port of that name; None where it is a constant."""
        port = getattr(component, name, None)
        lanes = range(self._config.lanes)
        return [None if port is None else self._p.input(port[lane], cycle, delay) for lane in lanes]

    def times_gamma(self, z: Timed, gamma: Timed | None) -> Timed:
        """``z * gamma``; ``gamma`` is None where it is a constant."""
        p, parameters = self._p, self._parameters
        if parameters.gamma_is_constant:
            value = int(parameters.gamma[0, 0])
            if value == 1:
                return z
            gamma = p.constant(value, signed(max(value.bit_length(), (-value - 1).bit_length()) + 1))
        assert gamma is not None
        return p.multiply(z, gamma)

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
        p, target, output = self._p, self._target, self._config.output
        frac, bits = self._lane.result_frac_bits, output.bits
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

        def finish(x: Value, is_tie: Value, out: Value, negative: Value, kept: Value) -> Value:
            rounded = Cat(x[0] & ~is_tie, x[1:])
            extended = Cat(rounded, x[-1].replicate(max(bits - len(x), 0)))[:bits]
            limit = Mux(negative, Const(output.min, signed(bits + 1)), Const(output.max, signed(bits + 1)))[:bits]
            return Mux(kept, Mux(out, limit, extended), 0)

        inputs = [p.registered(result), p.registered(tie), p.registered(outside), sign, keep]
        return p.operate("result", target.family.lut, inputs, unsigned(bits), finish)
