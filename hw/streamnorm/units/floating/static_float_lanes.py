"""The lanes of a norm without a statistic where elements or results are floating-point numbers."""

from typing import ClassVar

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pipeline import Pipeline
from streamnorm.precision.floating import StaticFloatPrecision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.row_flags import flags_of
from streamnorm.units.ingest import LATENCY
from streamnorm.units.result_steps import result_ports
from streamnorm.units.streams import difference_shape

from .element import element_parts
from .results import results_of
from .static_values import Element, static_values

__all__ = ["StaticFloatLanes"]


class StaticFloatLanes(wiring.Component):
    """Works out each lane's z, multiplies it by gamma, adds beta and rounds; a beat a cycle.

    These are the steps of :class:`~streamnorm.precision.floating.StaticFloatPrecision`. Parameters, attributes and
    ports are those of :class:`~streamnorm.units.static_lanes.StaticLanes`.

    Members
    -------
    d : In(ArrayLayout(difference_shape, lanes)); codes of floats, integers less the zero point
    nan, infinite, overflow : Out(1)
        Of the beat in ``y``: an element came in as NaN, or infinite; a result lay beyond the output format.
    """

    takes_codes: ClassVar[bool] = False
    gamma_cycle: int
    beta_cycle: int
    keep_cycle: int
    latency: int

    def __init__(self, config: NormConfig, *, parameter_delay: float, parameter_latency: int) -> None:
        target, precision = config.device, StaticFloatPrecision.of(config)
        super().__init__(
            {
                "d": In(data.ArrayLayout(difference_shape(config), config.lanes)),
                **result_ports(config),
                **{name: Out(1) for name in flags_of(config)},
            }
        )
        self._m = m = Module()
        p = Pipeline(m, target, "lane")
        self.about = precision.function.about
        inputs = [p.input(self.d[lane], LATENCY) for lane in range(config.lanes)]
        elements = [Element(d, element_parts(p, config.input, precision.elements, d)) for d in inputs]
        values = static_values(p, precision.function, elements)
        self.z_cycle = values[0].z.cycle
        results_of(p, config, precision).finish(
            self,
            values,
            parameter_delay=parameter_delay,
            distance=target.family.block_distance,
            earliest=parameter_latency,
        )
        self.multipliers, self.block_rams = p.multipliers, p.block_rams

    def elaborate(self, platform: object) -> Module:
        return self._m
