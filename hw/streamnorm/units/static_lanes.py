"""The lanes of a norm without a statistic: from an element to its result."""

from amaranth.hdl import Module, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from streamnorm.logic.pipeline import Pipeline
from streamnorm.precision.static import StaticPrecision
from streamnorm.spec.config import NormConfig

from .affine_steps import AffineSteps, affine_ports

__all__ = ["StaticLanes"]


class StaticLanes(wiring.Component):
    """Multiplies each lane's z by gamma, adds beta and rounds; a beat a cycle.

    These are the steps of :class:`~streamnorm.precision.static.StaticPrecision` behind d. ``gamma``, ``beta`` and
    ``keep`` enter :attr:`gamma_cycle`, :attr:`beta_cycle` and :attr:`keep_cycle` cycles after ``d``, and the result is
    there after :attr:`latency` cycles, behind a level of logic: it goes into a memory.

    Parameters
    ----------
    config : NormConfig
    parameter_delay : ns of logic (block RAM) behind gamma and beta

    Members
    -------
    d : In(ArrayLayout(signed(difference_bits), lanes))
    gamma, beta, keep, y : as of :class:`~streamnorm.units.apply.Apply`
    """

    def __init__(self, config: NormConfig, *, parameter_delay: float) -> None:
        target, precision, lanes = config.device, StaticPrecision.of(config), range(config.lanes)
        d = In(data.ArrayLayout(signed(precision.difference_bits), config.lanes))
        super().__init__({"d": d, **affine_ports(config)})
        self._m = m = Module()
        p = Pipeline(m, target, "lane")
        steps = AffineSteps(p, config, precision)
        values = [p.input(self.d[lane]) for lane in lanes]
        # From the block RAM's output register straight to that of a tile: in a unit this small, it is near enough.
        self.gamma_cycle = p.meeting_cycle(values[0], 0.0, 0.5 * target.budget, parameter_delay)
        gammas = steps.parameter(self, "gamma", self.gamma_cycle, parameter_delay)
        products = [steps.times_gamma(z, gamma) for z, gamma in zip(values, gammas, strict=True)]
        adder = target.adder(steps.beta_adder_width(products[0]))
        self.beta_cycle = p.meeting_cycle(products[0], adder, target.budget, parameter_delay)
        betas = steps.parameter(self, "beta", self.beta_cycle, parameter_delay)
        sums = [steps.plus_beta(product, beta) for product, beta in zip(products, betas, strict=True)]
        self.keep_cycle = sums[0].cycle
        results = [steps.round_half_even(a, p.input(self.keep[lane], self.keep_cycle)) for lane, a in enumerate(sums)]
        self.latency = results[0].cycle
        for lane, result in enumerate(results):
            assert result.cycle == self.latency
            m.d.comb += self.y[lane].eq(result.value)
        self.multipliers, self.block_rams = p.multipliers, p.block_rams

    def elaborate(self, platform: object) -> Module:
        return self._m
