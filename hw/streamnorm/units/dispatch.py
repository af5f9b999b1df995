"""Dispatch: decides in which cycle which buffered beat goes on its way to the output."""

from typing import ClassVar

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.level import Level
from streamnorm.logic.row_ring import RowRing
from streamnorm.spec.config import NormConfig

from .streams import bank_width

__all__ = ["Dispatch"]

READY_TO_ISSUE = 4
"""Cycles from ``row_ready`` to the earliest issue of the row's first beat."""

CREDIT_RETURN = 3
"""Cycles from ``output_released`` to the issue of the beat that takes the place."""


class Dispatch(wiring.Component):
    """Issues the beats of the oldest row whose statistic will be there in time, as long as the output has room.

    What was issued flows on without ever stopping; a beat a cycle, no gap between rows of any length.

    Parameters
    ----------
    config : NormConfig
    row_slots : rows that fit
    output_depth : entries of the output queue
    family : primitives
    gated : whether each beat waits for something else, too

    Members
    -------
    row_end : In(1), with ``index``, ``keep`` and ``bank`` of the row's last beat: a row came in; ``error`` follows a
        cycle later
    row_ready : In(1): the oldest row not yet announced may be issued from :data:`READY_TO_ISSUE` cycles on
    output_released : In(1): an entry left the output queue
    issue : Out(1): one beat leaves the row buffer in this cycle
    first, last, issued_error : Out(1); issued_keep : Out(lanes); issued_bank : Out; column : Out(range(max_beats))
        What that beat is. All outputs are registers: they go far.
    Only where ``gated``:
    admits : In(1), a register: one more beat may be sent, those ``sent`` before counted
    sent, sent_last : Out(1); a beat is issued in the next cycle, and whether it is its row's last
    """

    END_TO_READY: ClassVar[int] = 1
    """Cycles from ``row_end`` to the earliest ``row_ready`` of the same row."""

    _controls: ClassVar[tuple[str, ...]] = ()
    """Inputs of a bit that a subclass has besides."""

    def __init__(
        self, config: NormConfig, *, row_slots: int, output_depth: int, family: str, gated: bool = False
    ) -> None:
        self._config, self._gated = config, gated
        self._row_slots, self._output_depth = row_slots, output_depth
        bank, index = bank_width(config), range(config.max_beats)
        self._ring = RowRing(width=self._entry_width(config), depth=row_slots, family=family)
        self.block_rams = self._ring.block_rams
        super().__init__(
            {
                "row_end": In(1),
                "index": In(index),
                "keep": In(config.lanes),
                "error": In(1),
                "row_ready": In(1),
                "output_released": In(1),
                **{name: In(1) for name in self._controls},
                "issue": Out(1),
                "first": Out(1),
                "last": Out(1),
                "issued_error": Out(1),
                "issued_keep": Out(config.lanes),
                "column": Out(index),
                **({"bank": In(bank), "issued_bank": Out(bank)} if bank else {}),
                **({"admits": In(1), "sent": Out(1), "sent_last": Out(1)} if gated else {}),
            }
        )

    def _entry_width(self, config: NormConfig) -> int:
        """Bits of what the ring has to say of a row's end."""
        return 2 + config.lanes + bank_width(config) + (config.max_beats - 1).bit_length()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        banked = self._config.banks > 1
        entry = Cat(self.index == 0, self.keep, *([self.bank] if banked else []), self.index)
        m.submodules.ring = ring = self._ring
        # Delayed by one cycle, still before the row is announced: "index == 0" gets a cycle of its own.
        entry_register = Signal(len(entry), reset_less=True)
        m.d.sync += [entry_register.eq(entry), ring.write.eq(self.row_end)]
        m.d.comb += ring.write_data.eq(Cat(self.error, entry_register))

        sent = Signal()
        credit = self._credit(m, sent)
        head_valid = Signal()
        active = Signal()
        free = Signal()
        first = Signal(reset_less=True)
        last = Signal(reset_less=True)
        error = Signal(reset_less=True)
        left = Signal(range(self._config.max_beats), reset_less=True)
        keep = Signal(self._config.lanes, reset_less=True)
        # `sent` goes far; what decides on the next row has a copy of `active` for itself, inverted, since synthesis
        # would merge two registers of the same value.
        idle = Signal(init=1)
        m.d.comb += [sent.eq(active & credit), free.eq(idle | (credit & last))]
        self._announced(m, ring, head_valid, free)
        lanes, bits = self._config.lanes, bank_width(self._config)
        bank = Signal(bits, reset_less=True)
        head = ring.data
        with m.If(free):
            m.d.sync += [
                active.eq(head_valid),
                idle.eq(~head_valid),
                first.eq(1),
                error.eq(head[0]),
                last.eq(head[1]),
                keep.eq(head[2 : 2 + lanes]),
                bank.eq(head[2 + lanes : 2 + lanes + bits]),
                left.eq(head[2 + lanes + bits :]),
            ]
        with m.Elif(sent):
            m.d.sync += [first.eq(0), last.eq(left == 1), left.eq(left - 1)]
        self._tell(m, sent, first=first, last=last, error=error, keep=keep, bank=bank)
        return m

    def _tell(
        self, m: Module, sent: Signal, *, first: Signal, last: Signal, error: Signal, keep: Signal, bank: Signal
    ) -> None:
        """From the beat that is ``sent`` next to the one that is issued, a register later. What tells of it needs no
        reset: it is looked at with `issue` alone."""
        m.d.sync += self.issue.eq(sent)
        if self._gated:
            m.d.comb += [self.sent.eq(sent), self.sent_last.eq(last)]
        column = Signal.like(self.column, reset_less=True)
        told = [(self.first, first), (self.last, last), (self.issued_error, error)]
        told += [(self.issued_keep, keep | (~last).replicate(len(keep)))]
        told += [(self.issued_bank, bank)] if len(bank) else []
        for port, value in told:
            later = Signal(len(port), reset_less=True, name=f"beat_{port.name}")
            m.d.sync += later.eq(value)
            m.d.comb += port.eq(later)
        with m.If(sent):
            m.d.sync += column.eq(Mux(first, 0, column + 1))
        m.d.comb += self.column.eq(column)

    def _announced(self, m: Module, ring: RowRing, head_valid: Signal, free: Signal) -> None:
        """Fetches the next announced row into the ring's register as soon as that is free."""
        m.submodules.waiting = waiting = Level(maximum=self._row_slots)
        fetch = Signal()
        m.d.comb += [
            fetch.eq(waiting.some & (~head_valid | free)),
            waiting.up.eq(self.row_ready),
            waiting.down.eq(fetch),
            ring.advance.eq(fetch),
        ]
        m.d.sync += head_valid.eq(fetch | (head_valid & ~free))

    def _credit(self, m: Module, sent: Signal) -> Value:
        """Whether the output queue has room for one more beat, those ``sent`` before counted, and it may go."""
        m.submodules.credits = credits = Level(maximum=self._output_depth, init=self._output_depth)
        released = Signal()
        m.d.sync += released.eq(self.output_released)
        m.d.comb += [credits.up.eq(released), credits.down.eq(sent)]
        return credits.some & self.admits if self._gated else credits.some
