"""Apply: normalize, scale, shift, round and saturate every lane of a beat."""

from typing import ClassVar

from amaranth.hdl import Module
from amaranth.lib import wiring

from streamnorm.logic.pipeline import Pipeline
from streamnorm.logic.row_ring import data_delay
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig

from .affine_steps import AffineSteps
from .dyadic_steps import DyadicSteps
from .lane_steps import LaneSteps, lane_ports

__all__ = ["Apply"]


class Apply(wiring.Component):
    """Normalizes each lane of a beat by its row's statistic, multiplies by gamma, adds beta and rounds; a beat a cycle.

    These are steps 6 and 7 of :class:`~streamnorm.precision.precision.Precision`.

    ``d`` and ``scale`` of a beat enter together; ``centre`` and ``shift`` enter :attr:`centre_cycle` cycles later,
    ``gamma``, ``beta`` and ``keep`` :attr:`gamma_cycle`, :attr:`beta_cycle` and :attr:`keep_cycle` cycles later, and
    the result is there after :attr:`latency` cycles, behind a level of logic: it goes into a memory.

    Parameters
    ----------
    config : NormConfig
    d_delay, parameter_delay : ns of logic (block RAM) behind ``d`` and behind gamma and beta
    parameter_cycle : the earliest cycle in which gamma and beta can be there
    apart : whether centre and shift come when the product with the scale is there, not with the scale

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

    about: ClassVar[str] = "each lane: times scale, less centre, times gamma, plus beta, round, saturate"
    gamma_cycle: int
    beta_cycle: int
    keep_cycle: int
    latency: int

    def __init__(
        self,
        config: NormConfig,
        *,
        d_delay: float,
        parameter_delay: float,
        parameter_cycle: int = 0,
        apart: bool = False,
    ) -> None:
        target = config.device
        lanes = config.lanes
        super().__init__(lane_ports(config))
        self._m = m = Module()
        p = Pipeline(m, target, "apply")

        steps = LaneSteps(p, config)
        # One row's statistic for all its beats, from RowRings.
        arrival = data_delay(target)
        scale = p.input(self.scale, 0, arrival)
        scaled = [steps.times_scale(p.input(self.d[lane], 0, d_delay), scale) for lane in range(lanes)]
        adder = target.adder(Precision.of(config).centre_bits)
        self.centre_cycle = p.meeting_cycle(scaled[0], adder, target.budget, arrival) if apart else 0
        centre, shift = (p.input(x, self.centre_cycle, arrival) for x in (self.centre, self.shift))
        normalized = [
            steps.round_to_output(steps.curved(steps.less_centre(product, centre, shift))) for product in scaled
        ]
        self._ending(p, config, steps).finish(
            self,
            normalized,
            parameter_delay=parameter_delay,
            distance=target.family.block_distance,
            earliest=parameter_cycle,
        )
        self.multipliers = p.multipliers

    def _ending(self, p: Pipeline, config: NormConfig, steps: LaneSteps) -> AffineSteps | DyadicSteps:
        """What takes the lanes from z to their results."""
        return steps

    def elaborate(self, platform: object) -> Module:
        return self._m
