"""The replay buffer: whole rows, each read several times."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pointer import advance_pointer
from streamnorm.logic.primitives.block_ram import BlockRam, block_geometry
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.spec.targets import Target

__all__ = ["ReplayBuffer"]


class ReplayBuffer(wiring.Component):
    """Beats in the order they came; a row can be read again from its first beat on.

    As :class:`~streamnorm.units.row_buffer.RowBuffer`, but the place of a row's first beat is remembered: ``rewind``
    with a row's last read goes back to it, ``forget`` with a row's last read gives the row up. ``d`` belongs to the
    beat whose ``read`` was :attr:`latency` cycles earlier, :attr:`delay` ns behind the clock edge.

    Parameters
    ----------
    config : NormConfig
    depth : beats that must fit; rounded up to what the block RAMs hold anyway

    Members
    -------
    write : In(1); write_d : In(ArrayLayout(signed(difference_bits), lanes)); d : Out, as ``write_d``
    read, rewind, forget : In(1)
    """

    write: Signal
    write_d: data.View
    read: Signal
    rewind: Signal
    forget: Signal
    d: data.View

    def __init__(self, config: NormConfig, *, depth: int) -> None:
        target = Target(config.target, config.clock_mhz)
        family = target.primitives
        layout = data.ArrayLayout(signed(Precision.of(config).ranges.difference_bits), config.lanes)
        geometry = block_geometry(layout.size, depth, family)
        self.depth = geometry.block_depth * geometry.banks
        self._ram = BlockRam(
            width=layout.size,
            depth=self.depth,
            family=family,
            output_register=target.family.block_ram > 0.5 * target.budget,
            writable=True,
        )
        self.latency = self._ram.latency
        self.delay = target.family.block_ram if self.latency == 1 else target.family.block_ram_output
        self.block_rams = geometry.blocks
        super().__init__(
            {
                "write": In(1),
                "write_d": In(layout),
                "read": In(1),
                "rewind": In(1),
                "forget": In(1),
                "d": Out(layout),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.ram = ram = self._ram
        addresses = range(self.depth)
        write_at, read_at, first_at = Signal(addresses), Signal(addresses), Signal(addresses)
        first = Signal(init=1)  # the next read is its row's first of a scan
        m.d.comb += [
            ram.write_enable.eq(self.write),
            ram.write_address.eq(write_at),
            ram.write_data.eq(self.write_d),
            ram.read_address.eq(read_at),
            self.d.eq(ram.read_data),
        ]
        advance_pointer(m, write_at, self.write, self.depth)
        advance_pointer(m, read_at, self.read, self.depth)
        with m.If(self.read):
            m.d.sync += first.eq(self.rewind | self.forget)
            with m.If(first):
                m.d.sync += first_at.eq(read_at)
            with m.If(self.rewind & ~first):
                m.d.sync += read_at.eq(first_at)
            with m.Elif(self.rewind):
                m.d.sync += read_at.eq(read_at)
        return m
