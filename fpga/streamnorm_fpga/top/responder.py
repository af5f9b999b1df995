"""Responses: head, record and payload as the octets of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from streamnorm_fpga.link.protocol import RECORD_BYTES, RESPONSE, Operation
from streamnorm_fpga.top.memory import LATENCY, BoardMemory, memory_beats

if TYPE_CHECKING:
    from streamnorm.config import NormConfig

__all__ = ["Responder"]


class Responder(wiring.Component):
    """Sends a response after ``start``, and says so by ``busy``.

    The payload of ROWS is what the result memory holds, that of INFO the text; other operations have none. The record
    is read while it is sent.

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
    o : Out(stream of octet and last)
    """

    start: Signal
    busy: Signal
    operation: Signal
    sequence: Signal
    record: Signal
    beats: Signal
    read_address: Signal
    read_data: Signal
    o: stream.Interface

    def __init__(self, config: NormConfig, text: bytes) -> None:
        self._beat_octets = config.lanes * config.output.bytes
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
                "read_data": In(8 * self._beat_octets),
                "o": Out(stream.Signature(StructLayout({"octet": 8, "last": 1}))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.text_memory = self._text_memory
        text = self._text_memory
        operation, sequence = Signal(8), Signal(8)
        head = [operation | RESPONSE, sequence]
        octets = [*head, *(self.record.word_select(index, 8) for index in range(RECORD_BYTES))]
        place = Signal(range(len(octets)))
        text_place = Signal(range(len(self._text)))
        # What is left of a beat, its next octet lowest.
        beat = Signal(8 * self._beat_octets)
        octet_place = Signal(range(max(2, self._beat_octets)))
        wait = Signal(range(LATENCY + 2))
        moved = self.o.valid & self.o.ready
        # The next beat is read as soon as the last octet of this one is under way.
        beat_ends = octet_place == self._beat_octets - 1
        at_end = Signal()
        m.d.comb += [
            self.busy.eq(1),
            text.read_address.eq(text_place),
            at_end.eq(self.read_address + 1 == self.beats),
        ]
        with m.FSM(name="responder"):
            with m.State("REST"):
                m.d.comb += self.busy.eq(0)
                m.d.sync += [place.eq(0), self.read_address.eq(0), text_place.eq(0), wait.eq(0), octet_place.eq(0)]
                with m.If(self.start):
                    m.d.sync += [operation.eq(self.operation), sequence.eq(self.sequence)]
                    m.next = "RECORD"
            with m.State("RECORD"):
                has_rows = (operation == Operation.ROWS) & (self.beats != 0)
                has_text = operation == Operation.INFO
                m.d.comb += [
                    self.o.valid.eq(1),
                    self.o.payload.octet.eq(Array(octets)[place]),
                    self.o.payload.last.eq((place == len(octets) - 1) & ~has_rows & ~has_text),
                ]
                with m.If(moved):
                    m.d.sync += place.eq(place + 1)
                    with m.If(place == len(octets) - 1):
                        m.next = "REST"
                        with m.If(has_rows):
                            m.next = "READ"
                        with m.If(has_text):
                            m.next = "TEXT"
            with m.State("READ"):
                m.d.sync += wait.eq(wait + 1)
                with m.If(wait == LATENCY):
                    m.d.sync += [wait.eq(0), beat.eq(self.read_data)]
                    m.next = "BEAT"
            with m.State("BEAT"):
                m.d.comb += [
                    self.o.valid.eq(1),
                    self.o.payload.octet.eq(beat[:8]),
                    self.o.payload.last.eq(beat_ends & at_end),
                ]
                with m.If(moved):
                    m.d.sync += [beat.eq(beat >> 8), octet_place.eq(octet_place + 1)]
                    with m.If(beat_ends):
                        m.d.sync += [octet_place.eq(0), self.read_address.eq(self.read_address + 1)]
                        m.next = "READ"
                        with m.If(at_end):
                            m.next = "REST"
            with m.State("TEXT"):
                # The transmitter takes far longer for an octet than the memory for the next one.
                ends = text_place == len(self._text) - 1
                m.d.comb += [
                    self.o.valid.eq(wait == LATENCY),
                    self.o.payload.octet.eq(text.read_data),
                    self.o.payload.last.eq(ends),
                ]
                with m.If(wait != LATENCY):
                    m.d.sync += wait.eq(wait + 1)
                with m.If(moved):
                    m.d.sync += [text_place.eq(text_place + 1), wait.eq(0)]
                    with m.If(ends):
                        m.next = "REST"
        return m
