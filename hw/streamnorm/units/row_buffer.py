"""The row buffer: differences wait here until their row's statistic is known."""

from typing import ClassVar

from amaranth.hdl import Module, Shape, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.pointer import advance_pointer
from streamnorm.logic.primitives.block_ram import BlockRam, block_geometry
from streamnorm.spec.config import NormConfig

from .streams import difference_shape

__all__ = ["RowBuffer"]


class RowBuffer(wiring.Component):
    """Beats in the order they came, at least ``max_beats`` plus the latency of the statistic.

    ``d`` belongs to the beat whose ``read`` was :attr:`latency` cycles earlier. A beat can be read two cycles after it
    was written; who writes and reads keeps the count.

    Parameters
    ----------
    config : NormConfig
    depth : beats that must fit; rounded up to what the block RAMs hold anyway
    shape : of an element; absent: difference_shape

    Members
    -------
    write : In(1); write_d : In(ArrayLayout(shape, lanes)); read : In(1); d : Out, as ``write_d``
    """

    _controls: ClassVar[tuple[str, ...]] = ()
    """Inputs of a bit that a subclass has besides."""

    def __init__(self, config: NormConfig, *, depth: int, shape: Shape | None = None) -> None:
        target = config.device
        family = target.primitives
        layout = data.ArrayLayout(difference_shape(config) if shape is None else shape, config.lanes)
        geometry = block_geometry(layout.size, depth, family)
        self.depth = geometry.block_depth * geometry.banks
        self._ram = BlockRam(
            width=layout.size,
            depth=self.depth,
            family=family,
            output_register=target.has_block_ram_register,
            writable=True,
        )
        self.latency = self._ram.latency
        self.delay = target.block_ram_delay
        self.block_rams = geometry.blocks
        controls = {name: In(1) for name in self._controls}
        super().__init__({"write": In(1), "write_d": In(layout), "read": In(1), **controls, "d": Out(layout)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for pointer, step in zip(self._pointers(m), (self.write, self.read), strict=True):
            advance_pointer(m, pointer, step, self.depth)
        return m

    def _pointers(self, m: Module) -> tuple[Signal, Signal]:
        """Connect the memory; return where the next beat is written, and where the next one is read."""
        m.submodules.ram = ram = self._ram
        write_at = Signal(range(self.depth))
        read_at = Signal(range(self.depth))
        m.d.comb += [
            ram.write_enable.eq(self.write),
            ram.write_address.eq(write_at),
            ram.write_data.eq(self.write_d),
            ram.read_address.eq(read_at),
            self.d.eq(ram.read_data),
        ]
        return write_at, read_at
