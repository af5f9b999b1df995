"""A board in Amaranth's simulator, and the host's end of its line."""

from amaranth.hdl import Module
from amaranth.sim import Simulator

from fpga.link.serial_line import receive_octet, send_octet
from fpga.top.stand_in import StandIn, outputs
from streamnorm.spec.formats.element_bytes import element_bytes
from streamnorm_fpga.link.codec import FrameDecoder, encode_frame
from streamnorm_fpga.link.protocol import CONTROL_STALLS, RECORD_BYTES, RESPONSE, Record, rows_header
from streamnorm_fpga.top.board_top import BoardTop
from streamnorm_fpga.top.self_test import pattern
from streamnorm_fpga.top.signature import rows_signature

BIT_CYCLES = 4
CLOCK_MHZ = 1e-3  # the lights' pace is made of it
PATIENCE = 40_000  # cycles; no answer of these tests takes as long


class NoAnswer(Exception):
    """The board has not sent a whole frame in time."""


class Host:
    """What a testbench does to the board."""

    def __init__(self, context, dut):
        self.context = context
        self.dut = dut
        self.decoder = FrameDecoder()
        self.frames = []
        self.sequence = 0

    async def cycles(self, count):
        await self.context.tick().repeat(count)

    async def send(self, octets):
        for octet in octets:
            await send_octet(self.context, self.dut.rx, octet, BIT_CYCLES)

    async def request(self, operation, body=b""):
        """Send a request and return its sequence number."""
        self.sequence = (self.sequence + 1) & 0xFF
        await self.send(encode_frame(bytes([operation, self.sequence]) + body))
        return self.sequence

    async def response(self, patience=PATIENCE):
        """Wait for the next frame of the board; return operation, sequence, record and payload."""
        await self.until(lambda: bool(self.frames), patience)
        frame = self.frames.pop(0)
        assert frame[0] & RESPONSE
        return frame[0] & ~RESPONSE, frame[1], Record.unpack(frame[2:]), frame[2 + RECORD_BYTES :]

    async def until(self, condition, patience=PATIENCE):
        for _ in range(patience):
            if condition():
                return
            await self.context.tick()
        raise NoAnswer

    async def ask(self, operation, body=b""):
        """Send a request and return record and payload of its response."""
        sequence = await self.request(operation, body)
        answered, answered_sequence, record, payload = await self.response()
        assert (answered, answered_sequence) == (operation, sequence)
        return record, payload


def rows_body(config, rows, *, bank=0, control=0):
    """The body of a ROWS request."""
    beats = -(-rows.shape[1] // config.lanes)
    kept = rows.shape[1] - (beats - 1) * config.lanes
    head = rows_header(bank, stalls=bool(control & CONTROL_STALLS), beats=beats, kept=kept)
    return head + beat_octets(config.lanes, config.input, rows)


def beat_octets(lanes, number, rows):
    """Rows as the octets of their beats."""
    octets = element_bytes(rows, number.bytes).reshape(len(rows), -1)
    size = lanes * number.bytes
    return b"".join(row.tobytes().ljust(-(-len(row.tobytes()) // size) * size, b"\0") for row in octets)


def signature_of(config):
    """Of the stand-in's self-test."""
    signature = 0
    for batch, rows in pattern(config):
        signature = rows_signature(config, outputs(config, rows, batch.bank), signature=signature)
    return signature


def run(config, bench, *, signature=None, unit=None, **mutations):
    """Run ``bench(host)`` on a board with the stand-in, or another ``unit``."""
    dut = BoardTop(
        config,
        bit_cycles=BIT_CYCLES,
        expected_signature=signature_of(config) if signature is None else signature,
        clock_mhz=CLOCK_MHZ,
        unit=StandIn(config, **mutations) if unit is None else unit,
    )
    module = Module()
    module.submodules.dut = dut
    simulator = Simulator(module)
    simulator.add_clock(1e-6)
    hosts = []

    async def drive(context):
        context.set(dut.rx, 1)
        hosts.append(Host(context, dut))
        await context.tick()
        await bench(hosts[0])

    async def listen(context):
        await context.tick()
        while True:
            octet = await receive_octet(context, dut.tx, BIT_CYCLES)
            assert octet is not None
            hosts[0].frames += hosts[0].decoder.feed(bytes([octet]))

    simulator.add_testbench(drive)
    simulator.add_testbench(listen, background=True)
    simulator.run()
    assert hosts[0].decoder.dropped == 0
