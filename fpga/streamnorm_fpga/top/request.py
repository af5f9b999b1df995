"""Requests: the head of a frame into registers, its rows into the row memory."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.units.streams import bank_width
from streamnorm_fpga.link.protocol import BANK_OCTET, CONTROL_BANK, CONTROL_STALLS, ROWS_HEADER

from .memory import memory_beats
from .unit_streams import inputs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amaranth.hdl import Value

    from streamnorm.spec.config import NormConfig

    from .unit_streams import UnitStream

__all__ = ["RequestReceiver"]

_HEAD_OCTETS = 2 + ROWS_HEADER.size


class RequestReceiver(wiring.Component):
    """Takes a request apart; keeps it until it is done.

    From the first octet of a good frame on, ``pending`` is 1 and what is below it holds still, until ``done``. A frame
    that begins or ends meanwhile is dropped. A frame that turns out bad leaves nothing but rubbish in the row memories.

    Of a unit with streams beside its rows, each row of them follows the row of elements that it goes with.

    Members
    -------
    octet : In(8); strobe, begin, good, bad : In(1), as of FrameReceiver
    done : In(1)
        The request has been carried out; registers and row memories may be overwritten.
    pending : Out(1)
    dropped : Out(1)
        1 for a cycle for each frame that was not taken.
    operation, sequence : Out(8)
    rows_ok : Out(1)
        The body is that of a ROWS request: whole rows, one at least, that fit the memory, of a bank that exists, and
        with as many elements in their last beats as there are lanes at most, and one at least.
    beats_minus_1 : Out; beats of each row - 1
    kept : Out(8); elements of each row's last beat
    rows : Out
    stalls : Out(1)
    bank : Out(bank bits)
    write_enable, write_address, write_data : Out; to the row memory
    write_enable_1, write_address_1, … : Out; to those of the streams beside
        Their data are the high bits of ``write_data``.
    """

    def __init__(self, config: NormConfig) -> None:
        self._config = config
        self._streams = inputs_of(config)
        self._depth = depth = memory_beats(config)
        beside = range(1, len(self._streams))
        super().__init__(
            {
                "octet": In(8),
                **{name: In(1) for name in ("strobe", "begin", "good", "bad", "done")},
                "pending": Out(1),
                "dropped": Out(1),
                "operation": Out(8),
                "sequence": Out(8),
                "rows_ok": Out(1),
                "beats_minus_1": Out(range(depth)),
                "kept": Out(8),
                "rows": Out(range(depth + 1)),
                "stalls": Out(1),
                "bank": Out(bank_width(config)),
                "write_enable": Out(1),
                "write_address": Out(range(depth)),
                "write_data": Out(8 * max(stream.beat_octets for stream in self._streams)),
                **{f"write_enable_{index}": Out(1) for index in beside},
                **{f"write_address_{index}": Out(range(depth)) for index in beside},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # A frame that began while the one before was pending.
        ignored = Signal()
        place = Signal(range(_HEAD_OCTETS + 1))
        # The body is none of a ROWS request, whatever follows.
        refused = Signal()
        with m.If(self.done):
            m.d.sync += self.pending.eq(0)
        m.d.sync += self.dropped.eq(self.bad | (self.good & (ignored | self.pending)))
        with m.If(self.begin):
            m.d.sync += ignored.eq(self.pending)
            with m.If(~self.pending):
                m.d.sync += place.eq(0)
        with m.If(self.good & ~ignored & ~self.pending):
            m.d.sync += self.pending.eq(1)
        taken = self.strobe & ~ignored & ~self.pending
        with m.If(taken & (place != _HEAD_OCTETS)):
            m.d.sync += place.eq(place + 1)
            self._head(m, place, refused)
        self._rows(m, taken & (place == _HEAD_OCTETS), self.begin & ~self.pending, refused)
        return m

    def _head(self, m: Module, place: Signal, refused: Signal) -> None:
        octet, low_bits = self.octet, len(self.beats_minus_1)
        with m.Switch(place):
            with m.Case(0):
                m.d.sync += self.operation.eq(octet)
            with m.Case(1):
                m.d.sync += self.sequence.eq(octet)
            with m.Case(2):
                m.d.sync += [self.bank.eq(octet), refused.eq(octet >= self._config.banks)]
            with m.Case(3):
                m.d.sync += self.stalls.eq((octet & CONTROL_STALLS) != 0)
                if len(self.bank) > BANK_OCTET:
                    bank = Cat(self.bank[:BANK_OCTET], octet[CONTROL_BANK:])
                    m.d.sync += [self.bank.eq(bank), refused.eq(bank >= self._config.banks)]
            with m.Case(4):
                m.d.sync += self.beats_minus_1[:8].eq(octet)
                if low_bits < 8:
                    with m.If(octet[low_bits:].any()):
                        m.d.sync += refused.eq(1)
            with m.Case(5):
                m.d.sync += self.beats_minus_1[8:].eq(octet)
                with m.If(octet[max(0, low_bits - 8) :].any()):
                    m.d.sync += refused.eq(1)
            with m.Case(6):
                m.d.sync += self.kept.eq(octet)
                with m.If((octet == 0) | (octet > self._config.lanes)):
                    m.d.sync += refused.eq(1)

    def _rows(self, m: Module, data: Signal, begins: Value, refused: Signal) -> None:
        """Octets to beats, beats to rows; each step a cycle after the other, octets are far apart."""
        octets = [stream.beat_octets for stream in self._streams]
        beats = Signal(range(self._depth + 1))
        in_row = Signal(range(self._depth))
        in_beat = Signal(range(max(octets)))
        beat_came = Signal()
        row_ends = Signal()
        turn = None if len(octets) == 1 else _Turn(self._streams, self._depth)
        last_octet = octets[0] - 1 if turn is None else Array(count - 1 for count in octets)[turn.stream]
        row_beats_minus_1 = self.beats_minus_1 if turn is None else Mux(turn.per_row, 0, self.beats_minus_1)
        first = [] if turn is None else [turn.stream == 0]
        m.d.sync += [
            beat_came.eq(data & (in_beat == last_octet)),
            row_ends.eq(in_row == row_beats_minus_1),
            self.rows_ok.eq(reduce(and_, [in_beat == 0, in_row == 0, *first, self.rows != 0, ~refused])),
        ]
        with m.If(data):
            m.d.sync += [in_beat.eq(in_beat + 1), self.write_data.eq(Cat(self.write_data, self.octet)[8:])]
            with m.If(in_beat == last_octet):
                m.d.sync += in_beat.eq(0)
        full = beats[-1]
        came = reduce(and_, [beat_came, *first])
        m.d.comb += [self.write_enable.eq(came & ~full), self.write_address.eq(beats[:-1])]
        with m.If(came):
            with m.If(full):
                m.d.sync += refused.eq(1)
            with m.Else():
                m.d.sync += [beats.eq(beats + 1), in_row.eq(in_row + 1)]
                with m.If(row_ends):
                    m.d.sync += [in_row.eq(0), self.rows.eq(self.rows + 1) if turn is None else turn.stream.eq(1)]
        if turn is not None:
            self._rows_beside(m, turn, beat_came, row_ends, in_row)
        with m.If(begins):
            m.d.sync += [beats.eq(0), in_row.eq(0), in_beat.eq(0), self.rows.eq(0)]
            if turn is not None:
                m.d.sync += [turn.stream.eq(0), *(count.eq(0) for count in turn.beats)]

    def _rows_beside(self, m: Module, turn: _Turn, beat_came: Signal, row_ends: Signal, in_row: Signal) -> None:
        """The beats of the streams beside. They are no more than those of the rows before them: these find room."""
        m.d.comb += turn.per_row.eq(Array(int(stream.per_row) for stream in self._streams)[turn.stream])
        for index, beats in enumerate(turn.beats, 1):
            m.d.comb += [
                getattr(self, f"write_enable_{index}").eq(beat_came & (turn.stream == index)),
                getattr(self, f"write_address_{index}").eq(beats),
            ]
            with m.If(beat_came & (turn.stream == index)):
                m.d.sync += [beats.eq(beats + 1), in_row.eq(in_row + 1)]
                with m.If(row_ends):
                    m.d.sync += in_row.eq(0)
                    ends = index == len(turn.beats)
                    m.d.sync += turn.stream.eq(0 if ends else index + 1)
                    if ends:
                        m.d.sync += self.rows.eq(self.rows + 1)


class _Turn:
    """Whose beats come.

    Attributes
    ----------
    stream : its index
    per_row : whether it has one beat a row
    beats : of each stream beside, those that have come
    """

    def __init__(self, streams: Sequence[UnitStream], depth: int) -> None:
        self.stream = Signal(range(len(streams)), name="stream")
        self.per_row = Signal(name="per_row")
        self.beats = [Signal(range(depth), name=f"beats_{index}") for index in range(1, len(streams))]
