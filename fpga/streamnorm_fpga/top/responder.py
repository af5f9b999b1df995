"""Responses: head, record and payload as the octets of a frame."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from streamnorm_fpga.link.protocol import RECORD_BYTES, RESPONSE, Operation

from .memory import LATENCY, BoardMemory, memory_beats
from .unit_streams import outputs_of

if TYPE_CHECKING:
    from amaranth.hdl import Value

    from streamnorm.spec.config import NormConfig

__all__ = ["Responder"]

_GROUP = 8


class Responder(wiring.Component):
    """Sends a response after ``start``, and says so by ``busy``.

    The payload of ROWS is what the result memory holds, that of INFO the text; other operations have none. The record
    is read while it is sent. Of a unit with streams beside its results, what their memories hold follows, one stream
    after the other; there is no payload if one of them is empty.

    Parameters
    ----------
    config : NormConfig
    text : bytes
        The payload of INFO.

    Members
    -------
    start : In(1)
    busy : Out(1)
    operation, sequence : In(8)
        Of the request; taken with ``start``.
    record : In(8 * RECORD_BYTES)
    beats : In
        Beats to send, if the operation was ROWS.
    read_address : Out; read_data : In; of the result memory
    beats_1, read_data_1, … : In; of the streams beside, whose memories are read at the same address
    o : Out(stream of octet and last)
    """

    def __init__(self, config: NormConfig, text: bytes) -> None:
        self._streams = outputs_of(config)
        self._text = text
        self._text_memory = BoardMemory(config, width=8, depth=len(text), init=text, writable=False)
        depth = memory_beats(config)
        super().__init__(
            {
                "start": In(1),
                "busy": Out(1),
                "operation": In(8),
                "sequence": In(8),
                "record": In(8 * RECORD_BYTES),
                "beats": In(range(depth + 1)),
                "read_address": Out(range(depth)),
                "read_data": In(8 * self._streams[0].beat_octets),
                **{f"beats_{stream.index}": In(range(depth + 1)) for stream in self._streams[1:]},
                **{f"read_data_{stream.index}": In(8 * stream.beat_octets) for stream in self._streams[1:]},
                "o": Out(stream.Signature(StructLayout({"octet": 8, "last": 1}))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.text_memory = self._text_memory
        text = self._text_memory
        operation = Signal(8)
        sequence = Signal(8)
        head = [operation | RESPONSE, sequence]
        octets = [*head, *(self.record.word_select(index, 8) for index in range(RECORD_BYTES))]
        place = Signal(range(len(octets)))
        text_place = Signal(range(len(self._text)))
        # What is left of a beat, its next octet lowest.
        most_octets = max(stream.beat_octets for stream in self._streams)
        beat = Signal(8 * most_octets)
        octet_place = Signal(range(max(2, most_octets)))
        # The stream whose beats are sent.
        sent = _Sent(self, [stream.beat_octets for stream in self._streams])
        wait = Signal(range(LATENCY + 2))
        offered = Signal()
        octet = Signal(8)
        last = Signal()
        moved = Signal()
        # Octets are chosen among many, and the transmitter looks at them closely: a register parts the two.
        m.d.comb += moved.eq(offered & ~self.o.valid)
        with m.If(moved):
            m.d.sync += [self.o.valid.eq(1), self.o.payload.octet.eq(octet), self.o.payload.last.eq(last)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        # The next beat is read as soon as the last octet of this one is under way.
        beat_ends = octet_place == sent.octets_minus_1
        at_end = Signal()
        record_octet = Signal(8)
        m.d.comb += text.read_address.eq(text_place)
        m.d.sync += at_end.eq(self.read_address + 1 == sent.beats)
        # A choice of many, in two cycles.
        groups = [octets[start : start + _GROUP] for start in range(0, len(octets), _GROUP)]
        chosen = [Signal(8, name=f"record_octet_{index}") for index in range(len(groups))]
        low = place[: exact_log2(_GROUP)]
        m.d.sync += [signal.eq(Array(group)[low]) for signal, group in zip(chosen, groups, strict=True)]
        m.d.sync += record_octet.eq(Array(chosen)[place[len(low) :]])
        with m.FSM(name="responder") as states:
            with m.State("REST"):
                m.d.sync += [place.eq(0), self.read_address.eq(0), text_place.eq(0), wait.eq(0), octet_place.eq(0)]
                with m.If(self.start):
                    m.d.sync += [operation.eq(self.operation), sequence.eq(self.sequence)]
                    m.next = "RECORD"
            with m.State("RECORD"):
                has_rows = reduce(and_, [operation == Operation.ROWS, *(beats != 0 for beats in sent.all_beats)])
                has_text = operation == Operation.INFO
                # The line takes far longer for an octet than the choice of the next one.
                m.d.comb += [
                    offered.eq(wait == LATENCY),
                    octet.eq(record_octet),
                    last.eq((place == len(octets) - 1) & ~has_rows & ~has_text),
                ]
                with m.If(wait != LATENCY):
                    m.d.sync += wait.eq(wait + 1)
                with m.If(moved):
                    m.d.sync += [place.eq(place + 1), wait.eq(0)]
                    with m.If(place == len(octets) - 1):
                        m.next = "REST"
                        with m.If(has_rows):
                            m.next = "READ"
                        with m.If(has_text):
                            m.next = "TEXT"
            with m.State("READ"):
                m.d.sync += wait.eq(wait + 1)
                with m.If(wait == LATENCY):
                    m.d.sync += [wait.eq(0), beat.eq(sent.read_data)]
                    m.next = "BEAT"
            with m.State("BEAT"):
                ends = reduce(and_, [beat_ends, at_end, *sent.is_last])
                m.d.comb += [offered.eq(1), octet.eq(beat[:8]), last.eq(ends)]
                with m.If(moved):
                    m.d.sync += [beat.eq(beat >> 8), octet_place.eq(octet_place + 1)]
                    with m.If(beat_ends):
                        m.d.sync += [octet_place.eq(0), self.read_address.eq(self.read_address + 1)]
                        m.next = "READ"
                        with m.If(at_end):
                            sent.end(m, self.read_address)
            with m.State("TEXT"):
                ends = text_place == len(self._text) - 1
                m.d.comb += [offered.eq(wait == LATENCY), octet.eq(text.read_data), last.eq(ends)]
                with m.If(wait != LATENCY):
                    m.d.sync += wait.eq(wait + 1)
                with m.If(moved):
                    m.d.sync += [text_place.eq(text_place + 1), wait.eq(0)]
                    with m.If(ends):
                        m.next = "REST"
        if sent.index is not None:
            with m.If(states.ongoing("REST")):
                m.d.sync += sent.index.eq(0)
        m.d.comb += self.busy.eq(~states.ongoing("REST") | self.o.valid)
        return m


class _Sent:
    """The stream whose beats are sent.

    Attributes
    ----------
    index : None where there is no other
    beats, read_data, octets_minus_1 : its beats, the one that is read, and the octets of one, less one
    all_beats : those of each stream
    is_last : at most one value: no other one follows
    """

    def __init__(self, responder: Responder, octets: list[int]) -> None:
        self.all_beats: list[Value] = [responder.beats]
        self.index, self.is_last = None, []
        self.beats, self.read_data, self.octets_minus_1 = responder.beats, responder.read_data, octets[0] - 1
        if len(octets) > 1:
            data: list[Value] = [responder.read_data]
            for index in range(1, len(octets)):
                self.all_beats.append(getattr(responder, f"beats_{index}"))
                data.append(getattr(responder, f"read_data_{index}"))
            self.index = Signal(range(len(octets)), name="stream")
            self.is_last = [self.index == len(octets) - 1]
            self.beats, self.read_data = Array(self.all_beats)[self.index], Array(data)[self.index]
            self.octets_minus_1 = Array(count - 1 for count in octets)[self.index]

    def end(self, m: Module, read_address: Signal) -> None:
        """Behind its last beat: the next one from its beginning, or the end."""
        if self.index is None:
            m.next = "REST"
            return
        m.d.sync += [self.index.eq(self.index + 1), read_address.eq(0)]
        with m.If(self.is_last[0]):
            m.next = "REST"
