"""Early dispatch: rows whose statistic is of their first beats leave before they have come in."""

from typing import ClassVar

from amaranth.hdl import Cat, Module, Mux, Signal, Value

from streamnorm.logic.level import Level
from streamnorm.logic.row_ring import RowRing
from streamnorm.spec.config import NormConfig

from .dispatch import Dispatch
from .streams import bank_width

__all__ = ["BEAT_TO_ISSUE", "EarlyDispatch"]

BEAT_TO_ISSUE = 5
"""Cycles from a beat to the earliest issue of the beat ahead of it in its row, if it has one."""

END_TO_ISSUE = 6
"""Cycles from a row's last beat to the earliest issue of that beat."""

_BEAT_TO_KNOWN = BEAT_TO_ISSUE - 2  # the count of beats and `issue` are registers


class EarlyDispatch(Dispatch):
    """Issues beats as :class:`Dispatch` does, also of a row whose end has not come in yet.

    What is said of a beat needs to know whether it is its row's last. So each beat waits for what follows it: the row's
    next beat, :data:`BEAT_TO_ISSUE` cycles before its issue, or the row's end, :data:`END_TO_ISSUE` cycles before. A
    row that goes out right behind its own beats, or behind another row, has no gap for that.

    A row that is issued has a column, which is compared with that of its last beat as soon as there is one: the ends of
    rows wait in a ring of their own, in the order in which rows begin.

    Parameters
    ----------
    config, row_slots, output_depth, family, gated : as for :class:`Dispatch`
    buffer_depth : beats that fit into the row buffer

    Members
    -------
    Those of :class:`Dispatch`, with a row's ``bank`` given with its ``complete``, and ``issued_error`` said of last
    beats alone; and
    complete : In(1)
        What the oldest row's statistic needs has come in; at the latest with ``row_end``, at the latest
        :attr:`END_TO_READY` cycles before ``row_ready``.
    follows : In(1)
        A beat came in that is not its row's first.
    """

    END_TO_READY: ClassVar[int] = END_TO_ISSUE - 4

    _controls: ClassVar[tuple[str, ...]] = ("complete", "follows")

    def __init__(
        self,
        config: NormConfig,
        *,
        row_slots: int,
        output_depth: int,
        buffer_depth: int,
        family: str,
        gated: bool = False,
    ) -> None:
        super().__init__(config, row_slots=row_slots, output_depth=output_depth, family=family, gated=gated)
        self._buffer_depth = buffer_depth
        self._bank_ring = None
        if bank := bank_width(config):
            self._bank_ring = RowRing(width=bank, depth=row_slots, family=family)
            self.block_rams += self._bank_ring.block_rams

    def _entry_width(self, config: NormConfig) -> int:
        return super()._entry_width(config) - bank_width(config)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, lanes = self._config, self._config.lanes
        m.submodules.ring = ring = self._ring
        ended = Signal()
        entry_register = Signal(1 + lanes + len(self.index), reset_less=True)
        m.d.sync += [entry_register.eq(Cat(self.index == 0, self.keep, self.index)), ended.eq(self.row_end)]
        m.d.comb += [ring.write.eq(ended), ring.write_data.eq(Cat(self.error, entry_register))]

        sent = Signal()
        credit = self._credit(m, sent)
        known = self._known(m, ended, sent)
        active = Signal()
        idle = Signal(init=1)
        free = Signal()
        first = Signal(reset_less=True)
        last = Signal(reset_less=True)
        # The next row may begin; the end of the row that begins, or of the one that has begun, has been fetched.
        announced = Signal()
        end_valid = Signal()
        closed = Signal()
        open_end = Signal()
        m.d.comb += [
            sent.eq(active & credit & known),
            free.eq(idle | (credit & known & last)),
            open_end.eq(Mux(free, announced, ~closed)),
        ]
        begin = self._fetched(m, "rows", self.row_ready, announced, free)
        m.d.comb += ring.advance.eq(self._fetched(m, "ends", ended, end_valid, open_end))

        bank = Signal(bank_width(config), reset_less=True)
        if self._bank_ring is not None:
            m.submodules.bank_ring = banks = self._bank_ring
            m.d.comb += [banks.write.eq(self.complete), banks.write_data.eq(self.bank), banks.advance.eq(begin)]
            with m.If(free):
                m.d.sync += bank.eq(banks.data)

        # Columns of the beat that is sent next, of the one after it, and of the row's last.
        at = Signal(range(config.max_beats), reset_less=True)
        after = Signal.like(at)
        end = Signal.like(at)
        error = Signal(reset_less=True)
        keep = Signal(lanes, reset_less=True)
        one_beat = ring.data[1]
        with m.If(free | ~closed):
            m.d.sync += [
                closed.eq(end_valid),
                error.eq(ring.data[0]),
                keep.eq(ring.data[2 : 2 + lanes]),
                end.eq(ring.data[2 + lanes :]),
            ]
        with m.If(free):
            m.d.sync += [
                active.eq(announced),
                idle.eq(~announced),
                first.eq(1),
                last.eq(end_valid & one_beat),
                at.eq(0),
                after.eq(1),
            ]
        with m.Else():
            m.d.sync += last.eq(closed & Mux(sent, end == after, end == at))
            with m.If(sent):
                m.d.sync += [first.eq(0), at.eq(after), after.eq(after + 1)]
        self._tell(m, sent, first=first, last=last, error=error, keep=keep, bank=bank)
        return m

    def _known(self, m: Module, ended: Signal, sent: Signal) -> Signal:
        """Whether it is known of the oldest beat, those ``sent`` before not counted, if it is its row's last.

        Where a row ends, the next beat is another row's first, so that there is never more than one to be told of.
        """
        m.submodules.beats = beats = Level(maximum=self._buffer_depth)
        told: Value = self.follows | ended
        for stage in range(1, _BEAT_TO_KNOWN + 1):
            later = Signal(name=f"beat_known_{stage}")
            m.d.sync += later.eq(told)
            told = later
        m.d.comb += [beats.up.eq(told), beats.down.eq(sent)]
        return beats.some

    def _fetched(self, m: Module, name: str, up: Signal, valid: Signal, taken: Signal) -> Signal:
        """Fetches the next of what is counted by ``up`` as soon as the place ``valid`` tells of is free; returns when
        it does."""
        m.submodules[name] = waiting = Level(maximum=self._row_slots)
        fetch = Signal(name=f"fetch_{name}")
        m.d.comb += [fetch.eq(waiting.some & (~valid | taken)), waiting.up.eq(up), waiting.down.eq(fetch)]
        m.d.sync += valid.eq(fetch | (valid & ~taken))
        return fetch
