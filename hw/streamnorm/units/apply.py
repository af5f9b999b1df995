"""Apply: normalize, scale, shift, round and saturate every lane of a beat."""

from typing import Any, ClassVar

from amaranth.hdl import Module
from amaranth.lib import wiring

from streamnorm.logic.pipeline import Pipeline
from streamnorm.logic.row_ring import data_delay
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig

from .affine_steps import AffineSteps
from .dyadic_steps import DyadicSteps
from .lane_steps import LaneSteps, lane_ports
from .result_steps import result_ports

__all__ = ["Apply", "FurtherLanes"]


class FurtherLanes:
    """The ends of the lanes that make a further result of the normalized values: what of :class:`Apply` has its name.

    Attributes
    ----------
    keep, y, gamma, beta : the ports; constants have none
    gamma_cycle, beta_cycle, keep_cycle, latency : as those of Apply, from the same beat's ``d`` on
    multipliers : tiles of these ends
    """

    gamma_cycle: int
    beta_cycle: int
    keep_cycle: int
    latency: int
    multipliers: int

    def __init__(self, ports: dict[str, Any]) -> None:
        self.__dict__.update(ports)


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
    result_NAME_gamma, result_NAME_beta, result_NAME_keep, result_NAME_y
        The same of each further result; see :attr:`further`.
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
        ends = {result.side.port: config.by_result[result.name] for result in config.results}
        more = {f"{port}_{name}": of for port, end in ends.items() for name, of in result_ports(end).items()}
        super().__init__({**lane_ports(config), **more})
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
        distance = target.family.block_distance
        self._ending(p, config, steps).finish(
            self, normalized, parameter_delay=parameter_delay, distance=distance, earliest=parameter_cycle
        )
        self.multipliers = taken = p.multipliers
        self.further: dict[str, FurtherLanes] = {}
        """By the name of the result."""
        for name, port, end in zip(config.by_result, ends, ends.values(), strict=True):
            ports = {of: getattr(self, f"{port}_{of}") for of in result_ports(end)}
            self.further[name] = lanes_of = FurtherLanes(ports)
            LaneSteps(p, end).finish(
                lanes_of, normalized, parameter_delay=parameter_delay, distance=distance, earliest=parameter_cycle
            )
            lanes_of.multipliers, taken = p.multipliers - taken, p.multipliers

    def _ending(self, p: Pipeline, config: NormConfig, steps: LaneSteps) -> AffineSteps | DyadicSteps:
        """What takes the lanes from z to their results."""
        return steps

    def elaborate(self, platform: object) -> Module:
        return self._m
