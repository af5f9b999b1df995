"""Apply for floating point: normalize, scale, shift and round every lane of a beat."""

from typing import ClassVar

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline
from streamnorm.precision.floating import FloatPrecision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.row_flags import flags_of
from streamnorm.units.result_steps import result_ports
from streamnorm.units.statistic_queue import queue_delay
from streamnorm.units.streams import difference_shape

from .float_lane import FixedLane, ProductLane
from .float_statistic import statistic_shapes
from .results import results_of

__all__ = ["FloatApply"]


class FloatApply(wiring.Component):
    """Normalizes each lane of a beat by its row's statistic, multiplies by gamma, adds beta and rounds; a beat a cycle.

    These are the steps of a lane of :class:`~streamnorm.precision.floating.FloatPrecision`. Parameters, attributes and
    ports are those of :class:`~streamnorm.units.apply.Apply`, with the outputs of
    :class:`~streamnorm.units.floating.float_statistic.FloatStatistic` in the place of scale, centre and shift: scale
    and exponent enter with ``d``, the others :attr:`centre_cycle` cycles later.

    Members
    -------
    d : In(ArrayLayout(difference_shape, lanes)); codes of floats, integers less the zero point
    nan, infinite, overflow : Out(1)
        Of the beat in ``y``: an element came in as NaN, or infinite; a result lay beyond the output format.
    """

    about: ClassVar[str] = "each lane: times scale, less centre, times gamma, plus beta, round"
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
        target, precision = config.device, FloatPrecision.of(config)
        shapes = statistic_shapes(config)
        super().__init__(
            {
                "d": In(data.ArrayLayout(difference_shape(config), config.lanes)),
                **{name: In(shape) for name, shape in shapes.items()},
                **result_ports(config),
                **{name: Out(1) for name in flags_of(config)},
            }
        )
        self._m = m = Module()
        p = Pipeline(m, target, "apply")
        arrival = queue_delay(config)
        lane_kind = FixedLane if precision.is_fixed else ProductLane
        steps = lane_kind(p, config)
        d_delay += target.family.mux  # of long rows, a choice among block RAMs is behind their registers
        early = {name: p.input(getattr(self, name), 0, arrival) for name in ("scale", "exponent")}
        begun = [steps.times_scale(p.input(self.d[lane], 0, d_delay), early) for lane in range(config.lanes)]
        self.centre_cycle = 0
        if apart:
            adder = target.adder(precision.normalized_bits)
            self.centre_cycle = p.meeting_cycle(begun[0].product, adder, target.budget, arrival)
        rest = {name: p.input(getattr(self, name), self.centre_cycle, arrival) for name in shapes if name not in early}
        lanes = [steps.normalized(lane, rest) for lane in begun]
        results_of(p, config, precision).finish(
            self,
            lanes,
            parameter_delay=parameter_delay,
            distance=target.family.block_distance,
            earliest=parameter_cycle,
        )
        self.multipliers = p.multipliers

    def elaborate(self, platform: object) -> Module:
        return self._m
