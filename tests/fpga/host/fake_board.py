"""A board made of Python, quick enough to be broken in many ways; has what the link needs of a port."""

import dataclasses
import json
import time

import numpy as np

from streamnorm.spec.formats.element_bytes import bytes_element, element_bytes
from streamnorm_fpga.link.codec import FrameDecoder, encode_frame
from streamnorm_fpga.link.protocol import (
    BANK_OCTET,
    CONTROL_BANK,
    FLAG_SELF_TEST_FINISHED,
    FLAG_SELF_TEST_PASSED,
    RESPONSE,
    ROWS_HEADER,
    VERSION,
    Operation,
    Record,
    Status,
)
from streamnorm_fpga.top.banks import banks_of
from streamnorm_fpga.top.signature import all_signatures, rows_signature
from streamnorm_fpga.top.unit_streams import inputs_of, outputs_of, row_octets
from streamnorm_fpga.virtual_board.faults import BREAK, Faults, FaultyLine
from streamnorm_sim.reference.answers import answers
from streamnorm_sim.reference.golden import GoldenModel
from streamnorm_sim.streams.rows import RowBatch

SELF_TEST_BEATS = 37
HEAD_OCTETS = 4  # of a response's frame: flag, operation, sequence, one of them escaped


class FakeBoard:
    """Answers at once, but says it in pieces.

    Parameters
    ----------
    faults : of the line
    ignored : requests, counted from 0, that it does not hear
    resets : requests that it hears just after a reset
    spoil : function that changes the values of a request (rows, n) that it plays, told its count
    said : changes of what it says of itself
    record : changes of every record
    self_test_flags : what it tells of its self-test
    gone_after : octets after which the port goes away
    latency : cycles that it has counted: L1, L2, L3, SS
    """

    def __init__(
        self,
        config,
        *,
        identity="0123456789abcdef",
        memory_beats=64,
        faults=None,
        ignored=(),
        resets=(),
        spoil=lambda count, values: values,
        said=None,
        record=None,
        self_test_flags=FLAG_SELF_TEST_FINISHED | FLAG_SELF_TEST_PASSED,
        gone_after=None,
        latency=(0, 0, 0, 0),
    ):
        self.config, self.golden = config, GoldenModel(config)
        self.memory_beats = memory_beats
        faults = faults or Faults()
        self.to_board, self.from_board = FaultyLine(faults, to_board=True), FaultyLine(faults, to_board=False)
        self.ignored, self.resets, self.spoil = set(ignored), set(resets), spoil
        self.changes, self.self_test_flags = record or {}, self_test_flags
        self.said = {
            "protocol": VERSION,
            "name": config.name,
            "identity": identity,
            "target": config.target,
            "clock_mhz": config.clock_mhz,
            "planned_mhz": config.clock_mhz,
            "memory_beats": memory_beats,
            **(said or {}),
        }
        self.gone_after = gone_after
        self.decoder = FrameDecoder()
        self.responses = []  # each a list of octets; the first one is being read
        self.untouched = 0  # octets of the first one that have been read
        self.count = 0
        self.latency = latency
        self.heard = []
        self.octets = 0
        self.reset()

    def reset(self):
        self.beats = SELF_TEST_BEATS
        self.row_errors = 0
        self.dropped_before = self.decoder.dropped
        self.overrun = 0

    # The port.

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    @property
    def in_waiting(self):
        self.check_there(0)
        return sum(map(len, self.responses))

    def check_there(self, octets):
        self.octets += octets
        if self.gone_after is not None and self.octets >= self.gone_after:
            raise OSError(5, "Input/output error")

    def read(self, size=1):
        self.check_there(0)
        if not self.in_waiting:
            time.sleep(0.001)
            return b""
        first = self.responses[0]
        octets = bytes(first[: min(size, 7)])  # in pieces
        del first[: len(octets)]
        self.untouched += len(octets)
        if not first:
            self.responses.pop(0)
            self.untouched = 0
        return octets

    def write(self, data):
        self.check_there(len(data))
        octets = self.to_board.carry(data)
        for content in self.decoder.feed(bytes(octet & 0xFF for octet in octets if octet < BREAK)):
            self.hear(content)
        return len(data)

    # The board.

    def hear(self, content):
        count, self.count = self.count, self.count + 1
        if count in self.resets:
            self.reset()
        if count in self.ignored or len(content) < 2:
            return
        operation, sequence, body = content[0], content[1], content[2:]
        if (self.responses and self.untouched < HEAD_OCTETS) or len(self.responses) > 1:
            self.overrun += 1
            return
        self.heard.append(operation)
        status, payload, rows_out, value = Status.OK, b"", 0, 0
        if operation == Operation.INFO:
            payload = json.dumps(self.said).encode()
        elif operation == Operation.SELF_TEST:
            self.beats += SELF_TEST_BEATS
        elif operation == Operation.ROWS:
            status, payload, rows_out, value = self.play(count, body)
        else:
            status = Status.UNKNOWN
        record = Record(
            status=status,
            flags=self.self_test_flags,
            beats_in=self.beats % (1 << 32),
            beats_out=self.beats % (1 << 32),
            **dict(zip(("l1", "l2", "l3", "ss"), self.latency, strict=True)),
            line_errors=self.decoder.dropped - self.dropped_before + self.overrun,
            row_errors=self.row_errors,
            rows_out=rows_out,
            signature=value,
        )
        record = dataclasses.replace(record, **self.changes)
        frame = encode_frame(bytes((operation | RESPONSE, sequence)) + record.pack() + payload)
        self.responses.append([octet & 0xFF for octet in self.from_board.carry(frame)])
        self.responses = [response for response in self.responses if response]

    def play(self, count, body):
        config = self.config
        if len(body) < ROWS_HEADER.size:
            return Status.MALFORMED, b"", 0, 0
        bank, control, beats_minus_1, kept = ROWS_HEADER.unpack_from(body)
        if config.banks > 1 << BANK_OCTET:
            bank |= control >> CONTROL_BANK << BANK_OCTET
        beats, streams = beats_minus_1 + 1, inputs_of(config)
        size = row_octets(streams, beats)
        data = np.frombuffer(body, np.uint8, offset=ROWS_HEADER.size)
        length = beats_minus_1 * config.lanes + kept
        if (
            not len(data)
            or len(data) % size
            or len(data) // size * beats > self.memory_beats
            or not 1 <= kept <= config.lanes
            or length > config.max_length
            or bank >= config.banks
        ):
            return Status.MALFORMED, b"", 0, 0
        given, start = {}, 0
        data = data.reshape(-1, size)
        for stream in streams:
            octets = row_octets([stream], beats)
            lanes = data[:, start : start + octets].reshape(len(data), -1, stream.lane_octets)[:, :length]
            start += octets
            place = 0
            for name, number in zip(stream.names, stream.numbers, strict=True):
                of = bytes_element(lanes[..., place : place + number.bytes], signed=number.signed)
                given[name] = np.clip(of, number.min, number.max)
                place += number.bytes
        rows = given.pop("")
        batch = RowBatch.arrange(rows, banks=banks_of(config, bank, len(rows)))
        batch = dataclasses.replace(batch, beside=given)
        wanted = answers(self.golden, batch)
        values = {"": self.spoil(count, wanted.x)}
        values |= {name: of.x for name, of in self.golden.beside(batch).items()} if config.side_outputs else {}
        payload, signatures = b"", []
        for stream in outputs_of(config):
            [name], [number] = stream.names, stream.numbers
            padded = np.zeros((len(rows), stream.beats(beats) * stream.lanes), np.int64)
            padded[:, : stream.length(length)] = values[name]
            payload += element_bytes(padded, number.bytes).tobytes()
            flags = None if name else wanted.flags
            signatures.append(rows_signature(config, values[name], stream, flags=flags))
        self.beats += len(rows) * beats
        return Status.OK, payload, len(rows), all_signatures(signatures)
