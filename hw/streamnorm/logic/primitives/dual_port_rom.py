"""A table that two readers share: block RAM whose both ports read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .block_ram import BlockRam, block_count, checked_contents
from .emission import emits_vendor_cells

__all__ = ["DualPortRom"]

_PORTS = ("a", "b")
_BITS, _ADDRESS_BITS = 18, 10
"""A DP16KD with two whole ports is no wider; in 36-bit mode, a word takes the pins of both."""


class DualPortRom(wiring.Component):
    """A read-only memory with two read ports in the same clock domain; no read enable, no reset.

    ``data_a`` belongs to the ``address_a`` of :attr:`latency` cycles earlier: 1, or 2 with the output register; so do
    ``data_b`` and ``address_b``. On ECP5 it takes half the blocks of two :class:`BlockRam`, where words have up to 18
    bits, and never more than they do. iCE40's blocks have one port that reads, so there it is two memories.

    Parameters
    ----------
    width, depth, family, output_register : as of :class:`BlockRam`; ``depth`` is 1024 at most
    init : contents, word 0 first, unsigned bit patterns below ``2 ** width``; words that are missing are 0

    Members
    -------
    address_a, address_b : In(ceil(log2(depth)), at least 1)
    data_a, data_b : Out(width)

    Raises
    ------
    ValueError
        If width or depth is below 1, depth is above 1024, the family is unknown, or ``init`` is too long or does not
        fit the width.
    """

    def __init__(
        self, *, width: int, depth: int, family: str = "generic", output_register: bool, init: Sequence[int]
    ) -> None:
        if depth > 1 << _ADDRESS_BITS:
            raise ValueError(f"a memory with two read ports has at most {1 << _ADDRESS_BITS} entries, not {depth}")
        apart = 2 * block_count(width, depth, family)  # refuses what no memory can be
        self._shared = not family.startswith("ice40")
        self.blocks = -(-width // _BITS) if self._shared else apart
        self.init = checked_contents(init, width, depth)
        self.width, self.depth, self.family = width, depth, family
        self.output_register = bool(output_register)
        address, data = In(range(max(depth, 2))), Out(width)
        super().__init__({"address_a": address, "address_b": address, "data_a": data, "data_b": data})

    @property
    def latency(self) -> int:
        """Cycles from address to data."""
        return 1 + self.output_register

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if not self._shared:
            self._elaborate_memories(m)
        elif emits_vendor_cells(platform, self.family):
            self._elaborate_blocks(m)
        else:
            self._elaborate_memory(m)
        return m

    def _ports(self) -> list[tuple[str, Value, Value]]:
        return [(port, getattr(self, f"address_{port}"), getattr(self, f"data_{port}")) for port in _PORTS]

    def _elaborate_memories(self, m: Module) -> None:
        for port, address, data in self._ports():
            m.submodules[f"port_{port}"] = ram = BlockRam(
                width=self.width,
                depth=self.depth,
                family=self.family,
                output_register=self.output_register,
                init=self.init,
                writable=False,
            )
            m.d.comb += [ram.read_address.eq(address), data.eq(ram.read_data)]

    def _elaborate_memory(self, m: Module) -> None:
        # CXXRTL loses what a memory without address bits holds.
        m.submodules.memory = memory = Memory(shape=unsigned(self.width), depth=max(self.depth, 2), init=self.init)
        for port, address, data in self._ports():
            read: Any = memory.read_port()
            m.d.comb += read.addr.eq(address)
            word = read.data
            if self.output_register:
                word = Signal(self.width, reset_less=True, name=f"registered_{port}")
                m.d.sync += word.eq(read.data)
            m.d.comb += data.eq(word)

    def _elaborate_blocks(self, m: Module) -> None:
        columns: dict[str, list[Signal]] = {port: [] for port in _PORTS}
        for column in range(self.blocks):
            words = (word >> column * _BITS & (1 << _BITS) - 1 for word in self.init)
            contents = sum(word << place * _BITS for place, word in enumerate(words))
            wires: dict[str, Any] = {}
            for port, address, _ in self._ports():
                output = Signal(_BITS, name=f"block_{column}_data_{port}")
                columns[port].append(output)
                wires[f"o_data_{port}"] = output
                wires[f"i_address_{port}"] = Value.cast(Cat(address, Const(0, _ADDRESS_BITS - len(address))))
            m.submodules[f"block_{column}"] = Instance(
                "streamnorm_ecp5_dual_port_rom",
                p_INIT=Const(contents, _BITS << _ADDRESS_BITS),
                p_OUTPUT_REGISTER=int(self.output_register),
                i_clk=ClockSignal(),
                **wires,
            )
        for port, _, data in self._ports():
            m.d.comb += data.eq(Cat(columns[port])[: self.width])
