"""The entries of a ring in block RAM, for wide ones."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.primitives.block_ram import BlockRam
from streamnorm.spec.targets import Target

__all__ = ["BlockRing"]


class BlockRing(wiring.Component):
    """As :class:`~streamnorm.logic.row_ring.RingMemory`, of one place more than there are entries at a time.

    ``data`` is the entry fetched by the latest ``advance``, from :attr:`latency` cycles later on,
    ``target.block_ram_delay`` ns after the clock edge. It is read again in every cycle: its place must not be written
    before the next ``advance``.

    Parameters
    ----------
    width, depth : bits of an entry; places
    target : whose block RAMs and clock

    Members
    -------
    write : In(1); write_at : In(range(depth)); write_data : In(width)
    advance : In(1); read_at : In(range(depth)); data : Out(width)
    """

    def __init__(self, *, width: int, depth: int, target: Target) -> None:
        self._ram = BlockRam(
            width=width, depth=depth, family=target.primitives, output_register=target.has_block_ram_register
        )
        self.latency, self.block_rams = self._ram.latency, self._ram.blocks
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
        held_at = Signal.like(self.read_at)
        with m.If(self.advance):
            m.d.sync += held_at.eq(self.read_at)
        m.d.comb += [
            ram.write_enable.eq(self.write),
            ram.write_address.eq(self.write_at),
            ram.write_data.eq(self.write_data),
            ram.read_address.eq(Mux(self.advance, self.read_at, held_at)),
            self.data.eq(ram.read_data),
        ]
        return m
