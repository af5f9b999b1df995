"""A ring of small entries, one a row, that waits between the statistic and the output side."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.primitives.queue import DistributedRam
from streamnorm.spec.targets import Target

from .pointer import advance_pointer

__all__ = ["RingMemory", "RowRing", "data_delay"]


def data_delay(target: Target) -> float:
    """Nanoseconds from the clock to :class:`RowRing`'s data; 0 from a plain register."""
    return 0.0 if target.family.lut_ram else target.family.block_ram


class RingMemory(wiring.Component):
    """The entries of a ring, where somebody else says where.

    An entry can be fetched one cycle after it was written. ``data`` is a register: the entry fetched by the latest
    ``advance``, from :attr:`latency` cycles later on, :func:`data_delay` ns after the clock edge.

    Parameters
    ----------
    width, depth : bits of an entry; entries
    family : primitives
    latency : 1, or 2 for a register between the memory and the selection of its columns

    Members
    -------
    write : In(1); write_at : In(range(depth)); write_data : In(width)
    advance : In(1); read_at : In(range(depth)); data : Out(width)
    """

    def __init__(self, *, width: int, depth: int, family: str, latency: int = 1) -> None:
        assert latency in (1, 2)
        self.latency = latency
        self._ram = DistributedRam(width=width, depth=depth, family=family, registered=latency == 2)
        self.block_rams = self._ram.block_rams
        super().__init__(
            {
                "write": In(1),
                "write_at": In(range(depth)),
                "write_data": In(width),
                "advance": In(1),
                "read_at": In(range(depth)),
                "data": Out(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.ram = ram = self._ram
        m.d.comb += [
            ram.write_enable.eq(self.write),
            ram.write_address.eq(self.write_at),
            ram.write_data.eq(self.write_data),
            ram.read_address.eq(self.read_at),
        ]
        fetch = self.advance
        if self.latency == 2:
            fetch = Signal()
            m.d.sync += fetch.eq(self.advance)
        entry = Signal(len(self.data), reset_less=True)
        with m.If(fetch):
            m.d.sync += entry.eq(ram.read_data)
        m.d.comb += self.data.eq(entry)
        return m


class RowRing(wiring.Component):
    """Entries leave in the order they came; who writes and who advances keep the count.

    Times are those of a :class:`RingMemory` of latency 1.

    Parameters
    ----------
    width, depth : bits of an entry; entries
    family : primitives

    Members
    -------
    write : In(1); write_data : In(width); advance : In(1); data : Out(width)
    """

    def __init__(self, *, width: int, depth: int, family: str) -> None:
        self._depth = depth
        self._memory = RingMemory(width=width, depth=depth, family=family)
        self.block_rams = self._memory.block_rams
        super().__init__({"write": In(1), "write_data": In(width), "advance": In(1), "data": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = self._memory
        write_at = Signal(range(self._depth))
        read_at = Signal(range(self._depth))
        m.d.comb += [
            memory.write.eq(self.write),
            memory.write_at.eq(write_at),
            memory.write_data.eq(self.write_data),
            memory.advance.eq(self.advance),
            memory.read_at.eq(read_at),
            self.data.eq(memory.data),
        ]
        for pointer, step in ((write_at, self.write), (read_at, self.advance)):
            advance_pointer(m, pointer, step, self._depth)
        return m
