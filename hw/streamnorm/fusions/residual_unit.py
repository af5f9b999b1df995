"""The residual add in front of a unit: ``r = alpha * x + f`` is what it normalizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amaranth.hdl import EnableInserter, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.architectures import Stage
from streamnorm.architectures.connections import unit_ports
from streamnorm.logic.skid_buffer import SkidBuffer
from streamnorm.spec.config import NormConfig
from streamnorm.units.streams import element_shape, row_layout, side_layout

from .row_join import RowJoin
from .sum_output import SumOutput
from .weighted_sum import WeightedSum

__all__ = ["ResidualUnit"]


class ResidualUnit(wiring.Component):
    """A unit behind the sum of two streams of rows; a beat of each a cycle.

    Where the rows of the two differ in length, or in the lanes that they keep, the row that comes out has its error
    flag set: it ends where the shorter one does, what the longer has more is swallowed, and the next rows are in step
    again. The flag is that of a malformed ``keep``, whose lowest bit is cleared for it; ingest takes that lane for
    kept.

    Parameters
    ----------
    config : NormConfig, with a residual
    core : the unit of ``config.behind_front``

    Members
    -------
    i, o, parameters : those of ``core``, and what comes out of it beside; elements of ``i`` are of ``config.input``
    residual : In(stream of side_layout)
    sum : Out(stream of side_layout); only with ``emit_sum``
        What was normalized, row by row as it was, so cut at ``max_length``. A stream that is not taken stops the rows
        that come in, not the results of those that are inside.
    """

    def __init__(self, config: NormConfig, core: Any) -> None:
        assert config.residual is not None
        self.config, self.core = config, core
        (side,) = config.residual.inputs
        sums = config.residual.sums(config.input)
        rows, others = row_layout(config), side_layout(config, side)
        self._skids = {"first": SkidBuffer(rows), "second": SkidBuffer(others)}
        self._join = RowJoin(rows, others)
        shapes = (element_shape(config.input), element_shape(side.number))
        self._adder = WeightedSum(*shapes, sums, lanes=config.lanes, target=config.device)
        self._sums = None
        ports = unit_ports(config)
        ports["residual"] = In(stream.Signature(others))
        if config.residual.sum_number is not None:
            self._sums = SumOutput(config, sums.number, config.residual.sum_grid(config.input))
            ports["sum"] = Out(stream.Signature(side_layout(config, config.residual.outputs[0], flagged=True)))
        for passed in core.config.side_outputs:
            ports[passed.name] = Out(stream.Signature(side_layout(config, passed, flagged=True)))
        self.report = self._report()
        super().__init__(ports)

    def _report(self) -> Any:
        report = self.core.report
        added = Stage("residual add", self._adder.latency, "both rows' beats side by side, alpha times x plus f")
        multipliers, block_rams = dict(report.multipliers), dict(report.block_rams)
        if self._sums is not None and self._sums.multipliers:
            multipliers["sums"] = self._sums.multipliers
        if self._sums is not None and self._sums.block_rams:
            block_rams["queue of sums"] = self._sums.block_rams
        stages = (added, *report.stages)
        return replace(report, stages=stages, multipliers=multipliers, block_rams=block_rams)

    def activity(self) -> dict[str, Value]:
        """As of :meth:`~streamnorm.architectures.one_pass.NormUnit.activity`."""
        return {"residual add": self.core.i.valid, **self.core.activity()}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = core = self.core
        m.submodules.join = join = self._join
        for name, given in (("first", self.i), ("second", self.residual)):
            m.submodules[f"{name}_skid"] = skid = self._skids[name]
            wiring.connect(m, wiring.flipped(given), skid.i)
            wiring.connect(m, skid.o, getattr(join, name))
        for name in ("o", *(passed.name for passed in core.config.side_outputs)):
            wiring.connect(m, getattr(core, name), wiring.flipped(getattr(self, name)))
        if self.config.storage == "ram":
            wiring.connect(m, wiring.flipped(self.parameters), core.parameters)

        # Everything on the way to ingest stands still while it takes nothing.
        advance = Signal()
        front, adder = Module(), self._adder
        front.submodules.adder = adder
        beat = join.o.payload
        bits = self.config.rows_name_banks
        keep = beat.first.keep & beat.second.keep
        travels: list[tuple[Value, Value, bool]] = [
            (join.o.valid, core.i.valid, True),
            (beat.last, core.i.payload.last, False),
            (keep[0] & beat.agrees, core.i.payload.keep[0], False),
            (keep[1:], core.i.payload.keep[1:], False),
            *([(beat.first.bank, core.i.payload.bank, False)] if bits else []),
        ]
        room: Value | int = 1
        if self._sums is not None:
            m.submodules.sums = sums = self._sums
            room = sums.room
        for number, (value, port, is_valid) in enumerate(travels):
            for stage in range(adder.latency):
                register = Signal(len(value), reset_less=not is_valid, name=f"front_{number}_{stage}")
                front.d.sync += register.eq(value)
                value = register
            m.d.comb += port.eq(value & room if is_valid else value)
        m.submodules.front = EnableInserter(advance)(front)
        m.d.comb += [
            advance.eq(core.i.ready & room),
            join.o.ready.eq(advance),
            adder.x.eq(beat.first.data),
            adder.f.eq(beat.second.data),
            core.i.payload.data.eq(adder.r),
        ]
        if self._sums is not None:
            entry = core.ingest
            wiring.connect(m, sums.o, wiring.flipped(self.sum))
            m.d.comb += [
                sums.r.eq(adder.r),
                sums.valid.eq(entry.valid),
                sums.last.eq(entry.last),
                sums.keep.eq(entry.keep),
                sums.error.eq(entry.error),
            ]
        return m
