"""Results that are scaled by the largest of their row, behind a unit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out

from streamnorm.architectures import Stage
from streamnorm.architectures.connections import delays, unit_ports
from streamnorm.fusions.passed_inputs import passed_inputs
from streamnorm.logic.level import Level
from streamnorm.logic.primitives.queue import whole_columns
from streamnorm.logic.row_ring import RowRing, data_delay
from streamnorm.spec.config import NormConfig
from streamnorm.spec.row_flags import flags_of
from streamnorm.units import dispatch, output_queue, spacing
from streamnorm.units.dispatch import Dispatch
from streamnorm.units.output_queue import OutputQueue, output_queue_of
from streamnorm.units.row_buffer import RowBuffer
from streamnorm.units.spacing import Spacing
from streamnorm.units.streams import element_shape, result_layout, side_layout

from .row_factor import RowFactor
from .row_maximum import RowMaximum
from .row_scale_lanes import RowScaleLanes

__all__ = ["RowScaleUnit"]

_ENTRY = 1
"""Cycles from a beat that the unit within gives to where it is written and looked at."""

COUNTED = 4
"""Beats, and rows, that may still come in after the one that used up the space."""

RETURN = 2
"""Cycles from the issue of a row's first beat, or a scale's leaving the memory of its queue, to the ready that knows of
its place."""

RESERVE = 2
"""Places of rows, and of scales, that are left when ready falls."""


class RowScaleUnit(wiring.Component):
    """A unit whose rows wait for their largest result, are scaled by it and leave as narrow integers, with the scale.

    Row k + 1 comes in while row k goes out, a beat a cycle. Scales are queued as soon as they are known; one that is
    not taken stops the rows that come in, not those that are inside.

    Parameters
    ----------
    config : NormConfig, with a scale for each row and nothing before the norm
    core : the unit of ``config.core``

    Members
    -------
    i, parameters : those of ``core``; o : Out(stream of result_layout)
    scale : Out(stream of side_layout), a beat a row
    input_scale : that of ``core``; only where rows bring their scale

    Attributes
    ----------
    interval : cycles from row to row, at least, where factors are found
    row_slots, scale_slots : rows, and scales, for which there is a place
    output_depth : entries of the output queue
    buffer, lanes, queue, scales : blocks: of rows, to results, and the queues of these and of scales
    end_to_issue : cycles from where the last beat of a row is taken from ``core`` to the issue of its first
    end_to_scale : cycles from there to where its scale is written to its queue
    """

    def __init__(self, config: NormConfig, core: Any) -> None:
        self.config, self.core = config, core
        scale, target, family = config.row_scale, config.device, config.device.primitives
        assert scale is not None
        self._scale = scale
        self._flags = flags_of(config)
        beats = -(-config.min_length // config.lanes)
        self.interval = interval = min(beats, RowFactor.turns(scale))
        about = 1 + len(self._flags)
        self._maximum = RowMaximum(scale.core.bits, about_bits=about, lanes=config.lanes, target=target)
        self._factor = RowFactor(scale, target, interval=interval)
        shape = element_shape(scale.core)
        # The buffer's latency does not depend on its depth.
        probe = RowBuffer(config, depth=config.max_beats, shape=shape)
        self.lanes = RowScaleLanes(config, c_delay=probe.delay, factor_delay=data_delay(target))

        # Counted from the cycle in which a row's last beat is looked at.
        self._begin = begin = self._maximum.maximum_cycle + (spacing.LATENCY if interval > 1 else 0)
        factor_at = begin + self._factor.factor_cycle
        # Fetched the cycle after it was written, there another cycle later, with the first beat of its row.
        earliest_issue = factor_at + 2 - probe.latency
        ready_at = max(Dispatch.END_TO_READY, begin, earliest_issue - dispatch.READY_TO_ISSUE)
        self._begin_to_ready = ready_at - begin
        issue = ready_at + dispatch.READY_TO_ISSUE
        self.end_to_issue = _ENTRY + issue
        self.end_to_scale = _ENTRY + begin + self._factor.code_cycle
        written = issue + probe.latency + self.lanes.latency
        self.row_slots = whole_columns(-(-(issue + RETURN + COUNTED) // interval) + 2)
        self.output_depth = whole_columns(written - issue + 1 + dispatch.CREDIT_RETURN)
        self.buffer = RowBuffer(config, depth=config.max_beats + issue + 2 * COUNTED, shape=shape)
        self._dispatch = Dispatch(config, row_slots=self.row_slots, output_depth=self.output_depth, family=family)
        width = scale.factor_bits + len(self._flags)
        self._ring = RowRing(width=width, depth=self.row_slots, family=family)
        self._spacing = (
            Spacing(config, self._maximum, interval=interval, row_slots=self.row_slots) if interval > 1 else None
        )
        self.queue = output_queue_of(config, depth=self.output_depth)
        self._side = side = side_layout(config, scale.side, flagged=True)
        waiting = begin + self._factor.code_cycle + output_queue.LATENCY + RETURN + COUNTED
        self.scale_slots = whole_columns(-(-waiting // interval) + 2)
        self.scales = OutputQueue(side, depth=self.scale_slots, family=family)
        self.report = self._report(factor_at, written)
        ports = unit_ports(config)
        ports["scale"] = Out(stream.Signature(side))
        super().__init__(ports | passed_inputs(core))

    def _report(self, factor_at: int, written: int) -> Any:
        report, maximum, spaced = self.core.report, self._maximum.maximum_cycle, self.interval > 1
        fetched = written - self.lanes.latency
        stages = (
            Stage("row maximum", _ENTRY + maximum, "the largest magnitude of a row's results, beat by beat"),
            Stage(
                "row spacing",
                self._begin - maximum,
                "maxima wait until the factor of the next row can be found" if spaced else "",
            ),
            Stage("row scale", self._factor.factor_cycle, "the largest code over the row's maximum, and the scale"),
            Stage("row queue", fetched - factor_at, "written, then fetched as its row leaves its buffer"),
            Stage("quantize", self.lanes.latency, "each lane: times the row's factor, round"),
            Stage("quantized queue", self.queue.latency, self.queue.about),
        )
        queues = [self._dispatch, self._ring, self.queue, self.scales]
        queues += [] if self._spacing is None else [self._spacing]
        block_rams = {**report.block_rams, "buffer of results": self.buffer.block_rams}
        if rams := sum(queue.block_rams for queue in queues) + self._factor.block_rams:
            block_rams["queues of results"] = rams
        return replace(
            report,
            stages=(*report.stages, *stages),
            # A row's first result waits for its last one, which comes as many beats later.
            beats_before_output=report.beats_before_output + 1,
            interval_min=max(report.interval_min, self.interval),
            multipliers={**report.multipliers, "quantize": self.lanes.multipliers + self._factor.multipliers},
            block_rams=block_rams,
        )

    @property
    def ingest(self) -> Any:
        """That of the unit within."""
        return self.core.ingest

    def activity(self) -> dict[str, Value]:
        """As of :meth:`~streamnorm.architectures.one_pass.NormUnit.activity`."""
        return {**self.core.activity(), "row scale": self._ring.write, "quantize": self.queue.write}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, core = self.config, self.core
        m.submodules.core = core
        m.submodules.row_maximum = maximum = self._maximum
        m.submodules.row_factor = factor = self._factor
        m.submodules.result_buffer = buffer = self.buffer
        m.submodules.dispatch = issue = self._dispatch
        m.submodules.factor_ring = ring = self._ring
        m.submodules.row_scale_lanes = self.lanes
        m.submodules.output_queue = queue = self.queue
        m.submodules.scale_queue = scales = self.scales
        wiring.connect(m, wiring.flipped(self.i), core.i)
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        wiring.connect(m, scales.o, wiring.flipped(self.scale))
        if not config.parameters_are_known:
            wiring.connect(m, wiring.flipped(self.parameters), core.parameters)
        for name in passed_inputs(core):
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(core, name))

        # A beat of the unit within, and its number in its row.
        taken = Signal()
        valid = Signal()
        begins = Signal(init=1)
        first = Signal(reset_less=True)
        index = Signal(range(config.max_beats), reset_less=True)
        beat = Signal(result_layout(config.core), reset_less=True)
        m.d.comb += taken.eq(core.o.valid & core.o.ready)
        m.d.sync += [valid.eq(taken), beat.eq(core.o.payload)]
        with m.If(taken):
            m.d.sync += [begins.eq(core.o.payload.last), first.eq(begins), index.eq(Mux(begins, 0, index + 1))]
        row_end = Signal()
        error = Signal(reset_less=True)
        m.d.comb += [
            row_end.eq(valid & beat.last),
            buffer.write.eq(valid),
            buffer.write_d.eq(beat.data),
            maximum.valid.eq(valid),
            maximum.first.eq(first),
            maximum.c.eq(beat.data),
            maximum.said.eq(Cat(beat.error, beat.flags) if self._flags else beat.error),
            issue.row_end.eq(row_end),
            issue.index.eq(index),
            issue.keep.eq(beat.keep),
            issue.error.eq(error),
        ]
        m.d.sync += error.eq(beat.error)

        about = self._connect_factor(m, row_end)
        factor_at, code_at = factor.factor_cycle, factor.code_cycle
        begun = delays(m, about[0], max(factor_at, code_at, self._begin_to_ready), "row_begun")
        said = delays(m, about[1], max(factor_at, code_at), "row_said")
        m.d.comb += [
            issue.row_ready.eq(begun[self._begin_to_ready]),
            ring.write.eq(begun[factor_at]),
            ring.write_data.eq(Cat(factor.factor, said[factor_at][1:])),
            scales.write.eq(begun[code_at]),
            scales.write_data.data[0].eq(factor.code),
            scales.write_data.keep.eq(1),
            scales.write_data.last.eq(1),
            scales.write_data.error.eq(said[code_at][0]),
        ]
        self._connect_results(m)
        self._admission(m, valid, row_end)
        return m

    def _connect_factor(self, m: Module, row_end: Value) -> tuple[Value, Value]:
        """Brings a row's maximum to where its factor is found; returns when, and what else there is to say of it."""
        maximum, factor, wait = self._maximum, self._factor, self._maximum.maximum_cycle
        if self._spacing is None:
            m.d.comb += factor.maximum.eq(maximum.maximum)
            return delays(m, row_end, wait, "row_end")[wait], maximum.about
        m.submodules.spacing = gate = self._spacing
        m.d.comb += [
            gate.row_end.eq(row_end),
            gate.maximum.eq(maximum.maximum),
            gate.about.eq(maximum.about),
            factor.start.eq(gate.start),
            factor.maximum.eq(gate.start_maximum),
        ]
        return gate.start, gate.start_about

    def _connect_results(self, m: Module) -> None:
        """Everything that flows from an issued beat to the queue without stopping."""
        buffer, issue, ring, lanes, queue = self.buffer, self._dispatch, self._ring, self.lanes, self.queue
        fetch = delays(m, issue.issue & issue.first, buffer.latency - 1, "row_issued")
        end = buffer.latency + lanes.latency
        valid = delays(m, issue.issue, end, "valid")
        last = delays(m, issue.last, end, "last")
        keep = delays(m, issue.issued_keep, end, "keep")
        error = delays(m, issue.issued_error & issue.last, end, "error")
        m.d.comb += [
            buffer.read.eq(issue.issue),
            ring.advance.eq(fetch[buffer.latency - 1]),
            lanes.c.eq(buffer.d),
            lanes.factor.eq(ring.data[: self._scale.factor_bits]),
            queue.write.eq(valid[end]),
            queue.write_data.data.eq(lanes.y),
            queue.write_data.keep.eq(keep[end]),
            queue.write_data.last.eq(last[end]),
            queue.write_data.error.eq(error[end]),
            issue.output_released.eq(queue.released),
        ]
        if self._flags:
            flags = delays(m, ring.data[self._scale.factor_bits :], lanes.latency, "row_flags")[lanes.latency]
            m.d.comb += queue.write_data.flags.eq(Mux(last[end], flags, 0))

    def _admission(self, m: Module, valid: Value, row_end: Value) -> None:
        """``ready`` of the unit within: places for beats, rows and scales, with some to spare."""
        issue, depth = self._dispatch, self.buffer.depth
        m.submodules.row_slots = rows = Level(maximum=self.row_slots, init=self.row_slots, reserve=RESERVE)
        m.submodules.scale_slots = scales = Level(maximum=self.scale_slots, init=self.scale_slots, reserve=RESERVE)
        beats = Signal(range(depth + 1))
        released = Signal()
        row_released = Signal()
        scale_released = Signal()
        space = Signal(init=1)
        m.d.sync += [
            released.eq(issue.issue),
            row_released.eq(issue.issue & issue.first),
            scale_released.eq(self.scales.released),
            space.eq(beats < depth - COUNTED),
            self.core.o.ready.eq(space & rows.some_next & scales.some_next),
        ]
        with m.If(valid ^ released):
            m.d.sync += beats.eq(beats + Cat(1, (~valid).replicate(len(beats) - 1)))
        m.d.comb += [
            rows.down.eq(row_end),
            rows.up.eq(row_released),
            scales.down.eq(row_end),
            scales.up.eq(scale_released),
        ]
