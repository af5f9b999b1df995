"""Rows that bring their scale, in front of a unit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

from streamnorm.architectures import Stage
from streamnorm.architectures.connections import unit_ports
from streamnorm.fusions.front_loads import connect_front_loads
from streamnorm.logic.skid_buffer import SkidBuffer
from streamnorm.spec.config import NormConfig
from streamnorm.units.streams import row_layout, side_layout

__all__ = ["InputScaleUnit"]

_JOIN = 1
"""Cycles from where both wait to the unit within."""


class InputScaleUnit(wiring.Component):
    """A unit whose rows come with a scale each, which is taken with the row's first beat: that waits for it.

    A row whose scale is none comes out with its error flag set, which is that of a malformed ``keep``: its lowest bit
    is cleared in the last beat; ingest takes that lane for kept.

    Parameters
    ----------
    config : NormConfig, with rows that bring their scale and nothing behind the norm
    core : the unit that normalizes

    Members
    -------
    i, o, parameters : those of ``core``
    input_scale : In(stream of side_layout), a beat a row
    """

    joined = _JOIN
    """Cycles from where a row's first beat and its scale join to where ``core`` is offered them."""

    def __init__(self, config: NormConfig, core: Any) -> None:
        self.config, self.core = config, core
        scale = config.input_scale
        assert scale is not None
        self._scale = scale
        scales = side_layout(config, scale.side)
        self._skids = {"row": SkidBuffer(row_layout(config)), "scale": SkidBuffer(scales)}
        report = core.report
        joined = Stage("scale join", _JOIN, "a row's first beat and its scale, side by side")
        self.report = replace(report, stages=(joined, *report.stages))
        ports = unit_ports(config)
        ports[scale.side.name] = In(stream.Signature(scales))
        super().__init__(ports)

    @property
    def ingest(self) -> Any:
        """That of the unit within."""
        return self.core.ingest

    def activity(self) -> dict[str, Value]:
        """As of :meth:`~streamnorm.architectures.one_pass.NormUnit.activity`."""
        return {"scale join": self.core.i.valid, **self.core.activity()}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        core, rows, scales = self.core, self._skids["row"], self._skids["scale"]
        m.submodules.core = core
        m.submodules.row_skid = rows
        m.submodules.scale_skid = scales
        wiring.connect(m, wiring.flipped(self.i), rows.i)
        wiring.connect(m, wiring.flipped(self.input_scale), scales.i)
        wiring.connect(m, core.o, wiring.flipped(self.o))
        if self.config.parameters_are_loaded:
            held = SkidBuffer.places + _JOIN
            admits = connect_front_loads(m, self.i, self.parameters, core.i, core.parameters, held)
            m.d.comb += rows.admits.eq(admits)
        elif self.config.parameters_are_streamed:
            wiring.connect(m, wiring.flipped(self.parameters), core.parameters)

        begins = Signal(init=1)
        goes = Signal()
        valid = Signal()
        beat = Signal(row_layout(self.config), reset_less=True)
        code = Signal.like(core.row_code, reset_less=True)
        offered, given = rows.o.payload, scales.o.payload.data[0]
        m.d.comb += [
            goes.eq(rows.o.valid & (scales.o.valid | ~begins)),
            rows.o.ready.eq(core.i.ready & (scales.o.valid | ~begins)),
            scales.o.ready.eq(core.i.ready & rows.o.valid & begins),
        ]
        with m.If(core.i.ready):
            m.d.sync += [valid.eq(goes), beat.eq(offered)]
        with m.If(core.i.ready & goes):
            m.d.sync += begins.eq(offered.last)
            with m.If(begins):
                m.d.sync += code.eq(given)
        bad = self._scale.bad(Value.cast(code))
        m.d.comb += [
            core.i.valid.eq(valid),
            core.i.payload.eq(beat),
            core.i.payload.keep.eq(Cat(beat.keep[0] & ~(bad & beat.last), beat.keep[1:])),
            core.row_code.eq(code),
        ]
        return m
