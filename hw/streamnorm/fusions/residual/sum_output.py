"""The sums on their way out: rounded to their own format, and queued."""

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.constant_product import signed_digits, times_constant
from streamnorm.logic.pipeline import Pipeline, Timed
from streamnorm.logic.primitives.queue import whole_columns
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.fusions.sum_grid import SumGrid
from streamnorm.units import ingest
from streamnorm.units.output_queue import OutputQueue
from streamnorm.units.result_steps import ResultSteps, even_and_saturated
from streamnorm.units.streams import element_shape, side_layout

__all__ = ["SumOutput"]

_DIGITS_MAX = 3
"""Factors of more digits than these are multiplied in tiles."""

_LAG = ingest.LATENCY + 4
"""Beats that may still come in when ``room`` falls, those ``ahead`` not counted: beats are counted as ingest tells of
them, a cycle later, from a register."""


class SumOutput(wiring.Component):
    """Rounds each sum as :class:`~streamnorm.spec.fusions.sum_grid.SumGrid` says; a beat a cycle.

    A beat's ``r`` comes in the cycle in which it is taken by ingest, what ingest makes of the beat (valid, last, keep)
    ``ingest.LATENCY`` cycles later, its row's error another cycle later. ``o`` comes straight from registers.

    Parameters
    ----------
    config : NormConfig, with a residual that sends sums out
    ahead : beats between where ``room`` is looked at and ingest

    Members
    -------
    r : In(ArrayLayout(element of what is normalized, lanes))
    valid, last, error : In(1); keep : In(lanes)
    room : Out(1), a register: further beats may be taken
    o : Out(stream of side_layout)

    Attributes
    ----------
    queued : cycles from a beat to its being in the queue
    limit : beats inside, as they are counted, from which ``room`` is 0
    """

    def __init__(self, config: NormConfig, *, ahead: int) -> None:
        assert config.residual is not None
        (side,) = config.residual.outputs
        target, family = config.device, config.device.family
        layout = side_layout(config, side, flagged=True)
        lanes = config.lanes
        super().__init__(
            {
                "r": In(data.ArrayLayout(element_shape(config.normalized_input), lanes)),
                "valid": In(1),
                "last": In(1),
                "error": In(1),
                "keep": In(lanes),
                "room": Out(1, init=1),
                "o": Out(stream.Signature(layout)),
            }
        )
        self._m = m = Module()
        p = Pipeline(m, target, "sum")
        # Behind an adder: no logic but that before the first register.
        sums = [p.registered(p.input(self.r[lane], delay=target.budget)) for lane in range(lanes)]
        results = self._results(p, config, sums)
        self.queued = cycle = max(results[0].cycle, ingest.LATENCY + 1)
        self.multipliers = p.multipliers
        lag = ahead + _LAG
        self._depth = whole_columns(cycle + 2 * lag)
        self.limit = self._depth - lag
        self._queue = queue = OutputQueue(layout, depth=self._depth, family=family.primitives)
        self.block_rams = queue.block_rams
        keep = p.delayed(p.input(self.keep, ingest.LATENCY), cycle).value
        last = p.delayed(p.input(self.last, ingest.LATENCY), cycle).value
        error = p.delayed(p.input(self.error, ingest.LATENCY + 1), cycle).value
        valid: Value = self.valid
        for stage in range(ingest.LATENCY, cycle):
            later = Signal(name=f"sum_valid_{stage}")
            m.d.sync += later.eq(valid)
            valid = later
        m.d.comb += [
            queue.write.eq(valid),
            queue.write_data.keep.eq(keep),
            queue.write_data.last.eq(last),
            queue.write_data.error.eq(error & last),
        ]
        for lane, result in enumerate(results):
            kept = Mux(keep[lane], p.delayed(result, cycle).value, 0)
            m.d.comb += queue.write_data.data[lane].eq(kept)
        self.latency = cycle + queue.latency

    def _results(self, p: Pipeline, config: NormConfig, sums: list[Timed]) -> list[Timed]:
        """What leaves, of the lanes of a beat."""
        assert config.residual is not None
        number, grid = config.residual.sum_number, config.residual.sum_grid(config.input)
        assert isinstance(number, IntFormat)
        assert grid is not None
        steps = ResultSteps(p, config)
        return [self._rounded(p, steps, r, grid, number) for r in sums]

    @staticmethod
    def _rounded(p: Pipeline, steps: ResultSteps, r: Timed, grid: SumGrid, number: IntFormat) -> Timed:
        factor, offset = grid.factor, grid.offset
        if len(signed_digits(factor)) <= _DIGITS_MAX or p.target.family.tile is None:
            product = times_constant(p, r, factor)
        else:
            product = p.multiply(r, p.constant(factor, unsigned(factor.bit_length())))
        if not product.signed:
            product = p.reshape(product, signed(product.width + 1))
        width = max(product.width, offset.bit_length() + 1) + 1
        a = p.add(product, p.constant(offset, signed(offset.bit_length() + 1)), signed(width), name="offset")
        kept = p.registered(a.bits(grid.drop, width).as_signed())
        low, high, bits = number.min, number.max, number.bits
        parts = [p.registered(part) for part in steps.half_even(kept, grid.frac_bits, low, high, bits)]

        def finish(x: Value, is_tie: Value, outside: Value, negative: Value) -> Value:
            return even_and_saturated(x, is_tie, outside, negative, low, high, bits)

        return p.registered(p.operate("result", p.target.family.lut, parts, unsigned(bits), finish))

    def elaborate(self, platform: object) -> Module:
        m = self._m
        m.submodules.queue = queue = self._queue
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        # From where ingest tells of a beat to where it has left the queue's memory.
        inside = Signal(range(self._depth + 1))
        with m.If(self.valid & ~queue.released):
            m.d.sync += inside.eq(inside + 1)
        with m.If(~self.valid & queue.released):
            m.d.sync += inside.eq(inside - 1)
        m.d.sync += self.room.eq(inside < self.limit)
        return m
