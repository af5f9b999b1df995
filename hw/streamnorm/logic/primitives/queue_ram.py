"""Block RAM for queues: what was read waits in its two registers as long as it must."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, ClockSignal, Instance, Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .block_ram import resized
from .emission import check_family, emits_vendor_cells

__all__ = ["QueueRam"]

_BITS, _ADDRESS_BITS = 36, 9
"""Of a DP16KD, one port of which writes while the other reads."""


class QueueRam(wiring.Component):
    """A memory with one write port and one read port, whose two read registers have enables; no reset.

    In a cycle with ``fetch``, the word at ``read_address`` goes to the first register; in one with ``forward``, what
    the first one holds goes to the second, which is ``read_data``. ``forward`` needs ``fetch`` in the same cycle. A
    word written in one cycle can be fetched in the next; one fetched in the very cycle it is written is undefined (the
    generic model gives the old one). Both are registers of the block RAM on ECP5; other families choose for themselves.

    Parameters
    ----------
    width, depth : bits of a word; words, 512 at most
    family : device family

    Members
    -------
    write_enable : In(1); write_address : In(ceil(log2(depth)), at least 1); write_data : In(width)
    read_address : In(ceil(log2(depth)), at least 1); fetch : In(1); forward : In(1); read_data : Out(width)

    Raises
    ------
    ValueError
        If width or depth is below 1, depth is above 512, or the family is unknown.
    """

    def __init__(self, *, width: int, depth: int, family: str = "generic") -> None:
        if width < 1 or not 1 <= depth <= 1 << _ADDRESS_BITS:
            raise ValueError(
                f"a queue's memory has at least 1 bit and 1 to {1 << _ADDRESS_BITS} entries, not {width} and {depth}"
            )
        self.width, self.depth, self.family = width, depth, check_family(family)
        self.blocks = -(-width // _BITS)
        address = In(range(max(depth, 2)))
        super().__init__(
            {
                "write_enable": In(1),
                "write_address": address,
                "write_data": In(width),
                "read_address": address,
                "fetch": In(1),
                "forward": In(1),
                "read_data": Out(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if emits_vendor_cells(platform, self.family) and self.family == "ecp5":
            self._elaborate_blocks(m)
        else:
            self._elaborate_memory(m)
        return m

    def _elaborate_memory(self, m: Module) -> None:
        # CXXRTL loses what is written to a memory without address bits.
        m.submodules.memory = memory = Memory(shape=unsigned(self.width), depth=max(self.depth, 2), init=[])
        write: Any = memory.write_port()
        read: Any = memory.read_port()
        data = Signal(self.width, reset_less=True)
        m.d.comb += [
            write.en.eq(self.write_enable),
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
            read.en.eq(self.fetch),
            read.addr.eq(self.read_address),
            self.read_data.eq(data),
        ]
        with m.If(self.forward):
            m.d.sync += data.eq(read.data)

    def _elaborate_blocks(self, m: Module) -> None:
        columns = []
        for column in range(self.blocks):
            output = Signal(_BITS, name=f"block_{column}_data")
            columns.append(output)
            m.submodules[f"block_{column}"] = Instance(
                "streamnorm_ecp5_queue_ram",
                i_clk=ClockSignal(),
                i_write_enable=self.write_enable,
                i_write_address=resized(self.write_address, _ADDRESS_BITS),
                i_write_data=resized(self.write_data[column * _BITS : (column + 1) * _BITS], _BITS),
                i_read_address=resized(self.read_address, _ADDRESS_BITS),
                i_fetch=self.fetch,
                i_forward=self.forward,
                o_read_data=output,
            )
        m.d.comb += self.read_data.eq(Cat(columns)[: self.width])
