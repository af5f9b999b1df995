"""A ring of small entries, one a row, that waits between the statistic and the output side."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.primitives.queue import DistributedRam
from streamnorm.spec.targets import Target

from .pointer import advance_pointer

__all__ = ["RowRing", "data_delay"]


def data_delay(target: Target) -> float:
    """Nanoseconds from the clock to :class:`RowRing`'s data; 0 from a plain register."""
    return 0.0 if target.family.lut_ram else target.family.block_ram


class RowRing(wiring.Component):
    """Entries leave in the order they came; who writes and who advances keep the count.

    An entry can be fetched one cycle after it was written. ``data`` is a register: the entry fetched by the latest
    ``advance``, from the next cycle on, :func:`data_delay` ns after the clock edge.

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
        self._ram = DistributedRam(width=width, depth=depth, family=family)
        self.block_rams = self._ram.block_rams
        super().__init__({"write": In(1), "write_data": In(width), "advance": In(1), "data": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.ram = ram = self._ram
        write_at = Signal(range(self._depth))
        read_at = Signal(range(self._depth))
        m.d.comb += [
            ram.write_enable.eq(self.write),
            ram.write_address.eq(write_at),
            ram.write_data.eq(self.write_data),
            ram.read_address.eq(read_at),
        ]
        with m.If(self.advance):
            m.d.sync += self.data.eq(ram.read_data)
        for pointer, step in ((write_at, self.write), (read_at, self.advance)):
            advance_pointer(m, pointer, step, self._depth)
        return m
