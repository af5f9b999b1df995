"""Units whose rows leave without their scales, which leave beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out

from streamnorm.logic.primitives.queue import whole_columns
from streamnorm.spec.architectures import DEFERRED
from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import DeferredScale
from streamnorm.units import ingest
from streamnorm.units.deferred_statistic import DeferredStatistic
from streamnorm.units.ingest import Ingest
from streamnorm.units.moments import Moments
from streamnorm.units.output_queue import OutputQueue
from streamnorm.units.streams import result_layout, side_layout

from .connections import connect_moments, delays, unit_ports
from .one_pass import NormUnit
from .report import Stage, UnitReport

__all__ = ["CentredUnit", "DeferredUnit"]

_COUNTING = 4
"""Cycles in which a beat that has left still counts: its way into the count, and out of it."""

_ROWS_LATE = 2
"""Rows that may come in when no slot is left: ready falls with the last but one."""


class DeferredUnit(wiring.Component):
    """Rows as they came, and the scale of each beside them.

    Stream behaviour is that of :class:`~streamnorm.architectures.one_pass.NormUnit`: rows that leave are well-formed. A
    beat leaves :attr:`report`'s ``latency`` cycles after it came, without its row's scale being known; that one
    follows the last beat of its row by ``scale_latency`` cycles. Each stream has a queue of its own. Where that of the
    scales is full, no more beats come in, and the rows that are inside leave all the same.

    Members
    -------
    i : In(stream of row_layout)
    o : Out(stream of result_layout)
    scale : Out(stream of side_layout); the row's error flag is on both

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy asked for.
    """

    def __init__(self, config: NormConfig) -> None:
        self.config = config
        family = config.device.family
        self.moments = moments = Moments(config)
        cycles = tuple(getattr(moments, f"{name}_cycle") for name in moments.names)
        self.statistic = statistic = DeferredStatistic(config, moments, cycles=cycles)
        # Nothing leads past a block RAM to the register inside it: with a bypass, the memory would become flip-flops.
        bypass = family.lut_ram
        self.output_depth = whole_columns((not bypass) + _COUNTING + ingest.READY_LAG)
        self.output_queue = OutputQueue(
            result_layout(config), depth=self.output_depth, family=family.primitives, bypass=bypass
        )
        # A row counts from the cycle after its last beat until its scale is in the queue's output register.
        counted = ingest.LATENCY - 1 + statistic.scale_cycle + 1
        self.row_slots = whole_columns(counted + _ROWS_LATE)
        self._scales = side_layout(config, DeferredScale.side(config), flagged=True)
        self.scale_queue = OutputQueue(self._scales, depth=self.row_slots, family=family.primitives)
        self.ingest = Ingest(config, buffer_depth=self.output_depth, row_slots=self.row_slots, through=True)
        self.report = self._report(bypass)
        super().__init__({**unit_ports(config), "scale": Out(stream.Signature(self._scales))})

    def _report(self, bypass: bool) -> UnitReport:
        moments, statistic = self.moments, self.statistic
        queued = "output register; by its memory while it is empty" if bypass else "memory and output register"
        begin, steps = moments.s2_cycle, []
        for step in statistic.steps:
            steps.append(Stage(step.name, step.cycle - begin, step.meaning))
            begin = step.cycle
        queue_rams = self.output_queue.block_rams + self.scale_queue.block_rams
        return UnitReport(
            architecture=DEFERRED,
            stages=(
                Stage("ingest", ingest.LATENCY, "take a beat in, find the lanes that count"),
                Stage("output queue", self.output_queue.latency, queued),
            ),
            scale_stages=(
                Stage("ingest", ingest.LATENCY, self.ingest.about),
                Stage("moments", moments.s2_cycle, moments.about),
                *steps,
                Stage("scale queue", self.scale_queue.latency, self.scale_queue.about),
            ),
            beats_before_output=-1,
            multipliers={"moments": moments.multipliers, "statistic": statistic.multipliers},
            block_rams={**statistic.tables, **({"queues": queue_rams} if queue_rams else {})},
            row_slots=self.row_slots,
            buffer_beats=0,
            output_entries=self.output_depth,
        )

    def activity(self) -> dict[str, Value]:
        """As of :meth:`NormUnit.activity`."""
        return {
            "ingest": self.ingest.valid,
            "statistic": self.scale_queue.write,
            "output queue": self.output_queue.write,
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.ingest = entry = self.ingest
        m.submodules.moments = moments = self.moments
        m.submodules.statistic = statistic = self.statistic
        m.submodules.output_queue = rows = self.output_queue
        m.submodules.scale_queue = scales = self.scale_queue
        wiring.connect(m, wiring.flipped(self.i), entry.i)
        wiring.connect(m, rows.o, wiring.flipped(self.o))
        wiring.connect(m, scales.o, wiring.flipped(self.scale))
        connect_moments(m, entry, moments)
        m.d.comb += [
            entry.beat_released.eq(rows.released),
            entry.row_released.eq(scales.released),
            *(getattr(statistic, name).eq(getattr(moments, name)) for name in moments.names),
        ]

        m.d.comb += [
            rows.write.eq(entry.valid),
            rows.write_data.keep.eq(entry.keep),
            rows.write_data.last.eq(entry.last),
            rows.write_data.error.eq(entry.malformed & entry.last),
            *(of.eq(element) for of, element in zip(rows.write_data.data, self._elements(m), strict=True)),
        ]

        row_end = Signal()
        m.d.comb += row_end.eq(entry.valid & entry.last)
        wait = statistic.scale_cycle
        m.d.comb += [
            scales.write.eq(delays(m, row_end, wait, "row_end")[wait]),
            scales.write_data.data[0].eq(statistic.scale),
            scales.write_data.keep.eq(1),
            scales.write_data.last.eq(1),
            scales.write_data.error.eq(delays(m, entry.malformed, wait, "row_error")[wait]),
        ]
        return m

    def _elements(self, m: Module) -> list[Value]:
        """Elements as they came, when ingest tells of their beat; 0 in lanes that are not kept."""
        config, entry = self.config, self.ingest
        if config.input.zero_point == 0:
            return [entry.d[lane][: config.input.bits] for lane in range(config.lanes)]
        x = self._later(m, self._later(m, self.i.payload.data, "offered"), "taken")
        return [Mux(entry.keep[lane], x[lane], 0) for lane in range(config.lanes)]

    @staticmethod
    def _later(m: Module, value: Any, name: str) -> Any:
        """The value a cycle later; it is not looked at after a reset."""
        register = Signal.like(value, reset_less=True, name=f"{name}_elements")
        m.d.sync += register.eq(value)
        return register


class CentredUnit(NormUnit):
    """Rows less their mean, and the scale of each beside them.

    Everything is as of :class:`~streamnorm.architectures.one_pass.NormUnit`; the row's error flag is on both streams,
    and each has a queue of its own. Where that of the scales is full, no more rows come in, and those that are inside
    leave all the same.
    """

    def __init__(self, config: NormConfig, *, behind_front: bool = False) -> None:
        assert config.centred_rows is not None
        super().__init__(config.centred_rows, behind_front=behind_front, deferred=config)
        self.config = config

    def _report(self) -> UnitReport:
        report, scales = super()._report(), self.scales
        assert scales is not None
        block_rams = {**report.block_rams, **scales.tables}
        if queued := scales.queue.block_rams:
            block_rams["queue of scales"] = queued
        return replace(
            report,
            architecture=DEFERRED,
            scale_stages=scales.stages,
            multipliers={**report.multipliers, **scales.multipliers},
            block_rams=block_rams,
        )
