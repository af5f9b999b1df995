"""The normalization unit: wires the blocks, with streams at both ends."""

import warnings
from collections.abc import Sequence

from amaranth.hdl import Cat, Module, UnusedElaboratable, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.primitives.queue import whole_columns
from streamnorm.spec.architectures import ONE_PASS
from streamnorm.spec.config import NormConfig
from streamnorm.units import dispatch, ingest, spacing
from streamnorm.units.algorithms import parts_of
from streamnorm.units.dispatch import Dispatch
from streamnorm.units.early_dispatch import EarlyDispatch
from streamnorm.units.ingest import Ingest
from streamnorm.units.output_queue import output_queue_of
from streamnorm.units.parameter_queue import ParameterQueue
from streamnorm.units.row_buffer import RowBuffer
from streamnorm.units.spacing import Spacing
from streamnorm.units.statistic import StatisticStep
from streamnorm.units.statistic_queue import StatisticQueue, earliest_meeting, read_latency, rings_apart, rows_waiting

from .connections import (
    connect_apply,
    connect_loading,
    connect_moments,
    connect_parameter_rows,
    connect_rows,
    connect_statistic,
    delays,
    parameters_of,
    unit_ports,
)
from .deferred_output import DeferredOutput
from .further_output import FurtherOutput
from .report import Stage, UnitReport

__all__ = ["NormUnit"]

SLOT_RETURN = 1
"""Cycles from a row's release to the ``ready`` that knows of it, a register."""

# Blocks are also built only to read their latency off; Amaranth would warn about each that becomes no hardware.
warnings.filterwarnings("ignore", category=UnusedElaboratable, module=r".*[\\/]streamnorm(_sim)?[\\/]")


