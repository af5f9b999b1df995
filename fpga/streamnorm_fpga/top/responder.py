"""Responses: head, record and payload as the octets of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from streamnorm_fpga.link.protocol import RECORD_BYTES, RESPONSE, Operation

from .memory import LATENCY, BoardMemory, memory_beats

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["Responder"]

_GROUP = 8


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
        operation = Signal(8)
        sequence = Signal(8)
        head = [operation | RESPONSE, sequence]
        octets = [*head, *(self.record.word_select(index, 8) for index in range(RECORD_BYTES))]
        place = Signal(range(len(octets)))
        text_place = Signal(range(len(self._text)))
        # What is left of a beat, its next octet lowest.
        beat = Signal(8 * self._beat_octets)
        octet_place = Signal(range(max(2, self._beat_octets)))
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
        beat_ends = octet_place == self._beat_octets - 1
        at_end = Signal()
        record_octet = Signal(8)
        m.d.comb += text.read_address.eq(text_place)
        m.d.sync += at_end.eq(self.read_address + 1 == self.beats)
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
                has_rows = (operation == Operation.ROWS) & (self.beats != 0)
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
                    m.d.sync += [wait.eq(0), beat.eq(self.read_data)]
                    m.next = "BEAT"
            with m.State("BEAT"):
                m.d.comb += [offered.eq(1), octet.eq(beat[:8]), last.eq(beat_ends & at_end)]
                with m.If(moved):
                    m.d.sync += [beat.eq(beat >> 8), octet_place.eq(octet_place + 1)]
                    with m.If(beat_ends):
                        m.d.sync += [octet_place.eq(0), self.read_address.eq(self.read_address + 1)]
                        m.next = "READ"
                        with m.If(at_end):
                            m.next = "REST"
            with m.State("TEXT"):
                ends = text_place == len(self._text) - 1
                m.d.comb += [offered.eq(wait == LATENCY), octet.eq(text.read_data), last.eq(ends)]
                with m.If(wait != LATENCY):
                    m.d.sync += wait.eq(wait + 1)
                with m.If(moved):
                    m.d.sync += [text_place.eq(text_place + 1), wait.eq(0)]
                    with m.If(ends):
                        m.next = "REST"
        m.d.comb += self.busy.eq(~states.ongoing("REST") | self.o.valid)
        return m
