"""The replay buffer: whole rows, each read several times."""

from typing import ClassVar

from amaranth.hdl import Module, Signal

from streamnorm.logic.pointer import advance_pointer
from streamnorm.units.row_buffer import RowBuffer

__all__ = ["ReplayBuffer"]


class ReplayBuffer(RowBuffer):
    """A row buffer in which a row can be read again from its first beat on.

    The place of a row's first beat is remembered: ``rewind`` with a row's last read goes back to it, ``forget`` with a
    row's last read gives the row up.

    Members
    -------
    rewind, forget : In(1)
    """

    _controls: ClassVar[tuple[str, ...]] = ("rewind", "forget")

    def elaborate(self, platform: object) -> Module:
        m = Module()
        write_at, read_at = self._pointers(m)
        first_at = Signal(range(self.depth))
        first = Signal(init=1)  # the next read is its row's first of a scan
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
