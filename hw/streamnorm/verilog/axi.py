"""AXI4-Stream top level: bytes to elements and back around a unit of any architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amaranth.hdl import Cat, ClockDomain, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.fusions import fused_unit
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import NumberFormat
from streamnorm.spec.fusions import SideStream
from streamnorm.spec.parameter_lane import parameter_lane
from streamnorm.spec.row_flags import flags_of

from .ports import ports

__all__ = ["AxiNorm"]


class AxiNorm(wiring.Component):
    """A normalization unit with AXI4-Stream ports, named as they are in the emitted Verilog.

    Everything happens in the clock domain ``sync``, which this component makes itself: its clock *is* the
    port ``aclk``, its reset is the inverted port ``aresetn`` behind one register, so the unit leaves and
    enters reset one cycle after the port says so. Ready and valid come straight from registers of the unit,
    whose reset value is 0.

    Parameters
    ----------
    config : NormConfig

    Members
    -------
    Those of :func:`~streamnorm.verilog.ports.ports`, which says what each means. Besides:

    - elements take whole bytes, lane 0 in the low ones; bits of those bytes above the input format's width are
      ignored, results are extended by sign or zeros as the output format is signed or not;
    - a lane holds an element if the bit of ``s_axis_tkeep`` for its lowest byte is 1;
    - ``m_axis_tuser``, the error flag, holds on the beat with ``m_axis_tlast``; with floating-point numbers on either
      side, the flags of :data:`~streamnorm.spec.row_flags.FLAGS` are above it.

    Notes
    -----
    Every back end is driven through the same ports. ``verilog.convert(top, name=config.name,
    platform=Emission(family))`` and ``rtlil.convert(top)`` (the way to CXXRTL) make exactly the ports above
    and no other; CXXRTL toggles ``aclk`` like any input. In :class:`amaranth.sim.Simulator`,
    ``add_clock(period)`` drives ``aclk`` (it is the clock of ``sync``), and a testbench sets ``aresetn`` and
    the rest and awaits ``context.tick()``. ``aresetn`` is 0 until it is set: set it to 1 before the first
    row.

    A parent in Amaranth that has a clock domain of its own uses ``NormUnit`` instead: clocking this
    component's ``aclk`` from a combinational assignment makes simulated clock edges race.
    """

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Signal: ...

    def __init__(self, config: NormConfig) -> None:
        self.config = config
        self.unit = fused_unit(config)
        """What is inside; simulations look at its signals."""
        super().__init__({port.name: (In if port.direction == "in" else Out)(port.width) for port in ports(config)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # A register outside its own reset: it settles from the port even while it holds the domain in reset.
        reset = Signal(init=1, reset_less=True)
        sync = ClockDomain("sync")
        sync.clk = self.aclk
        sync.rst = reset
        m.domains.sync = sync
        m.d.sync += reset.eq(~self.aresetn)

        m.submodules.unit = unit = self.unit
        self._connect_rows(m, unit)
        self._connect_results(m, unit)
        if not self.config.parameters_are_known:
            self._connect_parameters(m, unit)
        for side in self.config.side_inputs:
            if side.carrier:  # the parameter stream, connected above
                continue
            self._connect_side_input(m, side, getattr(unit, side.port))
        for side in self.config.side_outputs:
            self._connect_side_output(m, side, getattr(unit, side.port))
        return m

    def _connect_rows(self, m: Module, unit: Any) -> None:
        self._connect_input(m, "s_axis", self.config.input, unit.i, self.config.lanes)
        if self.config.rows_name_banks:
            m.d.comb += unit.i.payload.bank.eq(self.s_axis_tuser)

    def _connect_side_input(self, m: Module, side: SideStream, given: Any) -> None:
        self._connect_input(m, f"s_axis_{side.name}", side.number, given, side.lanes(self.config.lanes))

    def _connect_input(self, m: Module, prefix: str, number: NumberFormat, given: Any, lanes: int) -> None:
        """Rows from the ports that begin with ``prefix``."""
        data, keep = (getattr(self, f"{prefix}_{name}") for name in ("tdata", "tkeep"))
        beat = given.payload
        for lane in range(lanes):
            m.d.comb += [
                Value.cast(beat.data[lane]).eq(data.word_select(lane, number.bytes * 8)[: number.bits]),
                beat.keep[lane].eq(keep[lane * number.bytes]),
            ]
        m.d.comb += [
            beat.last.eq(getattr(self, f"{prefix}_tlast")),
            given.valid.eq(getattr(self, f"{prefix}_tvalid")),
            getattr(self, f"{prefix}_tready").eq(given.ready),
        ]

    def _connect_results(self, m: Module, unit: Any) -> None:
        beat = unit.o.payload
        user: Any = Cat(beat.error, beat.flags) if flags_of(self.config) else beat.error
        self._connect_output(m, "m_axis", self.config.output, unit.o, user, self.config.lanes)

    def _connect_side_output(self, m: Module, side: SideStream, taken: Any) -> None:
        lanes = side.lanes(self.config.lanes)
        self._connect_output(m, f"m_axis_{side.name}", side.number, taken, taken.payload.error, lanes)

    def _connect_output(
        self, m: Module, prefix: str, number: NumberFormat, taken: Any, user: Value, lanes: int
    ) -> None:
        """Rows to the ports that begin with ``prefix``."""
        data, kept = (getattr(self, f"{prefix}_{name}") for name in ("tdata", "tkeep"))
        beat = taken.payload
        for lane in range(lanes):
            element: Any = data.word_select(lane, number.bytes * 8)
            keep: Any = kept.word_select(lane, number.bytes)
            # Assignment to the wider bytes extends by the element's own sign.
            m.d.comb += [element.eq(beat.data[lane]), keep.eq(beat.keep[lane].replicate(number.bytes))]
        m.d.comb += [
            getattr(self, f"{prefix}_tlast").eq(beat.last),
            getattr(self, f"{prefix}_tuser").eq(user),
            getattr(self, f"{prefix}_tvalid").eq(taken.valid),
            taken.ready.eq(getattr(self, f"{prefix}_tready")),
        ]

    def _connect_parameters(self, m: Module, unit: Any) -> None:
        parts = parameter_lane(self.config)
        lane_bytes = sum(part.bytes for part in parts)
        beat = unit.parameters.payload
        for lane in range(self.config.load_lanes):
            word: Any = self.s_axis_param_tdata.word_select(lane, lane_bytes * 8)
            for part in parts:
                m.d.comb += Value.cast(beat[part.name][lane]).eq(word[: part.bits])
                word = word[part.bytes * 8 :]
        m.d.comb += [
            beat.last.eq(self.s_axis_param_tlast),
            unit.parameters.valid.eq(self.s_axis_param_tvalid),
            self.s_axis_param_tready.eq(unit.parameters.ready),
        ]
        if self.config.parameters_are_streamed:
            for lane in range(self.config.lanes):
                m.d.comb += beat.keep[lane].eq(self.s_axis_param_tkeep[lane * lane_bytes])
        if self.config.banks > 1:
            m.d.comb += beat.bank.eq(self.s_axis_param_tuser)
