"""The sequencer: carries out the self-test after reset, and then one request after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.units.streams import bank_width
from streamnorm_fpga.link.protocol import Operation, Status

from .memory import memory_beats
from .self_test import batches
from .signature import SIGNATURE_BITS

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["Sequencer"]

_RECOVERY_CYCLES = 8  # the unit wants two at least


class Sequencer(wiring.Component):
    """Starts player, recorder and responder in turn.

    Parameters
    ----------
    config : NormConfig
    expected_signature : int
        Of a self-test that passes.

    Members
    -------
    pending : In(1); operation : In(8); rows_ok, request_stalls : In(1)
    request_rows, request_beats_minus_1, request_kept, request_bank : In
        The request.
    request_done : Out(1)
        The row memory is free again.
    clear : Out(1)
        Something new begins: no rows and results so far, and a signature of zero.
    start : Out(1)
        Rows are to be played, as the following say.
    rows, beats_minus_1, kept, bank, stalls, narrow, testing : Out
    restart_pattern : Out(1)
    rows_out : In
        Rows that have come since ``start``.
    result_signature : In(32)
    expired : In(1)
        No beat has come out of the unit for a long time. Looked at only while some should.
    recover : Out(1)
        Reset unit and player: the unit has hung.
    respond : Out(1); responding : In(1)
        Send the response; it is being sent.
    status : Out(8); finished, passed : Out(1)
        For the record: of the request, and of the latest self-test.
    """

    def __init__(self, config: NormConfig, expected_signature: int) -> None:
        self._config = config
        self._expected = expected_signature
        depth = memory_beats(config)
        geometry = {"rows": range(depth + 1), "beats_minus_1": range(depth), "kept": 8, "bank": bank_width(config)}
        super().__init__(
            {
                "pending": In(1),
                "operation": In(8),
                "rows_ok": In(1),
                "request_stalls": In(1),
                **{f"request_{name}": In(shape) for name, shape in geometry.items()},
                "request_done": Out(1),
                "clear": Out(1),
                "start": Out(1),
                **{name: Out(shape) for name, shape in geometry.items()},
                "stalls": Out(1),
                "narrow": Out(1),
                "testing": Out(1, init=1),
                "restart_pattern": Out(1),
                "rows_out": In(range(depth + 1)),
                "result_signature": In(SIGNATURE_BITS),
                "expired": In(1),
                "recover": Out(1),
                "respond": Out(1),
                "responding": In(1),
                "status": Out(8),
                "finished": Out(1),
                "passed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tests = batches(self._config)
        batch = Signal(range(len(tests) + 1))
        self._geometry(m, batch)
        # What others do at once comes from registers: they are far away on the part.
        orders = (self.start, self.clear, self.restart_pattern, self.respond, self.request_done)
        m.d.sync += [order.eq(0) for order in orders]
        # Of the request that is carried out, and how long the unit has been held in reset.
        rows_hung = Signal()
        held = Signal(range(_RECOVERY_CYCLES))
        with m.FSM(name="sequencer"):
            with m.State("BEGIN TEST"):
                m.d.sync += [self.clear.eq(1), self.restart_pattern.eq(1)]
                m.d.sync += [batch.eq(0), self.testing.eq(1), self.finished.eq(0)]
                m.next = "SET UP BATCH"
            with m.State("SET UP BATCH"):  # what the batch is comes out of registers a cycle later
                m.next = "START BATCH"
                with m.If(batch == len(tests)):
                    m.next = "END TEST"
            with m.State("START BATCH"):
                m.d.sync += self.start.eq(1)
                m.next = "BATCH STARTS"
            with m.State("BATCH STARTS"):
                m.next = "TEST"
            with m.State("TEST"):
                with m.If(self.rows_out == self.rows):
                    m.d.sync += batch.eq(batch + 1)
                    m.next = "SET UP BATCH"
                with m.Elif(self.expired):
                    m.d.sync += [self.finished.eq(1), self.passed.eq(0), self.testing.eq(0), rows_hung.eq(0)]
                    m.next = "RECOVER"
            with m.State("END TEST"):
                m.d.sync += [
                    self.finished.eq(1),
                    self.passed.eq(self.result_signature == self._expected),
                    self.testing.eq(0),
                ]
                m.next = "REST"
                with m.If(self.pending & (self.operation == Operation.SELF_TEST)):
                    m.next = "RESPOND"
            with m.State("REST"), m.If(self.pending & ~self.responding):
                m.d.sync += self.status.eq(Status.OK)
                m.next = "RESPOND"
                with m.Switch(self.operation):
                    with m.Case(Operation.ROWS):
                        m.d.sync += self.clear.eq(1)
                        m.next = "SET UP ROWS"
                        with m.If(~self.rows_ok):
                            m.d.sync += self.status.eq(Status.MALFORMED)
                            m.next = "RESPOND"
                    with m.Case(Operation.SELF_TEST):
                        m.next = "BEGIN TEST"
                    with m.Case(Operation.INFO):
                        pass
                    with m.Default():
                        m.d.sync += self.status.eq(Status.UNKNOWN)
            with m.State("SET UP ROWS"):
                m.next = "START ROWS"
            with m.State("START ROWS"):
                m.d.sync += self.start.eq(1)
                m.next = "ROWS START"
            with m.State("ROWS START"):
                m.next = "ROWS"
            with m.State("ROWS"):
                with m.If(self.rows_out == self.rows):
                    m.next = "RESPOND"
                with m.Elif(self.expired):
                    m.d.sync += rows_hung.eq(1)
                    m.next = "RECOVER"
            with m.State("RECOVER"):
                m.d.sync += [self.recover.eq(1), self.status.eq(Status.HUNG), held.eq(held + 1)]
                with m.If(held == _RECOVERY_CYCLES - 1):
                    m.d.sync += [self.recover.eq(0), held.eq(0)]
                    m.next = "REST"
                    with m.If(self.pending & (rows_hung | (self.operation == Operation.SELF_TEST))):
                        m.next = "RESPOND"
            with m.State("RESPOND"):
                m.d.sync += [self.respond.eq(1), self.request_done.eq(1)]
                m.next = "RESPONSE STARTS"
            with m.State("RESPONSE STARTS"):
                m.next = "REST"
        return m

    def _geometry(self, m: Module, batch: Signal) -> None:
        """What is played: the batch of the self-test, or the request."""
        lanes, tests = self._config.lanes, batches(self._config)
        with m.If(self.testing), m.Switch(batch):
            for index, test in enumerate(tests):
                beats = -(-test.length // lanes)
                with m.Case(index):
                    m.d.sync += [
                        self.rows.eq(test.rows),
                        self.beats_minus_1.eq(beats - 1),
                        self.kept.eq(test.length - (beats - 1) * lanes),
                        self.bank.eq(Const(test.bank, max(1, len(self.bank)))),
                        self.stalls.eq(test.stalls),
                        self.narrow.eq(test.narrow),
                    ]
        with m.Else():
            m.d.sync += [
                self.rows.eq(self.request_rows),
                self.beats_minus_1.eq(self.request_beats_minus_1),
                self.kept.eq(self.request_kept),
                self.bank.eq(self.request_bank),
                self.stalls.eq(self.request_stalls & (self.operation == Operation.ROWS)),
            ]
