"""The output queue in block RAM, for wide beats."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.level import Level
from streamnorm.logic.pointer import advance_pointer
from streamnorm.logic.primitives.queue_ram import QueueRam

__all__ = ["BlockOutputQueue"]


class BlockOutputQueue(wiring.Component):
    """As :class:`~streamnorm.units.output_queue.OutputQueue` without a bypass, a cycle later: the payload is the block
    RAM's output register, and a beat waits in the register before it, too.

    Parameters
    ----------
    layout : of an entry
    depth : entries; family : primitives

    Members
    -------
    write : In(1); write_data : In(layout), behind a level of logic at most
    o : Out(stream of layout); ``valid`` and ``payload`` are registers
    released : Out(1)
        An entry leaves the memory in this cycle (it then is in one of two registers); not a register.
    """

    latency = 3
    """Cycles from ``write`` to ``o.valid`` of an empty queue."""

    about = "memory and its two registers"

    def __init__(self, layout: data.StructLayout, *, depth: int, family: str) -> None:
        self._depth = depth
        self._ram = QueueRam(width=layout.size, depth=depth, family=family)
        self.block_rams = self._ram.blocks
        super().__init__(
            {"write": In(1), "write_data": In(layout), "o": Out(stream.Signature(layout)), "released": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.ram = ram = self._ram
        m.submodules.entries = level = Level(maximum=self._depth)
        write_at = Signal(range(self._depth))
        read_at = Signal(range(self._depth))
        fetched = Signal()
        forward = Signal()
        fetch = Signal()
        m.d.comb += [
            forward.eq(~self.o.valid | self.o.ready),
            fetch.eq(~fetched | forward),
            self.released.eq(level.some & fetch),
            level.up.eq(self.write),
            level.down.eq(self.released),
            ram.write_enable.eq(self.write),
            ram.write_address.eq(write_at),
            ram.write_data.eq(self.write_data),
            ram.read_address.eq(read_at),
            ram.fetch.eq(fetch),
            ram.forward.eq(forward),
            self.o.payload.eq(ram.read_data),
        ]
        for pointer, step in ((write_at, self.write), (read_at, self.released)):
            advance_pointer(m, pointer, step, self._depth)
        with m.If(fetch):
            m.d.sync += fetched.eq(level.some)
        with m.If(forward):
            m.d.sync += self.o.valid.eq(fetched)
        return m
