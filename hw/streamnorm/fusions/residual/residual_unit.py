"""The residual add in front of a unit: ``r = alpha * x + f`` is what it normalizes."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import and_
from typing import Any

from amaranth.hdl import Cat, EnableInserter, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.architectures import Stage
from streamnorm.architectures.connections import unit_ports
from streamnorm.fusions.front_loads import connect_front_loads
from streamnorm.fusions.passed_inputs import passed_inputs
from streamnorm.logic.skid_buffer import SkidBuffer
from streamnorm.spec.config import NormConfig
from streamnorm.units.streams import row_layout, side_layout

from .row_join import RowJoin
from .row_sum import sum_of, sum_output_of

__all__ = ["ResidualUnit"]

_JOIN = 1
"""Cycles from where two beats join to the elements of both in registers."""


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

    Attributes
    ----------
    added : cycles from where two beats join to where ``core`` is offered their sum
    sums : SumOutput, or None
    """

    def __init__(self, config: NormConfig, core: Any) -> None:
        assert config.residual is not None
        self.config, self.core = config, core
        (side,) = config.residual.inputs
        rows, others = row_layout(config), side_layout(config, side)
        self._skids = {"first": SkidBuffer(rows), "second": SkidBuffer(others)}
        self._join = RowJoin(rows, others)
        self._adder = sum_of(config)
        self.added = _JOIN + self._adder.latency
        self.sums = None
        ports = unit_ports(config)
        ports["residual"] = In(stream.Signature(others))
        if config.residual.emit_sum:
            self.sums = sum_output_of(config, ahead=SkidBuffer.places + self.added)
            ports["sum"] = Out(stream.Signature(side_layout(config, config.residual.outputs[0], flagged=True)))
        for passed in core.config.side_outputs:
            ports[passed.port] = Out(stream.Signature(side_layout(config, passed, flagged=True)))
        ports |= passed_inputs(core)
        self.report = self._report()
        super().__init__(ports)

    def _report(self) -> Any:
        report = self.core.report
        added = Stage("residual add", self.added, "both rows' beats side by side, alpha times x plus f")
        multipliers, block_rams = dict(report.multipliers), dict(report.block_rams)
        if self.sums is not None and self.sums.multipliers:
            multipliers["sums"] = self.sums.multipliers
        if self.sums is not None and self.sums.block_rams:
            block_rams["queue of sums"] = self.sums.block_rams
        stages = (added, *report.stages)
        if report.scale_stages:
            report = replace(report, scale_stages=(added, *report.scale_stages))
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
        for name in ("o", *(passed.port for passed in core.config.side_outputs)):
            wiring.connect(m, getattr(core, name), wiring.flipped(getattr(self, name)))
        # Rows stop where they come in: the way from there to ingest has no more logic for it.
        admits = [] if self.sums is None else [self.sums.room]
        if self.config.parameters_are_loaded:
            held = SkidBuffer.places + self.added
            admits.append(connect_front_loads(m, self.i, self.parameters, core.i, core.parameters, held))
        elif self.config.parameters_are_streamed:
            wiring.connect(m, wiring.flipped(self.parameters), core.parameters)
        if admits:
            m.d.comb += self._skids["first"].admits.eq(reduce(and_, admits))
        for name in passed_inputs(core):
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(core, name))

        # Everything on the way to ingest stands still while it takes nothing.
        advance = Signal()
        front, adder = Module(), self._adder
        front.submodules.adder = adder
        first, second = join.o.payload.first, join.o.payload.second
        # Where the two rows do not end alike: only error flags wait for it, a cycle later.
        apart = Cat(first.keep ^ second.keep, first.last ^ second.last)
        travels = {"last": first.last | second.last, "keep": first.keep & second.keep, "apart": apart}
        if self.config.rows_name_banks:
            travels["bank"] = first.bank
        valid = join.o.valid
        for stage in range(self.added):
            valid = self._later(front, valid, f"valid_{stage}", reset_less=False)
            travels = {name: self._later(front, value, f"{name}_{stage}") for name, value in travels.items()}
        x, f = self._later(front, first.data, "x"), self._later(front, second.data, "f")
        m.submodules.front = EnableInserter(advance)(front)
        offered, keep = core.i.payload, travels["keep"]
        m.d.comb += [
            advance.eq(core.i.ready),
            join.o.ready.eq(advance),
            adder.x.eq(x),
            adder.f.eq(f),
            core.i.valid.eq(valid),
            offered.data.eq(adder.r),
            offered.last.eq(travels["last"]),
            offered.keep.eq(Cat(keep[0] & ~travels["apart"].any(), keep[1:])),
        ]
        if self.config.rows_name_banks:
            m.d.comb += offered.bank.eq(travels["bank"])
        if self.sums is not None:
            entry = core.ingest
            m.submodules.sums = sums = self.sums
            wiring.connect(m, sums.o, wiring.flipped(self.sum))
            m.d.comb += [
                sums.r.eq(adder.r),
                sums.valid.eq(entry.valid),
                sums.last.eq(entry.last),
                sums.keep.eq(entry.keep),
                sums.error.eq(entry.error),
            ]
        return m

    @staticmethod
    def _later(m: Module, value: Any, name: str, *, reset_less: bool = True) -> Any:
        """The value a cycle later; only that there is a beat has to be known after a reset."""
        register = Signal(value.shape(), reset_less=reset_less, name=f"front_{name}")
        m.d.sync += register.eq(value)
        return register
