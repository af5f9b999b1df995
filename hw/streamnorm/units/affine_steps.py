"""From a normalized value to the result: what every norm ends with, with a statistic or without."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Mux, Value, signed, unsigned

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.lane import LanePrecision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameters import StoredParameters

from .result_steps import ResultSteps, even_and_saturated

__all__ = ["AffineSteps"]


class AffineSteps(ResultSteps):
    """Step 7 of :class:`~streamnorm.precision.precision.Precision` as logic in a pipeline.

    ``rounded(plus_beta(times_gamma(z)))`` is a result; all between is exact.

    Parameters
    ----------
    p : Pipeline, where the logic goes
    config : NormConfig
    precision : widths and binary points of a lane
    """

    def __init__(self, p: Pipeline, config: NormConfig, precision: LanePrecision) -> None:
        super().__init__(p, config)
        self._lane = precision
        self._parameters = StoredParameters.of(config)
        self._product_distance = 0.0

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

    def rounded(self, a: Timed, keep: Timed) -> Timed:
        """``y``, saturated; 0 if the lane is not kept. A level of logic behind a register: it goes into a memory."""
        output, bits = self._config.output, self._config.output.bits
        parts = self.half_even(a, self._lane.result_frac_bits, output.min, output.max, bits)

        def finish(x: Value, is_tie: Value, out: Value, negative: Value, kept: Value) -> Value:
            return Mux(kept, even_and_saturated(x, is_tie, out, negative, output.min, output.max, bits), 0)

        return self._p.operate("result", self._target.family.lut, [*parts, keep], unsigned(bits), finish)
