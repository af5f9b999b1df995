"""Block RAM of any width and depth, composed of a family's blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Array, Cat, ClockSignal, Const, Instance, Module, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .emission import check_family, emits_vendor_cells

__all__ = ["BlockGeometry", "BlockRam", "block_count", "block_geometry", "checked_contents", "resized"]

# (data bits, words) of one block, widest first. A DP16KD is used pseudo dual port: one port writes, the other
# reads. Only widths of 9 and more reach its parity bits: 18432 bits against 16384.
_ECP5_MODES = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))
_ICE40_MODES = ((16, 256), (8, 512), (4, 1024), (2, 2048))
_MODES = {"generic": _ECP5_MODES, "ecp5": _ECP5_MODES, "ice40": _ICE40_MODES, "ice40-up5k": _ICE40_MODES}
_WRAPPERS = {
    "ecp5": "streamnorm_ecp5_block_ram",
    "ice40": "streamnorm_ice40_block_ram",
    "ice40-up5k": "streamnorm_ice40_block_ram",
}


@dataclass(frozen=True)
class BlockGeometry:
    """How a memory is cut into blocks: ``columns`` side by side, ``banks`` one above the other.

    Attributes
    ----------
    block_width, block_depth : int
        Aspect ratio every block is used in.
    columns, banks : int
        Blocks that share the width and the depth. With more than one bank, a ``banks``-to-1 multiplexer
        follows the blocks' outputs.
    """

    block_width: int
    block_depth: int
    columns: int
    banks: int

    @property
    def blocks(self) -> int:
        """Blocks in all."""
        return self.columns * self.banks


def block_geometry(width: int, depth: int, family: str) -> BlockGeometry:
    """The cut of a ``width`` x ``depth`` memory that needs the fewest blocks, then the fewest banks, then the
    fewest unused bits of width.

    For ``generic``, where a synthesis tool decides, it is the estimate of an 18 kbit block like ECP5's.

    Raises
    ------
    ValueError
        If width or depth is below 1 or the family is unknown.
    """
    if width < 1 or depth < 1:
        raise ValueError(f"a memory needs at least 1 bit and 1 entry, not {width} and {depth}")
    candidates = [
        BlockGeometry(block_width, block_depth, -(-width // block_width), -(-depth // block_depth))
        for block_width, block_depth in _MODES[check_family(family)]
    ]
    return min(candidates, key=lambda cut: (cut.blocks, cut.banks, cut.columns * cut.block_width))


def block_count(width: int, depth: int, family: str) -> int:
    """Blocks a ``width`` x ``depth`` memory of ``family`` takes; see :func:`block_geometry`."""
    return block_geometry(width, depth, family).blocks


def checked_contents(init: Sequence[int] | None, width: int, depth: int) -> tuple[int, ...]:
    """Contents at power-up; raise ``ValueError`` if they do not fit a ``width`` x ``depth`` memory."""
    words = tuple(int(word) for word in init) if init is not None else ()
    if len(words) > depth:
        raise ValueError(f"{len(words)} initial words do not fit a memory of {depth}")
    for index, word in enumerate(words):
        if not 0 <= word < 1 << width:
            raise ValueError(f"initial word {index}, {word}, is not an unsigned number of {width} bits")
    return words


class BlockRam(wiring.Component):
    """A memory with one write and one read port in the same clock domain; no read enable, no reset.

    ``read_data`` belongs to the ``read_address`` of :attr:`latency` cycles earlier: 1, or 2 with the output
    register. Reading an address in the very cycle it is written gives an undefined word (the generic model
    gives the old one); a word written in one cycle can be read in the next.

    Parameters
    ----------
    width : int
        Bits of a word.
    depth : int
        Words; addresses at and above it must not be used.
    family : str
        Device family.
    output_register : bool
        Whether the block's output register is used (iCE40 blocks have none: a register in logic follows).
    init : sequence of int, or None
        Contents at power-up, word 0 first, unsigned bit patterns below ``2 ** width``; words that are missing
        are 0.
    writable : bool
        Whether there is a write port. Without it the memory is a ROM and the ``write_*`` members do not
        exist.

    Members
    -------
    write_enable : In(1)
    write_address : In(ceil(log2(depth)), at least 1)
    write_data : In(width)
    read_address : In(ceil(log2(depth)), at least 1)
    read_data : Out(width)

    Raises
    ------
    ValueError
        If width or depth is below 1, the family is unknown, or ``init`` is too long or does not fit the
        width.
    """

    def __init__(
        self,
        *,
        width: int,
        depth: int,
        family: str = "generic",
        output_register: bool,
        init: Sequence[int] | None = None,
        writable: bool = True,
    ) -> None:
        self.geometry = block_geometry(width, depth, family)
        self.init = checked_contents(init, width, depth)
        self.width = width
        self.depth = depth
        self.family = family
        self.output_register = bool(output_register)
        self.writable = bool(writable)
        members = {"read_address": In(range(max(depth, 2))), "read_data": Out(width)}
        if writable:
            members |= {"write_enable": In(1), "write_address": In(range(max(depth, 2))), "write_data": In(width)}
        super().__init__(members)

    @property
    def blocks(self) -> int:
        """Blocks that it takes."""
        return self.geometry.blocks

    @property
    def latency(self) -> int:
        """Cycles from address to data."""
        return 1 + self.output_register

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if emits_vendor_cells(platform, self.family):
            self._elaborate_blocks(m)
        else:
            self._elaborate_memory(m)
        return m

    def _elaborate_memory(self, m: Module) -> None:
        # CXXRTL loses what is written to a memory without address bits.
        depth = max(self.depth, 2)
        m.submodules.memory = memory = Memory(shape=unsigned(self.width), depth=depth, init=self.init)
        if self.writable:
            write: Any = memory.write_port()
            m.d.comb += [
                write.en.eq(self.write_enable),
                write.addr.eq(self.write_address),
                write.data.eq(self.write_data),
            ]
        read: Any = memory.read_port()
        m.d.comb += read.addr.eq(self.read_address)
        if self.output_register:
            data = Signal(self.width, reset_less=True)
            m.d.sync += data.eq(read.data)
            m.d.comb += self.read_data.eq(data)
        else:
            m.d.comb += self.read_data.eq(read.data)

    def _elaborate_blocks(self, m: Module) -> None:
        cut = self.geometry
        in_block = self.family == "ecp5"
        address_width = ceil_log2(cut.block_depth)
        bank_data = []
        for bank in range(cut.banks):
            columns = []
            for column, contents in enumerate(self._contents(bank)):
                name = f"block_{bank}_{column}"
                output = Signal(cut.block_width, name=f"{name}_data")
                m.submodules[name] = self._block(bank, column, contents, address_width, output)
                columns.append(output)
            bank_data.append(Cat(columns)[: self.width])
        stages = 1 + (self.output_register and in_block)
        if cut.banks == 1:
            data = bank_data[0]
        else:
            # The bank of a word is known as early as its address: it waits as long as the blocks take.
            bank = self.read_address[address_width:]
            for stage in range(stages):
                delayed = Signal(len(bank), reset_less=True, name=f"read_bank_{stage}")
                m.d.sync += delayed.eq(bank)
                bank = delayed
            data = Array(bank_data)[bank]
        if self.output_register and not in_block:
            registered = Signal(self.width, reset_less=True)
            m.d.sync += registered.eq(data)
            data = registered
        m.d.comb += self.read_data.eq(data)

    def _block(self, bank: int, column: int, contents: int, address_width: int, output: Signal) -> Instance:
        cut = self.geometry
        extra: dict[str, Any] = {}
        if contents:
            extra["p_INIT"] = Const(contents, cut.block_width * cut.block_depth)
        if self.family == "ecp5":
            extra["p_OUTPUT_REGISTER"] = int(self.output_register)
        write_enable: Value = Const(0, 1)
        write_address: Value = Const(0, address_width)
        write_data: Value = Const(0, 1)
        if self.writable:
            write_enable = self.write_enable
            if cut.banks > 1:
                write_enable = self.write_enable & (self.write_address[address_width:] == bank)
            write_address = Value.cast(self.write_address[:address_width])
            first = column * cut.block_width
            write_data = Value.cast(self.write_data[first : first + cut.block_width])
        return Instance(
            _WRAPPERS[self.family],
            p_WIDTH=cut.block_width,
            p_ADDRESS_WIDTH=address_width,
            **extra,
            i_clk=ClockSignal(),
            i_write_enable=write_enable,
            i_write_address=resized(write_address, address_width),
            i_write_data=resized(write_data, cut.block_width),
            i_read_address=resized(Value.cast(self.read_address[:address_width]), address_width),
            o_read_data=output,
        )

    def _contents(self, bank: int) -> Iterator[int]:
        """Initial contents of each column's block of a bank, in the order of the wrapper's INIT."""
        cut = self.geometry
        words = self.init[bank * cut.block_depth : (bank + 1) * cut.block_depth]
        mask = (1 << cut.block_width) - 1
        for column in range(cut.columns):
            shift = column * cut.block_width
            slices = [word >> shift & mask for word in words]
            if self.family == "ecp5":
                digits = [f"{word:0{cut.block_width}b}" for word in slices]
                yield int("".join(reversed(digits)) or "0", 2)
            else:
                yield _ice40_rows(slices, cut.block_width)


def _ice40_rows(words: Sequence[int], width: int) -> int:
    """``words`` as an iCE40 block holds them: rows of 16 bits, shared by the words 256 addresses apart."""
    shares = 16 // width
    rows = 0
    for address, word in enumerate(words):
        share, row = divmod(address, 256)
        for bit in range(width):
            rows |= (word >> bit & 1) << (16 * row + shares * bit + share)
    return rows


def resized(value: Value, width: int) -> Value:
    """``value`` zero-extended to ``width`` bits, never shorter."""
    return Value.cast(Cat(value, Const(0, width - len(value))))
