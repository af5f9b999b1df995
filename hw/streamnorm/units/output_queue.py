"""The output queue: takes what is on its way when the receiver stalls."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.level import Level
from streamnorm.logic.pointer import advance_pointer
from streamnorm.logic.primitives.queue import DistributedRam
from streamnorm.spec.config import NormConfig

from .block_output_queue import BlockOutputQueue
from .queue_memory import queues_in_block_rams
from .streams import result_layout

__all__ = ["OutputQueue", "output_queue_of"]

LATENCY = 2
"""Cycles from ``write`` to ``o.valid`` of an empty queue; one less with a bypass."""


class OutputQueue(wiring.Component):
    """First in, first out, with a registered output; never written when full (its writer holds credits).

    Parameters
    ----------
    layout : of an entry
    depth : entries; family : primitives
    bypass : whether what comes to an empty queue goes straight to the output register, a cycle earlier

    Members
    -------
    write : In(1); write_data : In(layout), behind a level of logic at most
    o : Out(stream of layout); ``valid`` and ``payload`` are registers
    released : Out(1)
        An entry leaves the memory, or passes by it, in this cycle (it then is in the output register); not a register.
    """

    about = "memory and output register"

    def __init__(self, layout: data.StructLayout, *, depth: int, family: str, bypass: bool = False) -> None:
        self._depth, self._bypass = depth, bypass
        self.latency = LATENCY - bypass
        self._ram = DistributedRam(width=layout.size, depth=depth, family=family)
        # With a bypass, no register follows the memory at once: where there is no LUT RAM, it becomes flip-flops.
        self.block_rams = 0 if bypass else self._ram.block_rams
        super().__init__(
            {"write": In(1), "write_data": In(layout), "o": Out(stream.Signature(layout)), "released": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.ram = ram = self._ram
        write_at = Signal(range(self._depth))
        read_at = Signal(range(self._depth))
        m.submodules.entries = level = Level(maximum=self._depth)
        pop = Signal()
        # The counter has a copy of o.valid for itself, since that goes to every bit of the output; inverted, since
        # synthesis would merge two registers of the same value.
        empty = Signal(init=1)
        counted_pop = Signal()
        entered: Value = self.write
        some: Value = level.some
        following: Value = ram.read_data
        if self._bypass:
            passes = Signal()
            m.d.comb += passes.eq(self.write & ~level.some & (empty | self.o.ready))
            entered, some = self.write & ~passes, level.some | self.write
            following = Mux(level.some, ram.read_data, self.write_data)
        m.d.comb += [
            ram.write_enable.eq(self.write),
            ram.write_address.eq(write_at),
            ram.write_data.eq(self.write_data),
            ram.read_address.eq(read_at),
            pop.eq(level.some & (~self.o.valid | self.o.ready)),
            counted_pop.eq(level.some & (empty | self.o.ready)),
            self.released.eq(counted_pop | passes if self._bypass else counted_pop),
            level.up.eq(entered),
            level.down.eq(counted_pop),
        ]
        for pointer, step in ((write_at, entered), (read_at, pop)):
            advance_pointer(m, pointer, step, self._depth)
        payload = Signal.like(self.o.payload, reset_less=True)
        m.d.comb += self.o.payload.eq(payload)
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [self.o.valid.eq(some), payload.eq(following)]
        with m.If(empty | self.o.ready):
            m.d.sync += empty.eq(~some)
        return m


def output_queue_of(config: NormConfig, *, depth: int) -> OutputQueue | BlockOutputQueue:
    """The output queue of a unit of rows that wait."""
    kind = BlockOutputQueue if queues_in_block_rams(config) else OutputQueue
    return kind(result_layout(config), depth=depth, family=config.device.primitives)
