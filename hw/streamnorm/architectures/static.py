"""The unit of norms without a statistic: what comes in goes straight through the lanes to the output queue."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring

from streamnorm.logic.primitives.queue import whole_columns
from streamnorm.spec.architectures import STATIC
from streamnorm.spec.config import NormConfig
from streamnorm.units import ingest
from streamnorm.units.floating.static_float_lanes import StaticFloatLanes
from streamnorm.units.ingest import Ingest
from streamnorm.units.output_queue import OutputQueue
from streamnorm.units.parameter_queue import ERROR_LATER, ParameterQueue
from streamnorm.units.static_lanes import StaticLanes
from streamnorm.units.streams import result_layout

from .connections import connect_loading, connect_parameters, connect_results, parameters_of, unit_ports
from .report import Stage, UnitReport

__all__ = ["StaticUnit"]

_COUNTING = 4
"""Cycles in which a beat that has left still counts: its way into the count, and out of it."""


class StaticUnit(wiring.Component):
    """A static norm of a stream of rows; ports and stream behaviour are those of
    :class:`~streamnorm.architectures.one_pass.NormUnit`.

    There is no row buffer: a row's first result does not wait for its last beat. Nothing stalls between ingest, which
    takes as many beats as the output queue has room for, and that queue. Gamma and beta are fetched while their beat is
    still offered, so that their block RAM costs no cycle.

    Raises
    ------
    ConfigError
        If gamma or beta cannot be held in the configured width, or no table reaches the accuracy asked for.
    """

    def __init__(self, config: NormConfig) -> None:
        self.config = config
        family = config.device.family
        store = parameters_of(config, issued=0, told=ingest.LATENCY)
        kind = StaticFloatLanes if config.is_floating else StaticLanes
        self.lanes = kind(config, parameter_delay=store.delay, parameter_latency=store.cycles)
        self.parameter_store = store.reaching(max(self.lanes.gamma_cycle, self.lanes.beta_cycle))
        within = self.lanes.latency
        # Nothing leads past a block RAM to the register inside it: with a bypass, the memory would become flip-flops.
        bypass = family.lut_ram
        # Every beat inside, and those that still come in when ready is about to fall.
        self.output_depth = whole_columns(within + (not bypass) + _COUNTING + ingest.READY_LAG)
        self.ingest = Ingest(config, buffer_depth=self.output_depth, row_slots=None)
        self.output_queue = OutputQueue(
            result_layout(config), depth=self.output_depth, family=family.primitives, bypass=bypass
        )
        queue_rams = self.output_queue.block_rams
        queued = "output register; by its memory while it is empty" if bypass else "memory and output register"
        self.report = UnitReport(
            architecture=STATIC,
            stages=(
                Stage("ingest", ingest.LATENCY, self.ingest.about),
                Stage("function", self.lanes.z_cycle - ingest.LATENCY, self.lanes.about),
                Stage("lanes", within - self.lanes.z_cycle, "each lane: times gamma, plus beta, round, saturate"),
                Stage("output queue", self.output_queue.latency, queued),
            ),
            beats_before_output=-1,
            multipliers={"lanes": self.lanes.multipliers},
            block_rams={
                "gamma and beta": self.parameter_store.block_rams,
                **({"function tables": self.lanes.block_rams} if self.lanes.block_rams else {}),
                **({"queues": queue_rams} if queue_rams else {}),
            },
            row_slots=self.output_depth,
            buffer_beats=0,
            output_entries=self.output_depth,
        )
        super().__init__(unit_ports(config))

    def activity(self) -> dict[str, Value]:
        """As of :meth:`NormUnit.activity`."""
        return {"ingest": self.ingest.valid, "lanes": self.output_queue.write}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, lanes = self.config, self.lanes
        m.submodules.ingest = entry = self.ingest
        m.submodules.parameter_store = store = self.parameter_store
        m.submodules.lanes = lanes
        m.submodules.output_queue = queue = self.output_queue
        wiring.connect(m, wiring.flipped(self.i), entry.i)
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        m.d.comb += entry.beat_released.eq(queue.released)
        m.d.comb += lanes.code.eq(self.i.payload.data) if lanes.takes_codes else lanes.d.eq(entry.d)
        row_end = Signal()
        m.d.comb += row_end.eq(entry.valid & entry.last)
        bank = entry.offered_bank if config.banks > 1 else None
        beats = _Beats(entry.taken, entry.begins, entry.column, bank, entry.last, entry.error, entry.keep)
        connect_parameters(m, store, beats, config.banks, lanes, 0)
        row_error = None
        if isinstance(store, ParameterQueue):
            row_error = store.row_error, ERROR_LATER
            wiring.connect(m, wiring.flipped(self.parameters), store.i)
            m.d.comb += [
                entry.admits.eq(store.there_next),
                store.take.eq(entry.taken),
                store.take_last.eq(entry.ends),
                store.beat_valid.eq(entry.valid),
                store.beat_first.eq(entry.first),
                store.beat_last.eq(entry.last),
                store.beat_keep.eq(entry.keep),
            ]
        base = -ingest.LATENCY
        connect_results(m, config, beats, entry.valid, lanes, base, queue, error_later=1, row_error=row_error)
        if config.parameters_are_loaded:
            connect_loading(m, self.parameters, self.o, row_end, store, entry, 2 * self.output_depth + 4)
        return m


@dataclass
class _Beats:
    """What there is to say about a beat: its place as it is offered, the rest as it leaves ingest."""

    issue: Signal
    first: Signal
    column: Signal
    issued_bank: Signal | None
    last: Signal
    issued_error: Signal
    issued_keep: Signal
