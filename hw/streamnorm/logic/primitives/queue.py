"""A small memory with an asynchronous read port, for queues and skid buffers."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Module, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .block_ram import block_count
from .emission import check_family, emits_vendor_cells

__all__ = ["COLUMN_DEPTH", "DistributedRam", "whole_columns"]

COLUMN_DEPTH = 16
"""Entries of one LUT RAM."""


def whole_columns(entries: int) -> int:
    """At least ``entries``, as many as whole columns of LUT RAMs hold."""
    return -(-entries // COLUMN_DEPTH) * COLUMN_DEPTH


class DistributedRam(wiring.Component):
    """One synchronous write port, one asynchronous read port; what is written is readable in the next cycle.

    The control of a queue (pointers, level) belongs to its user. There is no vendor cell to name: yosys maps
    the memory to TRELLIS_DPR16X4 on ECP5 (16 entries of 4 bits each). iCE40 has no LUT RAM: if a plain
    register follows the read port, yosys makes both together a block RAM (``block_rams``), and else the memory
    becomes ``width * depth`` flip-flops and a multiplexer.

    Parameters
    ----------
    width : int
        Bits of an entry, at least 1.
    depth : int
        Entries, at least 1; multiples of 16 use ECP5's cells fully.
    family : str
        Device family.
    registered : bool
        Whether a register stands between the memory and the selection of a column: for memories so wide that their
        address goes far.

    Members
    -------
    write_enable : In(1)
    write_address : In(ceil(log2(depth)), at least 1)
    write_data : In(width)
    read_address : In(ceil(log2(depth)), at least 1)
    read_data : Out(width)
        The entry at ``read_address``, in the same cycle or, ``registered``, in the next; 0 before its first write.

    Raises
    ------
    ValueError
        If width or depth is below 1 or the family is unknown.
    """

    def __init__(self, *, width: int, depth: int, family: str = "generic", registered: bool = False) -> None:
        if width < 1 or depth < 1:
            raise ValueError(f"a memory needs at least 1 bit and 1 entry, not {width} and {depth}")
        self.width = width
        self.depth = depth
        self.family = check_family(family)
        self.registered = registered
        self.block_rams = block_count(width, depth, family) if family.startswith("ice40") else 0
        super().__init__(
            {
                "write_enable": In(1),
                "write_address": In(range(max(depth, 2))),
                "write_data": In(width),
                "read_address": In(range(max(depth, 2))),
                "read_data": Out(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # On ECP5 each column of LUT RAMs is a memory of its own, selected in front of whatever follows: yosys would
        # move a register behind the read port into the columns, and the selection behind the register.
        columns = emits_vendor_cells(platform, self.family) and self.family == "ecp5"
        depth = COLUMN_DEPTH if columns else self.depth
        low = ceil_log2(depth)
        outputs: list[Value] = []
        column: Value = self.read_address[low:]
        for start in range(0, self.depth, depth):
            entries = min(depth, self.depth - start)
            # Else yosys would merge that register and make a block RAM, which is slower and too few.
            attributes = {"ram_style": "distributed"} if self.family == "ecp5" else {}
            memory = Memory(shape=unsigned(self.width), depth=entries, init=[], attrs=attributes)
            m.submodules[f"memory_{start // depth}"] = memory
            write: Any = memory.write_port()
            read: Any = memory.read_port(domain="comb")
            selected = self.write_address[low:] == start // depth if self.depth > depth else 1
            m.d.comb += [
                write.en.eq(self.write_enable & selected),
                write.addr.eq(self.write_address),
                write.data.eq(self.write_data),
                read.addr.eq(self.read_address),
            ]
            outputs.append(read.data)
        if self.registered:
            outputs = [self._later(m, output, f"column_{index}") for index, output in enumerate(outputs)]
            column = self._later(m, column, "column") if len(outputs) > 1 else column
        m.d.comb += self.read_data.eq(Array(outputs)[column] if len(outputs) > 1 else outputs[0])
        return m

    @staticmethod
    def _later(m: Module, value: Value, name: str) -> Signal:
        register = Signal(len(value), reset_less=True, name=name)
        m.d.sync += register.eq(value)
        return register
