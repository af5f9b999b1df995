"""A unit that works in scans: a row is buffered and then read as often as there are steps to do."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring

from streamnorm.logic.primitives.queue import COLUMN_DEPTH, whole_columns
from streamnorm.spec.config import NormConfig
from streamnorm.units import ingest, output_queue
from streamnorm.units.apply import Apply
from streamnorm.units.ingest import Ingest
from streamnorm.units.output_queue import OutputQueue
from streamnorm.units.parameter_store import ParameterStore
from streamnorm.units.streams import result_layout

from .connections import connect_loading, connect_parameters, connect_results, connect_rows, unit_ports
from .replay_buffer import ReplayBuffer
from .report import Stage, UnitReport
from .scan_control import CREDIT_RETURN, ROW_END_TO_ISSUE, ScanControl
from .separate_steps import SeparateSteps
from .statistic_scans import ExactScans
from .welford import WelfordScan

__all__ = ["ScanUnit"]

ROW_SLOTS = COLUMN_DEPTH
"""Rows that may be buffered besides the one that is scanned; shorter ones fill these places before the buffer."""


class ScanUnit(wiring.Component):
    """LayerNorm or RMSNorm of a stream of rows, one row at a time, in scans over a buffer.

    A row is written to the buffer, and when it is complete, read again in each scan: for the mean (LayerNorm only), for
    the variance, or for both at once by Welford's updates; and then once where normalizing, gamma and beta are fused,
    or three times, the value between kept in a memory, where they are ``separate``. While a row is scanned the next
    ones come in: the buffer holds two of the longest. Each scan has multipliers of its own.

    Ports and stream behaviour are those of :class:`~streamnorm.architectures.one_pass.NormUnit`, and so is every result
    with exact sums.

    Parameters
    ----------
    config : NormConfig
    separate : normalize, scale and shift in a scan each
    welford : mean and variance by Welford's updates, in one scan; results then are not quite the same; LayerNorm only

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy asked for.
    """

    def __init__(self, config: NormConfig, *, separate: bool, welford: bool = False) -> None:
        self.config = config
        family = config.device.primitives
        self.row_buffer = buffer = ReplayBuffer(config, depth=2 * config.max_beats + ingest.READY_LAG + 8)
        self.parameter_store = store = ParameterStore(config)
        steps = ("normalize", "scale", "shift") if separate else ("apply",)
        kind = WelfordScan if welford else ExactScans
        self.statistic = kind(config, steps=len(steps), base=buffer.latency, d_delay=buffer.delay)
        self.names = (*self.statistic.names, *steps)
        self._first_step = len(self.statistic.names)
        self.steps: SeparateSteps | Apply
        if separate:
            self.steps = SeparateSteps(
                config,
                d_latency=buffer.latency,
                d_delay=buffer.delay,
                parameter_delay=store.delay,
                parameter_latency=store.cycles,
            )
            waits = (*self.statistic.waits, buffer.latency + self.steps.normalized, self.steps.scaled)
            self._base = self.steps.memory_latency
        else:
            self.steps = Apply(
                config, d_delay=buffer.delay, parameter_delay=store.delay, parameter_cycle=store.cycles - buffer.latency
            )
            waits = self.statistic.waits
            self._base = buffer.latency
        paces = (*self.statistic.paces, *(1,) * len(steps))
        flight = self._base + self.steps.latency
        self.output_depth = whole_columns(flight + 1 + CREDIT_RETURN)
        self.ingest = Ingest(config, buffer_depth=buffer.depth, row_slots=ROW_SLOTS)
        self.control = ScanControl(
            config, waits=waits, paces=paces, row_slots=ROW_SLOTS, output_depth=self.output_depth, family=family
        )
        self.output_queue = OutputQueue(result_layout(config), depth=self.output_depth, family=family)
        self.report = UnitReport(
            architecture=config.architecture,
            stages=(
                Stage("ingest", ingest.LATENCY, self.ingest.about),
                Stage("row queue", ROW_END_TO_ISSUE, "the row is in the buffer, and its turn comes"),
                *(
                    Stage(name, cycles, "a scan over the buffer, to the first beat of what follows")
                    for name, cycles in zip(self.names, (*waits, flight), strict=True)
                ),
                Stage("output queue", output_queue.LATENCY, "memory and output register"),
            ),
            beats_before_output=sum(paces[:-1]),
            interval=sum(waits) + 1,
            interval_beats=sum(paces),
            multipliers={"statistic": self.statistic.multipliers, "apply": self.steps.multipliers},
            block_rams={
                "row buffer": buffer.block_rams,
                "gamma and beta": store.block_rams,
                "statistic tables": self.statistic.block_rams,
                "queues": self.control.block_rams + self.output_queue.block_rams,
                **({"memory between scans": self.steps.block_rams} if isinstance(self.steps, SeparateSteps) else {}),
            },
            row_slots=ROW_SLOTS,
            buffer_beats=buffer.depth,
            output_entries=self.output_depth,
        )
        super().__init__(unit_ports(config))

    def activity(self) -> dict[str, Value]:
        """As of :meth:`NormUnit.activity`: for each scan, a beat is read."""
        issue, scan = self.control.issue, self.control.scan
        scans = {name: issue & (scan == number) for number, name in enumerate(self.names)}
        return {"ingest": self.ingest.valid, **scans}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.ingest = entry = self.ingest
        m.submodules.row_buffer = buffer = self.row_buffer
        m.submodules.control = control = self.control
        m.submodules.statistic = statistic = self.statistic
        m.submodules.parameter_store = store = self.parameter_store
        m.submodules.steps = steps = self.steps
        m.submodules.output_queue = queue = self.output_queue
        wiring.connect(m, wiring.flipped(self.i), entry.i)
        wiring.connect(m, queue.o, wiring.flipped(self.o))

        row_end = connect_rows(m, entry, buffer, control, config.banks)
        ends = Signal()
        # The buffer is read in the scans up to that in which d is normalized, which is the last one to need it.
        reads = Signal()
        forgets = Signal()
        m.d.comb += [
            control.output_released.eq(queue.released),
            ends.eq(control.issue & control.last),
            reads.eq(control.issue & (control.scan <= self._first_step)),
            forgets.eq(control.scan == self._first_step),
            buffer.read.eq(reads),
            buffer.rewind.eq(ends & ~forgets),
            buffer.forget.eq(ends & forgets),
            entry.beat_released.eq(reads & forgets),
        ]
        m.d.sync += entry.row_released.eq(ends & forgets)
        m.d.comb += [
            statistic.issue.eq(control.issue),
            statistic.scan.eq(control.scan),
            statistic.first.eq(control.first),
            statistic.last.eq(control.last),
            statistic.keep.eq(control.issued_keep),
            statistic.before.eq(control.before),
            statistic.d.eq(buffer.d),
            steps.d.eq(buffer.d),
            steps.scale.eq(statistic.scale),
            steps.centre.eq(statistic.centre),
            steps.shift.eq(statistic.shift),
        ]
        self._output_side(m, control, steps, store, queue)
        if config.parameters_are_loaded:
            rows_max = ROW_SLOTS + 2 * self.output_depth + 4
            connect_loading(m, self.parameters, self.o, row_end, store, entry, rows_max)
        return m

    def _output_side(
        self, m: Module, control: ScanControl, steps: Any, store: ParameterStore, queue: OutputQueue
    ) -> None:
        base = self._base
        if isinstance(steps, SeparateSteps):
            m.d.comb += [
                steps.normalize.eq(control.issue & (control.scan == self._first_step)),
                steps.multiply.eq(control.issue & (control.scan == self._first_step + 1)),
                steps.column.eq(control.column),
            ]
        connect_parameters(m, store, control, self.config.banks, steps, base)
        connect_results(m, self.config, control, control.issue & control.final, steps, base, queue)
