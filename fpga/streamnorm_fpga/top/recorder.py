"""The recorder: results into the result memory, and into the signature; and how many cycles they took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .memory import memory_beats
from .signature import SIGNATURE_BITS, next_signature
from .unit_streams import UnitStream, outputs_of

if TYPE_CHECKING:
    from streamnorm.spec.config import NormConfig

__all__ = ["Recorder", "Stopwatch"]

_CYCLE_BITS = 16


class Recorder(wiring.Component):
    """Takes every beat that ``open`` lets through; what comes out is there a cycle after the beat.

    Each stream has a recorder and a memory of its own, which holds all that comes for a request: none waits for another
    one.

    Parameters
    ----------
    config : NormConfig
    stream : UnitStream, optional
        The one that is recorded; the results where absent.

    Members
    -------
    start : In(1)
        Rows are about to be played: count them, and write from the memory's beginning.
    clear : In(1)
        As ``start``, and begin a new signature.
    testing : In(1)
        Write nothing to the memory.
    open : In(1)
    data, keep, last, error, valid : In; ready : Out
        The unit's output, as AXI4-Stream has it.
    flags : In
        What is above the error in ``m_axis_tuser``; only with floating-point numbers on either side.
    moved : Out(1); first : Out(1)
        A beat moves; it is its row's first. Not registers.
    rows : Out
        Rows that have come since ``start``.
    beats : Out
        Beats that are in the memory.
    row_failed : Out(1)
        1 for a cycle for each row with its error flag.
    result_signature : Out(32)
    write_enable, write_address, write_data : Out; to the result memory
    """

    def __init__(self, config: NormConfig, stream: UnitStream | None = None) -> None:
        stream = stream or outputs_of(config)[0]
        width, depth = 8 * stream.beat_octets, memory_beats(config)
        self._flags = stream.user_bits - 1
        super().__init__(
            {
                **{name: In(1) for name in ("start", "clear", "testing", "open", "last", "error", "valid")},
                "data": In(width),
                "keep": In(width // 8),
                **({"flags": In(self._flags)} if self._flags else {}),
                "ready": Out(1),
                "moved": Out(1),
                "first": Out(1, init=1),
                "rows": Out(range(depth + 1)),
                "beats": Out(range(depth + 1)),
                "row_failed": Out(1),
                "result_signature": Out(SIGNATURE_BITS),
                "write_enable": Out(1),
                "write_address": Out(range(depth)),
                "write_data": Out(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        came = Signal()
        last = Signal()
        error = Signal()
        keep = Signal.like(self.keep)
        m.d.comb += [
            self.ready.eq(self.open),
            self.moved.eq(self.valid & self.open),
            self.write_address.eq(self.beats[:-1]),
        ]
        m.d.sync += [
            came.eq(self.moved),
            self.write_enable.eq(self.moved & ~self.testing),
            self.write_data.eq(self.data),
            keep.eq(self.keep),
            last.eq(self.last),
            error.eq(self.error),
            self.row_failed.eq(came & last & error),
        ]
        user = [error]
        if self._flags:
            flags = Signal(self._flags)
            m.d.sync += flags.eq(self.flags)
            user += list(flags)
        with m.If(self.moved):
            m.d.sync += self.first.eq(self.last)
        with m.If(came):
            signature = next_signature(self.result_signature, self.write_data, keep, last, *user)
            m.d.sync += self.result_signature.eq(signature)
        with m.If(came & last):
            m.d.sync += self.rows.eq(self.rows + 1)
        with m.If(self.write_enable):
            m.d.sync += self.beats.eq(self.beats + 1)
        with m.If(self.start | self.clear):
            m.d.sync += [self.rows.eq(0), self.beats.eq(0), self.first.eq(1)]
        with m.If(self.clear):
            m.d.sync += self.result_signature.eq(0)
        return m


class Stopwatch(wiring.Component):
    """Cycles of the last row, as the plan counts them, modulo 2**16.

    Parameters
    ----------
    early : whether a row's first beat may move out before its last has moved in, so that l2 may be below 0

    Members
    -------
    start : In(1)
        No row has come yet.
    first_in, last_in, first_out, last_out : In(1)
        A row's first or last beat moves into or out of the unit.
    l1, l2, l3 : Out(16)
        First in to first out, last in to first out, first in to last out.
    ss : Out(16)
        Last out of the row before to last out; 0 if there was none.
    """

    def __init__(self, *, early: bool = False) -> None:
        self._early = early
        events = ("start", "first_in", "last_in", "first_out", "last_out")
        results = ("l1", "l2", "l3", "ss")
        super().__init__({**{name: In(1) for name in events}, **{name: Out(_CYCLE_BITS) for name in results}})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Later rows come in before this one is out; when the last row is out, all of these have come to stand
        # for it.
        since = {}
        for event in ("first_in", "last_in", "last_out", *(("first_out",) if self._early else ())):
            since[event] = timer = Signal(_CYCLE_BITS, name=f"since_{event}")
            m.d.sync += timer.eq(timer + 1)
            with m.If(getattr(self, event)):
                m.d.sync += timer.eq(1)
        alone = Signal()
        with m.If(self.first_out):
            m.d.sync += [self.l1.eq(since["first_in"]), self.l2.eq(since["last_in"])]
        if self._early:
            # Of the two events of the last row, the later one has the last word.
            with m.If(self.last_in):
                m.d.sync += self.l2.eq(Mux(self.first_out, 0, -since["first_out"]))
        with m.If(self.last_out):
            m.d.sync += [self.l3.eq(since["first_in"]), self.ss.eq(Mux(alone, 0, since["last_out"])), alone.eq(0)]
        with m.If(self.start):
            m.d.sync += alone.eq(1)
        return m
