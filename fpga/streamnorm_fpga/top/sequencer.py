"""The sequencer: carries out the self-test after reset, and then one request after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.units.streams import bank_width
from streamnorm_fpga.link.protocol import Operation, Status

from .banks import in_turn
from .memory import memory_beats
from .self_test import batches
from .signature import SIGNATURE_BITS

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["Sequencer"]

_RECOVERY_CYCLES = 8  # the unit wants two at least


class Sequencer(wiring.Component):
    """Starts player, recorder and responder in turn.

    Where rows take the banks in turn, rows of one element are played first, until it is the turn of the bank that the
    request names, or in front of a self-test, of bank 0.

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
    row_in : In(1); only where rows take the banks in turn
        A row has gone into the unit.
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
                **({"row_in": In(1)} if in_turn(config) else {}),
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
        lead = _Lead(self._config) if in_turn(self._config) else None
        self._geometry(m, batch, lead)
        if lead is not None:
            with m.If(self.recover):
                m.d.sync += lead.turn.eq(0)
            with m.Elif(self.row_in):
                m.d.sync += lead.turn.eq(Mux(lead.turn == self._config.banks - 1, 0, lead.turn + 1))
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
                        m.next = "SET UP ROWS" if lead is None else "COUNT TURNS"
                        with m.If(~self.rows_ok):
                            m.d.sync += self.status.eq(Status.MALFORMED)
                            m.next = "RESPOND"
                    with m.Case(Operation.SELF_TEST):
                        m.next = "BEGIN TEST" if lead is None else "COUNT TURNS"
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
                    if lead is not None:
                        with m.If(lead.playing):
                            m.next = "COUNT TURNS"
                with m.Elif(self.expired):
                    m.d.sync += rows_hung.eq(1)
                    if lead is not None:
                        # Of rows that nobody has asked for, nothing is told.
                        m.d.sync += [self.clear.eq(lead.playing), lead.playing.eq(0)]
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
            if lead is not None:
                self._take_turns(m, lead)
        return m

    def _take_turns(self, m: Module, lead: _Lead) -> None:
        """Rows of one element, as many as it takes, and then the request."""
        banks = self._config.banks
        rows_asked = self.operation == Operation.ROWS
        first = Mux(rows_asked, self.request_bank, 0)
        with m.State("COUNT TURNS"):
            m.d.sync += lead.left.eq(Mux(first < lead.turn, first + banks, first) - lead.turn)
            m.next = "TAKE TURNS"
        with m.State("TAKE TURNS"):
            m.d.sync += lead.playing.eq(lead.left != 0)
            m.next = "SET UP ROWS"
            with m.If(lead.left == 0):
                m.d.sync += self.clear.eq(1)
                with m.If(~rows_asked):
                    m.next = "BEGIN TEST"

    def _geometry(self, m: Module, batch: Signal, lead: _Lead | None) -> None:
        """What is played: the batch of the self-test, or the request, or what goes ahead of them."""
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
        if lead is not None:
            most = memory_beats(self._config)
            with m.If(lead.playing):
                m.d.sync += [
                    self.rows.eq(Mux(lead.left > most, most, lead.left)),
                    self.beats_minus_1.eq(0),
                    self.kept.eq(1),
                    self.stalls.eq(0),
                ]


class _Lead:
    """What is known of the unit's banks, and of the rows that are played until it is the turn of the right one.

    Attributes
    ----------
    turn : the bank that the next row takes
    left : rows until then
    playing : they are what is played
    """

    def __init__(self, config: NormConfig) -> None:
        self.turn = Signal(range(config.banks), name="turn")
        self.left = Signal(range(config.banks), name="turns_left")
        self.playing = Signal(name="leading")
