"""Gamma and beta between two banks, made for each row and given to the unit that normalizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In

from streamnorm.architectures import Stage
from streamnorm.architectures.connections import delays, unit_ports
from streamnorm.logic.level import Level
from streamnorm.logic.primitives.queue import whole_columns
from streamnorm.logic.register_slice import RegisterSlice
from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import InterpolatedBanks
from streamnorm.units import ingest, output_queue
from streamnorm.units.output_queue import OutputQueue
from streamnorm.units.row_buffer import RowBuffer
from streamnorm.units.streams import parameter_layout, side_layout

from .bank_blend import BankBlend

__all__ = ["InterpolationUnit"]

_RETURN = 2
"""Cycles from a place that is free in the queue to the beat that is made for it."""

_TAKEN = 3
"""Cycles from a beat of gamma and beta that is offered to the issue of its beat, at least."""

_SPARE = 4
"""Rows, and beats, that are on their way from ingest to where they are counted, and some."""


class InterpolationUnit(wiring.Component):
    """A unit whose rows come with a number each that says where between two banks their gamma and beta are.

    As beats come in, those of gamma and beta are made, as many for each row, and go to the unit within as if they had
    come beside the rows. A row whose number is late waits inside, and all behind it; one of more than 1 has its error
    flag set, through a beat of gamma and beta that does not keep the lanes that the row keeps.

    Parameters
    ----------
    config : NormConfig, of interpolated banks, and with nothing else around the norm
    core : the unit of ``config.core``

    Members
    -------
    i, o : those of ``core``
    blend : In(stream of side_layout), a beat a row

    Attributes
    ----------
    depth : beats of gamma and beta that fit in their queue, those on their way to it included
    made_to_written : cycles from where a beat is begun to its being written there
    late : by how many cycles gamma and beta are late where the statistic takes few; a row's first beat is then begun
        when its statistic is
    """

    def __init__(self, config: NormConfig, core: Any) -> None:
        self.config, self.core = config, core
        family = config.device.primitives
        (side,) = InterpolatedBanks.inputs
        self._numbers = RegisterSlice(side_layout(config, side))
        self._lanes = BankBlend(config)
        ends = data.StructLayout({"index": unsigned(len(core.ingest.index)), "keep": unsigned(config.lanes)})
        self._rows = whole_columns(core.report.row_slots + _SPARE)
        # A beat is counted a cycle after ingest has told of it: then the end of its row, if it is that, is known.
        self._ends = OutputQueue(ends, depth=self._rows, family=family, bypass=True)
        self.made_to_written = self._lanes.latency
        self.depth = whole_columns(self.made_to_written + output_queue.LATENCY + _RETURN + _SPARE)
        self._queue = OutputQueue(parameter_layout(core.config), depth=self.depth, family=family)
        self.late, self.report = self._report()
        super().__init__({**unit_ports(config), "blend": In(stream.Signature(side_layout(config, side)))})

    def _report(self) -> tuple[int, Any]:
        """By how many cycles gamma and beta are late; and the report."""
        core, report = self.core, self.core.report
        multipliers, block_rams = dict(report.multipliers), dict(report.block_rams)
        # A row of one beat: the cycle of its issue, were there no gamma and beta to wait for, and with them.
        behind = RowBuffer(core.config, depth=core.config.max_beats).latency + core.apply.latency
        issue = report.latency - ingest.LATENCY - behind - core.output_queue.latency
        earliest = self._ends.latency + self._lanes.latency + output_queue.LATENCY + _TAKEN
        about = "gamma and beta between the banks, a row's first beat; while the statistic is worked out"
        late = max(0, earliest - issue)
        made = Stage("interpolation", late, about)
        before = next(at for at, stage in enumerate(report.stages) if stage.name == "apply")
        multipliers["between banks"] = self._lanes.multipliers
        block_rams["gamma and beta"] += self._lanes.block_rams
        if queues := self._ends.block_rams + self._queue.block_rams:
            block_rams["queues of gamma and beta"] = queues
        stages = (*report.stages[:before], made, *report.stages[before:])
        return late, replace(report, stages=stages, multipliers=multipliers, block_rams=block_rams)

    @property
    def ingest(self) -> Any:
        """That of the unit within."""
        return self.core.ingest

    def activity(self) -> dict[str, Value]:
        """As of :meth:`~streamnorm.architectures.one_pass.NormUnit.activity`."""
        return {"between banks": self._queue.write, **self.core.activity()}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, core, entry = self.config, self.core, self.core.ingest
        m.submodules.core = core
        m.submodules.numbers = numbers = self._numbers
        m.submodules.bank_blend = lanes = self._lanes
        m.submodules.row_ends = ends = self._ends
        m.submodules.blend_queue = queue = self._queue
        m.submodules.beats = beats = Level(maximum=core.report.buffer_beats + _SPARE)
        m.submodules.places = places = Level(maximum=self.depth, init=self.depth)
        wiring.connect(m, wiring.flipped(self.i), core.i)
        wiring.connect(m, core.o, wiring.flipped(self.o))
        wiring.connect(m, wiring.flipped(self.blend), numbers.i)
        wiring.connect(m, queue.o, core.parameters)

        make = Signal()
        last = Signal()
        column = Signal(len(lanes.column))
        released = Signal()
        m.d.comb += [
            ends.write.eq(entry.valid & entry.last),
            ends.write_data.index.eq(entry.index),
            ends.write_data.keep.eq(entry.keep),
            beats.up.eq(entry.valid),
            # A beat that is there while no end is, is not its row's last.
            last.eq(ends.o.valid & (ends.o.payload.index == column)),
            make.eq(beats.some & places.some & numbers.o.valid & self._may_begin(m, make, column)),
            beats.down.eq(make),
            places.down.eq(make),
            places.up.eq(released),
            ends.o.ready.eq(make & last),
            numbers.o.ready.eq(make & last),
            lanes.column.eq(column),
        ]
        m.d.sync += released.eq(queue.released)
        with m.If(make):
            m.d.sync += column.eq(Mux(last, 0, column + 1))

        code = numbers.o.payload.data[0]
        one, low = code[-1], code[:-1]
        above = one & low.any()
        keep = Mux(last, ends.o.payload.keep, (1 << config.lanes) - 1)
        flow = Cat(keep[0] & ~above, keep[1:], last)
        beat = queue.write_data
        m.d.comb += [
            lanes.t.eq(Cat(low & ~one.replicate(len(low)), one)),
            queue.write.eq(delays(m, make, lanes.latency, "made")[-1]),
            beat.gamma.eq(lanes.gamma),
            beat.beta.eq(lanes.beta),
            Cat(beat.keep, beat.last).eq(delays(m, flow, lanes.latency, "about")[-1]),
        ]
        return m

    def _may_begin(self, m: Module, make: Signal, column: Signal) -> Value:
        """Whether the next beat is not a row's first, or one that may be made.

        Where the unit within has to wait for gamma and beta, it does so from where its statistic begins, whatever the
        row's length. Else nothing has to be known of a row but its beats.
        """
        if not self.late:
            return Const(1)
        entry = self.core.ingest
        early = self.core.report.statistic_beats is not None
        m.submodules.complete_rows = rows = Level(maximum=self._rows)
        first = column == 0
        m.d.comb += [rows.up.eq(entry.complete if early else entry.valid & entry.last), rows.down.eq(make & first)]
        return rows.some | ~first
