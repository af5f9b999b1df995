"""The lanes of a norm without a statistic: from an element to its result."""

from typing import Any

from amaranth.hdl import Module, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.precision.static import StaticPrecision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.tanh_table import CodeTable

from .affine_steps import AffineSteps
from .ingest import LATENCY
from .result_steps import result_ports

__all__ = ["StaticLanes"]


class StaticLanes(wiring.Component):
    """Works out each lane's z, multiplies it by gamma, adds beta and rounds; a beat a cycle.

    These are the steps of :class:`~streamnorm.precision.static.StaticPrecision`. Cycles count from the one in which a
    beat is offered: its ``code`` enters then, ``d`` as it leaves ingest, ``gamma``, ``beta`` and ``keep`` in
    :attr:`gamma_cycle`, :attr:`beta_cycle` and :attr:`keep_cycle`, and the result is there in cycle :attr:`latency`,
    behind a level of logic: it goes into a memory.

    Parameters
    ----------
    config : NormConfig
    parameter_delay : ns of logic (block RAM) behind gamma and beta
    parameter_latency : cycles that it takes to fetch them

    Members
    -------
    code : In(ArrayLayout(unsigned(input bits), lanes))
        Elements as they are offered; where z comes from a table with an entry for each, whose block RAM has an address
        register that takes them in.
    d : In(ArrayLayout(signed(difference_bits), lanes)); elsewhere
    gamma, beta, keep, y : as of :class:`~streamnorm.units.apply.Apply`

    Attributes
    ----------
    about : how z is worked out, in a few words; empty where nothing is to be done
    """

    gamma_cycle: int
    beta_cycle: int
    keep_cycle: int
    latency: int

    def __init__(self, config: NormConfig, *, parameter_delay: float, parameter_latency: int) -> None:
        target, precision, lanes = config.device, StaticPrecision.of(config), range(config.lanes)
        self._table = precision.table
        self.about = "" if self._table is None else self._table.about
        self.takes_codes = isinstance(self._table, CodeTable)
        super().__init__({**self._source(config, precision.difference_bits), **result_ports(config)})
        self._m = m = Module()
        p = Pipeline(m, target, "lane")
        steps = AffineSteps(p, config, precision)
        values = self._values(p, lanes)
        self.z_cycle = values[0].cycle
        # From the block RAM's output register straight to that of a tile: in a unit this small, it is near enough.
        steps.finish(self, values, parameter_delay=parameter_delay, distance=0.0, earliest=parameter_latency)
        self.multipliers, self.block_rams = p.multipliers, p.block_rams

    def _source(self, config: NormConfig, difference_bits: int) -> dict[str, Any]:
        if self.takes_codes:
            return {"code": In(data.ArrayLayout(unsigned(config.input.bits), config.lanes))}
        return {"d": In(data.ArrayLayout(signed(difference_bits), config.lanes))}

    def _values(self, p: Pipeline, lanes: range) -> list[Timed]:
        """Each lane's z, no sooner than ingest has told what there is to say about its beat."""
        if self.takes_codes:
            assert self._table is not None
            found = self._table.build(p, [p.input(self.code[lane]) for lane in lanes])
            return [p.delayed(z, max(z.cycle, LATENCY)) for z in found]
        d = [p.input(self.d[lane], LATENCY) for lane in lanes]
        return d if self._table is None else self._table.build(p, d)

    def elaborate(self, platform: object) -> Module:
        return self._m
