"""Scan control: sends the beats of a row on their way several times, scan after scan."""

from collections.abc import Sequence

from amaranth.hdl import Array, Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.level import Level
from streamnorm.logic.row_ring import RowRing
from streamnorm.precision.precision import Precision
from streamnorm.spec.config import NormConfig
from streamnorm.units.streams import bank_width

__all__ = ["CREDIT_RETURN", "ROW_END_TO_ISSUE", "ScanControl"]

CREDIT_RETURN = 2
"""Cycles from ``output_released`` to the issue of the beat that takes the place."""

ROW_END_TO_ISSUE = 4
"""Cycles from ``row_end`` to the issue of the row's first beat, where no row is ahead of it."""


class ScanControl(wiring.Component):
    """Issues the beats of the oldest row in every scan, one row after the other.

    In a scan, a beat follows the one before after ``paces[scan]`` cycles; the last scan waits for room in the output
    queue besides. Scan ``i + 1`` begins ``waits[i]`` cycles after the last beat of scan ``i``, and the next row's first
    scan in the cycle after the last beat of the row's last one.

    Parameters
    ----------
    config : NormConfig
    waits : at least 1 each, one fewer than scans
    paces : at least 1 each; the last is 1
    row_slots : rows that fit, besides the one that is scanned
    output_depth : entries of the output queue
    family : primitives

    Members
    -------
    row_end : In(1), with ``index``, ``keep`` and ``bank`` of the row's last beat: the row is in the buffer; ``error``
        follows in the next cycle
    output_released : In(1): an entry left the output queue
    issue : Out(1): a beat is read in this cycle
    scan : Out(range(scans)); final : Out(1), it is the last scan
    first, last, issued_error : Out(1); issued_keep : Out(lanes); issued_bank : Out; column : Out(range(max_beats))
        What that beat is.
    before : Out(length_bits): elements of the row before this beat

    All outputs are registers, but for issued_keep.
    """

    def __init__(
        self,
        config: NormConfig,
        *,
        waits: Sequence[int],
        paces: Sequence[int],
        row_slots: int,
        output_depth: int,
        family: str,
    ) -> None:
        assert len(paces) == len(waits) + 1 >= 2
        assert min(*waits, *paces) >= 1
        assert paces[-1] == 1
        self._config = config
        self._waits, self._paces = tuple(waits), tuple(paces)
        self._row_slots, self._output_depth = row_slots, output_depth
        bank, index = bank_width(config), range(config.max_beats)
        entry_width = 2 + config.lanes + bank + (config.max_beats - 1).bit_length()
        self._ring = RowRing(width=entry_width, depth=row_slots, family=family)
        self.block_rams = self._ring.block_rams
        super().__init__(
            {
                "row_end": In(1),
                "index": In(index),
                "keep": In(config.lanes),
                "error": In(1),
                "output_released": In(1),
                "issue": Out(1),
                "scan": Out(range(len(paces))),
                "final": Out(1),
                "first": Out(1),
                "last": Out(1),
                "issued_error": Out(1),
                "issued_keep": Out(config.lanes),
                "column": Out(index),
                "before": Out(Precision.of(config).ranges.length_bits),
                **({"bank": In(bank), "issued_bank": Out(bank)} if bank else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes, bank = self._config.lanes, bank_width(self._config)
        head_valid = Signal()
        free = Signal()
        head = self._announced(m, head_valid, free)

        # busy: a row is being scanned; active: a beat may be issued, with credit in the last scan
        busy = Signal()
        active = Signal()
        ends = Signal()
        active_next = Signal()
        final_next = Signal()
        single = Signal()
        keep = Signal(lanes)
        index = Signal(range(self._config.max_beats))
        left = Signal.like(index)
        scans = len(self._paces)
        wait, pace = self._constant([*self._waits, 1]), self._constant(self._paces)
        pause = Signal(range(max(*self._waits, *self._paces)))
        some_credit_next = self._credit(m)
        m.d.comb += [
            ends.eq(self.issue & self.last),
            free.eq(~busy | (ends & self.final)),
            self.issued_keep.eq(keep | (~self.last).replicate(lanes)),
            active_next.eq(active),
            final_next.eq(self.final),
        ]
        m.d.sync += [
            active.eq(active_next),
            self.final.eq(final_next),
            self.issue.eq(active_next & (some_credit_next | ~final_next)),
        ]
        with m.If(free):
            m.d.comb += [active_next.eq(head_valid), final_next.eq(0)]
            m.d.sync += [
                busy.eq(head_valid),
                self.scan.eq(0),
                self.first.eq(1),
                self.issued_error.eq(head[0]),
                self.last.eq(head[1]),
                single.eq(head[1]),
                keep.eq(head[2 : 2 + lanes]),
                left.eq(head[2 + lanes + bank :]),
                index.eq(head[2 + lanes + bank :]),
            ]
            if bank:
                m.d.sync += self.issued_bank.eq(head[2 + lanes : 2 + lanes + bank])
        with m.Elif(ends):
            m.d.comb += [active_next.eq(wait == 1), final_next.eq(self.scan == scans - 2)]
            m.d.sync += [
                pause.eq(wait - 2),
                self.scan.eq(self.scan + 1),
                self.first.eq(1),
                self.last.eq(single),
                left.eq(index),
            ]
        with m.Elif(self.issue):
            m.d.comb += active_next.eq(pace == 1)
            m.d.sync += [pause.eq(pace - 2), self.first.eq(0), self.last.eq(left == 1), left.eq(left - 1)]
        with m.Elif(~active):
            m.d.comb += active_next.eq(pause == 0)
            m.d.sync += pause.eq(pause - 1)
        # Back at 0 behind a scan's last beat, whatever comes next: not through the choice above.
        with m.If(self.issue):
            m.d.sync += [self.column.eq(self.column + 1), self.before.eq(self.before + lanes)]
            with m.If(self.last):
                m.d.sync += [self.column.eq(0), self.before.eq(0)]
        return m

    def _constant(self, values: Sequence[int]) -> Value:
        """The one of the values that belongs to the scan."""
        bits = max(values).bit_length()
        return Array(Const(value, bits) for value in values)[self.scan]

    def _announced(self, m: Module, head_valid: Signal, free: Signal) -> Signal:
        """Fetches the next row into the ring's register once the one before has left it."""
        entry = Cat(self.index == 0, self.keep, *([self.bank] if bank_width(self._config) else []), self.index)
        m.submodules.ring = ring = self._ring
        m.submodules.waiting = waiting = Level(maximum=self._row_slots)
        # "index == 0" gets a cycle of its own.
        entry_register = Signal(len(entry), reset_less=True)
        fetch = Signal()
        row_ready = Signal()
        m.d.sync += [entry_register.eq(entry), row_ready.eq(self.row_end)]
        m.d.comb += [
            ring.write.eq(row_ready),
            ring.write_data.eq(Cat(self.error, entry_register)),
            ring.advance.eq(fetch),
            fetch.eq(waiting.some & ~head_valid),
            waiting.up.eq(row_ready),
            waiting.down.eq(fetch),
        ]
        m.d.sync += head_valid.eq(fetch | (head_valid & ~free))
        return ring.data

    def _credit(self, m: Module) -> Signal:
        """Whether the output queue has room for one more beat in the next cycle, those on their way counted."""
        m.submodules.credits = credits = Level(maximum=self._output_depth, init=self._output_depth)
        released = Signal()
        m.d.sync += released.eq(self.output_released)
        m.d.comb += [credits.up.eq(released), credits.down.eq(self.issue & self.final)]
        return credits.some_next