class NormUnit(wiring.Component):
    """LayerNorm or RMSNorm of a stream of rows, as :class:`~streamnorm.spec.config.NormConfig` asks.

    One beat a cycle, no gap between rows; the row length is set by ``last``. With ``valid`` and ``ready`` at 1, the
    first beat of a result follows the last beat of its row by :attr:`latency` cycles; where the statistic is of a part
    of the row, the last beat that is needed for it.

    Parameters
    ----------
    config : NormConfig
    behind_front : whether something stands in front of ingest, which is then placed far from dispatch, too
    deferred : a configuration with ``defer``, whose ``centred_rows`` are ``config``: its scales leave beside the rows

    Members
    -------
    i : In(stream of row_layout)
    o : Out(stream of result_layout)
    parameters : In(stream of parameter_layout); only with ``storage = "ram"`` or ``"stream"``
    row_code : In, the code of the row's scale, with each beat of ``i``; only where rows bring their scale
    result_NAME : Out(stream of side_layout), for each further result
        A beat is issued where all queues have room, so that one that is not taken holds the others once they have given
        what was issued by then.
    scale : Out(stream of side_layout); only of ``deferred``

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy asked for.
    """

    def __init__(self, config: NormConfig, *, behind_front: bool = False, deferred: NormConfig | None = None) -> None:
        self.config = config
        kinds = parts_of(config)
        family = config.device.primitives
        self.moments = moments = kinds.moments(config)
        self.interval = kinds.statistic.interval_of(config)
        cycles = tuple(getattr(moments, f"{name}_cycle") for name in moments.names)
        apart = rings_apart(config)
        if self.interval > 1:
            self.statistic = kinds.statistic(
                config, moments, cycles=(0,) * len(cycles), interval=self.interval, from_ring=moments.names, apart=apart
            )
            self.start = max(cycles) + spacing.LATENCY
        else:
            self.statistic = kinds.statistic(config, moments, cycles=cycles, apart=apart)
            self.start = 0
        store = parameters_of(config)
        # The buffer's latency does not depend on its depth.
        probe = RowBuffer(config, depth=config.max_beats)
        self.apply = kinds.apply(
            config,
            d_delay=probe.delay,
            parameter_delay=store.delay,
            parameter_cycle=store.cycles - probe.latency,
            apart=apart,
        )
        self.parameter_store = store.reaching(probe.latency + max(self.apply.gamma_cycle, self.apply.beta_cycle))

        self._early = config.statistic_beats < config.max_beats
        dispatch_unit = EarlyDispatch if self._early else Dispatch
        # Counted from the start of a row's statistic (without spacing, from the difference of the last beat it needs).
        read = read_latency(config, rows_waiting(self.statistic, self.apply, self.interval))
        earliest_issue = earliest_meeting(self.statistic, self.apply, read) - probe.latency
        self._announce = max(dispatch_unit.END_TO_READY, earliest_issue - dispatch.READY_TO_ISSUE)
        issue = self._announce + dispatch.READY_TO_ISSUE
        written = issue + probe.latency + self.apply.latency

        # A row counts from the cycle after the last beat its statistic needs until its first beat is issued. Two slots
        # stay besides: ready falls with the last but one, and a row may come in before it does.
        # Where lanes are long, dispatch stands far from ingest.
        self.release_delay = 1 if config.formula.curvature or config.is_floating or behind_front else 0
        counted = ingest.LATENCY - 1 + self.start + issue + self.release_delay
        self.scales = None
        if deferred is not None:
            self.scales = DeferredOutput(deferred, moments)
            counted = max(counted + self.scales.LATER, self.scales.counted)
        self.row_slots = whole_columns(-(-counted // self.interval) + 2)
        self.output_depth = whole_columns(written - issue + 1 + dispatch.CREDIT_RETURN)
        self.row_buffer = RowBuffer(config, depth=config.max_beats + self.start + issue + ingest.READY_LAG + 8)
        self.ingest = Ingest(
            config,
            buffer_depth=self.row_buffer.depth,
            row_slots=self.row_slots,
            statistic_beats=config.statistic_beats if self._early else None,
        )
        if self.scales is not None:
            self.scales.attach(self.ingest, rows=self.row_slots)
        self.spacing = (
            Spacing(config, moments, interval=self.interval, row_slots=self.row_slots) if self.interval > 1 else None
        )
        sizes = {"row_slots": self.row_slots, "output_depth": self.output_depth}
        gated = config.parameters_are_streamed or bool(config.results)
        if self._early:
            sizes["buffer_depth"] = self.row_buffer.depth
        self.dispatch = dispatch_unit(config, **sizes, family=family, gated=gated)
        self.further = [
            FurtherOutput(config, name, self.apply, self.dispatch, base=probe.latency) for name in config.by_result
        ]
        # Its statistic is fetched some cycles later, long before that of the row in its slot can be written.
        refilled = read - probe.latency + self.release_delay + SLOT_RETURN
        refilled += ingest.LATENCY + self.start + self.statistic.scale_cycle
        self.statistic_queue = StatisticQueue(
            config, self.statistic, self.apply, depth=self.row_slots, refilled=refilled, latency=read
        )
        self.output_queue = output_queue_of(config, depth=self.output_depth)
        leaves = written - issue + self.output_queue.latency
        for further in self.further:
            # A load begins when the rows have left on o, whose lanes may be much shorter.
            self.parameter_store.settle = max(self.parameter_store.settle, further.reads - leaves)
        self.latency = ingest.LATENCY + self.start + written + self.output_queue.latency
        self.report = self._report()
        ports = unit_ports(config)
        if config.input_scale is not None:
            ports["row_code"] = In(moments.row_code.shape())
        if self.scales is not None:
            ports["scale"] = Out(self.scales.signature)
        super().__init__(ports)

    def _report(self) -> UnitReport:
        moments, statistic, spaced = self.moments, self.statistic, self.interval > 1
        fetched = self.latency - self.apply.latency - self.output_queue.latency
        queues = (self.dispatch, self.statistic_queue, self.output_queue, *((self.spacing,) if self.spacing else ()))
        queue_rams = sum(queue.block_rams for queue in queues) + sum(each.block_rams[1] for each in self.further)
        return UnitReport(
            architecture=ONE_PASS,
            stages=(
                Stage("ingest", ingest.LATENCY, self.ingest.about),
                Stage("moments", moments.s2_cycle, moments.about),
                Stage(
                    "spacing",
                    self.start - moments.s2_cycle if spaced else 0,
                    "moments wait until the statistic can take the next row" if spaced else "",
                ),
                *_stages(statistic.steps, 0 if spaced else moments.s2_cycle),
                Stage(
                    "statistic queue",
                    fetched - ingest.LATENCY - self.start - statistic.scale_cycle,
                    "written, then fetched as its row's first difference leaves the row buffer",
                ),
                Stage("apply", self.apply.latency, self.apply.about),
                Stage("output queue", self.output_queue.latency, self.output_queue.about),
            ),
            statistic_beats=self.config.statistic_beats if self._early else None,
            interval_min=self.interval,
            multipliers={
                "moments": moments.multipliers,
                "statistic": statistic.multipliers,
                "apply": self.apply.multipliers,
                **{further.name: further.multipliers for further in self.further},
            },
            block_rams={
                "row buffer": self.row_buffer.block_rams,
                "gamma and beta": self.parameter_store.block_rams,
                **{f"gamma and beta of {further.name}": further.block_rams[0] for further in self.further},
                **statistic.tables,
                **({"queues": queue_rams} if queue_rams else {}),
            },
            row_slots=self.row_slots,
            buffer_beats=self.row_buffer.depth,
            output_entries=self.output_depth,
        )

    def activity(self) -> dict[str, Value]:
        """What is 1 in a cycle in which a block does something, by the block's name, in the order data meets them."""
        return {
            "ingest": self.ingest.valid,
            "statistic": self.statistic_queue.write,
            "row buffer": self.dispatch.issue,
            "apply": self.output_queue.write,
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.ingest = entry = self.ingest
        m.submodules.moments = moments = self.moments
        m.submodules.statistic = statistic = self.statistic
        m.submodules.row_buffer = buffer = self.row_buffer
        m.submodules.dispatch = issue = self.dispatch
        m.submodules.parameter_store = store = self.parameter_store
        m.submodules.apply = self.apply
        m.submodules.output_queue = queue = self.output_queue
        m.submodules.statistic_queue = self.statistic_queue
        wiring.connect(m, wiring.flipped(self.i), entry.i)
        wiring.connect(m, queue.o, wiring.flipped(self.o))

        connect_moments(m, entry, moments)
        if config.input_scale is not None:
            m.d.comb += moments.row_code.eq(self.row_code)
        row_end = connect_rows(m, entry, buffer, issue, config.banks)
        complete = row_end
        if self._early:
            complete = entry.complete
            m.d.comb += [issue.complete.eq(complete), issue.follows.eq(entry.valid & ~entry.first)]
        if self.spacing is not None:
            m.submodules.spacing = gate = self.spacing
            m.d.comb += [
                gate.row_end.eq(complete),
                *(getattr(gate, name).eq(getattr(moments, name)) for name in moments.names),
                statistic.start.eq(gate.start),
                *(getattr(statistic, name).eq(getattr(gate, f"start_{name}")) for name in moments.names),
            ]
            row_start = gate.start
        else:
            m.d.comb += [getattr(statistic, name).eq(getattr(moments, name)) for name in moments.names]
            row_start = complete
        row_flags = delays(m, row_start, max(statistic.scale_cycle, self._announce), "row_start")
        m.d.comb += [
            issue.row_ready.eq(row_flags[self._announce]),
            buffer.read.eq(issue.issue),
            entry.beat_released.eq(issue.issue),
            issue.output_released.eq(queue.released),
        ]
        connect_statistic(m, statistic, self.statistic_queue, row_flags[statistic.scale_cycle])
        if (scales := self.scales) is None:
            connect_apply(m, self, buffer, released=self.release_delay, row_released=entry.row_released)
        else:
            m.submodules.scales = scales
            wiring.connect(m, scales.queue.o, wiring.flipped(self.scale))
            connect_apply(m, self, buffer, released=self.release_delay, row_released=scales.row_issued)
            m.d.comb += entry.row_released.eq(scales.row_released)
        for further in self.further:
            m.submodules[further.port] = further
            wiring.connect(m, further.queue.o, wiring.flipped(getattr(self, further.port)))
        if self.further:
            m.d.comb += issue.admits.eq(Cat(further.room for further in self.further).all())
        if isinstance(store, ParameterQueue):
            connect_parameter_rows(m, self.parameters, store, self.dispatch)
        elif config.parameters_are_loaded:
            rows_max = self.row_slots + 2 * self.output_depth + 4
            connect_loading(m, self.parameters, self.o, row_end, store, entry, rows_max)
            for further in self.further:
                further.store.follow(m, store, further.name)
        return m


def _stages(steps: Sequence[StatisticStep], begin: int) -> list[Stage]:
    """The steps of a statistic as stages, from the cycle ``begin`` on."""
    stages = []
    for step in steps:
        stages.append(Stage(step.name, step.cycle - begin, step.meaning))
        begin = step.cycle
    return stages
