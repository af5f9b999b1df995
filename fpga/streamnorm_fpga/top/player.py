"""The player: rows from the row memory, or from the self-test's pattern, into the unit at full rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from .memory import LATENCY, memory_beats
from .pattern import Pattern
from .unit_streams import UnitStream, inputs_of

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["Player"]

# Beats between the memory and the unit. A read is issued only if its beat will find room; it takes this many cycles
# until the room is free again, so that one beat a cycle can pass.
_DEPTH = LATENCY + 2


class Player(wiring.Component):
    """Plays ``rows`` rows of ``beats_minus_1 + 1`` beats after ``start``, a beat in every cycle that takes one.

    What is to be played must hold still until the rows have come out of the unit. Each stream has a player and a memory
    of its own, so that none waits for another one but inside the unit.

    Parameters
    ----------
    config : NormConfig
    stream : UnitStream, optional
        The one that is played; the rows where absent.

    Members
    -------
    start : In(1)
    rows, beats_minus_1, kept : In
        As RequestReceiver gives them.
    testing : In(1)
        Play the self-test's pattern, from where it stands; else the row memory from its beginning.
    restart_pattern, narrow : In(1); to the pattern
    open : In(1)
        Whether a beat may be offered that has not been yet.
    read_address : Out; read_data : In; of the row memory
    data, keep, last, valid : Out; ready : In
        The unit's input, as AXI4-Stream has it; registers.
    first : Out(1)
        The beat is its row's first.
    """

    def __init__(self, config: NormConfig, stream: UnitStream | None = None) -> None:
        self._config = config
        self._stream = stream or inputs_of(config)[0]
        self._width = 8 * self._stream.beat_octets
        depth = memory_beats(config)
        super().__init__(
            {
                "start": In(1),
                "rows": In(range(depth + 1)),
                "beats_minus_1": In(range(depth)),
                "kept": In(8),
                "testing": In(1),
                "restart_pattern": In(1),
                "narrow": In(1),
                "open": In(1),
                "read_address": Out(range(depth)),
                "read_data": In(self._width),
                "data": Out(self._width),
                "keep": Out(self._width // 8),
                "last": Out(1),
                "valid": Out(1),
                "ready": In(1),
                "first": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.queue = queue = SyncFIFO(width=self._width + 1, depth=_DEPTH)
        m.submodules.pattern = pattern = Pattern(self._config, self._stream)
        taken = Signal()
        read, read_last = self._reads(m, taken)
        m.d.comb += [
            pattern.restart.eq(self.restart_pattern),
            pattern.narrow.eq(self.narrow),
            pattern.advance.eq(read[-1]),
            queue.w_en.eq(read[-1]),
            queue.w_data.eq(Cat(Mux(self.testing, pattern.data, self.read_data), read_last[-1])),
            queue.r_en.eq(taken),
            taken.eq(queue.r_rdy & self.open & (self.ready | ~self.valid)),
        ]
        size, lanes = self._stream.lane_octets, self._stream.lanes
        some = Signal(lanes)
        m.d.sync += some.eq(Cat(self.kept > lane for lane in range(lanes)))
        with m.If(taken):
            m.d.sync += [
                self.data.eq(queue.r_data[:-1]),
                self.last.eq(queue.r_data[-1]),
                self.keep.eq(Cat((lane | ~queue.r_data[-1]).replicate(size) for lane in some)),
                self.valid.eq(1),
            ]
        with m.Elif(self.ready):
            m.d.sync += self.valid.eq(0)
        with m.If(self.valid & self.ready):
            m.d.sync += self.first.eq(self.last)
        with m.If(self.start):
            m.d.sync += self.first.eq(1)
        return m

    def _reads(self, m: Module, taken: Signal) -> tuple[list[Signal], list[Signal]]:
        """Issue reads; return, by cycles since, whether there was one and whether it ends a row."""
        left = Signal.like(self.rows)
        in_row = Signal.like(self.beats_minus_1)
        under_way = Signal(range(_DEPTH + 1))
        read, read_last = [Signal(name="read")], [Signal(name="read_last")]
        m.d.comb += [read[0].eq((left != 0) & (under_way != _DEPTH)), read_last[0].eq(in_row == self.beats_minus_1)]
        for cycle in range(1, LATENCY + 1):
            read.append(Signal(name=f"read_{cycle}"))
            read_last.append(Signal(name=f"read_last_{cycle}"))
            m.d.sync += [read[cycle].eq(read[cycle - 1]), read_last[cycle].eq(read_last[cycle - 1])]
        with m.If(read[0] & ~taken):
            m.d.sync += under_way.eq(under_way + 1)
        with m.If(~read[0] & taken):
            m.d.sync += under_way.eq(under_way - 1)
        with m.If(read[0]):
            m.d.sync += [self.read_address.eq(self.read_address + 1), in_row.eq(in_row + 1)]
            with m.If(read_last[0]):
                m.d.sync += [in_row.eq(0), left.eq(left - 1)]
        with m.If(self.start):
            m.d.sync += [self.read_address.eq(0), in_row.eq(0), left.eq(self.rows)]
        return read, read_last
