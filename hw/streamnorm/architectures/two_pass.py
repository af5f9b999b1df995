"""Two passes, overlapped from row to row: sums as the row comes in, squares from buffer to buffer, then apply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring

from streamnorm.logic.primitives.queue import whole_columns
from streamnorm.logic.row_ring import RowRing, data_delay
from streamnorm.logic.timed_logic import TimedLogic
from streamnorm.spec.config import NormConfig
from streamnorm.units import dispatch, ingest
from streamnorm.units.absolute_sum import AbsoluteSum
from streamnorm.units.algorithms import parts_of
from streamnorm.units.dispatch import Dispatch
from streamnorm.units.ingest import Ingest
from streamnorm.units.moments import Moments
from streamnorm.units.output_queue import output_queue_of
from streamnorm.units.parameter_queue import ParameterQueue
from streamnorm.units.row_buffer import RowBuffer
from streamnorm.units.statistic_queue import StatisticQueue, earliest_meeting, read_latency, rings_apart, rows_waiting

from .connections import (
    connect_apply,
    connect_loading,
    connect_moments,
    connect_parameter_rows,
    connect_rows,
    connect_statistic,
    delays,
    parameters_of,
    unit_ports,
)
from .one_pass import SLOT_RETURN
from .report import Stage, UnitReport

__all__ = ["TwoPassUnit"]

_SPARE = 8
"""Places of a buffer beyond those that are in use at full rate."""


class _BothPasses:
    """A row's moments as a statistic asks for them: s2 of the second pass, all others of the first."""

    def __init__(self, sums: Any, squares: Any) -> None:
        self.names: tuple[str, ...] = sums.names
        for name in self.names:
            setattr(self, name, getattr(squares if name == "s2" else sums, name))


class TwoPassUnit(wiring.Component):
    """LayerNorm of a stream of rows in two passes: the mean before the squares.

    As a row comes in, its sum is worked out, and the row waits in a first buffer. Once the sum is complete, the row
    goes from there to a second buffer, and squares are added up on the way; then, with the statistic, from there
    through apply. Three rows may be in these stages at once, a beat a cycle in each.

    A pass that subtracts the mean would begin when the sum is there, and so does this one; squares are taken of the
    differences to the row's pivot, which gives the statistic of the one-pass unit to the last bit. Where a norm has
    absolute deviations, they are added up in the place of squares, and the mean is subtracted indeed.

    Ports and stream behaviour are those of :class:`~streamnorm.architectures.one_pass.NormUnit`, and so is every
    result.

    Raises
    ------
    ConfigError
        If no datapath reaches the accuracy asked for.
    """

    def __init__(self, config: NormConfig) -> None:
        assert config.formula.has_spread
        self.config = config
        self._target = target = config.device
        family = target.primitives
        probe = RowBuffer(config, depth=config.max_beats)  # the latency does not depend on the depth
        base = probe.latency
        kinds = parts_of(config)
        self.sums = sums = Moments(config, outputs=("n", "s1")) if kinds.sums is None else kinds.sums(config)
        self._carried = tuple(name for name in sums.names if name != "s2")
        absolute = kinds.squares or (AbsoluteSum if config.formula.has_absolute_sum else None)
        self._of_row = () if absolute is None else absolute.row_names
        if absolute is not None:
            squares = absolute(config, d_delay=probe.delay, row_delay=data_delay(target))
        else:
            squares = Moments(config, d_delay=probe.delay, outputs=("s2",))
        self.squares = squares
        cycles = tuple(0 if name in self._carried else squares.s2_cycle for name in sums.names)
        apart = rings_apart(config)
        moments = _BothPasses(sums, squares)
        self.statistic = kinds.statistic(config, moments, cycles=cycles, from_ring=self._carried, apart=apart)
        store = parameters_of(config)
        self.apply = kinds.apply(
            config,
            d_delay=probe.delay,
            parameter_delay=store.delay,
            parameter_cycle=store.cycles - probe.latency,
            apart=apart,
        )
        self.parameter_store = store.reaching(probe.latency + max(self.apply.gamma_cycle, self.apply.beta_cycle))

        # A row's sum is there in cycle `complete` after the difference of its last beat, written to its ring in that
        # cycle, fetched in the next, and must have been fetched when the first beat of the second pass comes.
        self._complete = complete = max(getattr(sums, f"{name}_cycle") for name in self._carried)
        self._announce_second = max(1, complete + 2 - base - dispatch.READY_TO_ISSUE)
        second = self._announce_second + dispatch.READY_TO_ISSUE
        # From the last beat's arrival in the second pass on, all is as in the one-pass unit after its last beat.
        read = read_latency(config, rows_waiting(self.statistic, self.apply))
        meeting = earliest_meeting(self.statistic, self.apply, read)
        self._announce_apply = max(1, meeting - base - dispatch.READY_TO_ISSUE)
        applied = self._announce_apply + dispatch.READY_TO_ISSUE
        flight = base + self.apply.latency
        self.end_to_second = ingest.LATENCY + second
        self.second_to_issue = base + applied
        self.release_delay = base
        held = self.end_to_second + self.second_to_issue + self.release_delay + SLOT_RETURN + 1
        self.row_slots = whole_columns(held)
        self.output_depth = whole_columns(flight + 1 + dispatch.CREDIT_RETURN)
        depth = config.max_beats + second + ingest.READY_LAG + _SPARE
        self.first_buffer = RowBuffer(config, depth=depth)
        depth = config.max_beats + base + applied + dispatch.CREDIT_RETURN + _SPARE
        self.second_buffer = RowBuffer(config, depth=depth)
        self.ingest = Ingest(config, buffer_depth=self.first_buffer.depth, row_slots=self.row_slots)
        places = self.second_buffer.depth
        self.second_pass = Dispatch(config, row_slots=self.row_slots, output_depth=places, family=family)
        sizes = {"row_slots": self.row_slots, "output_depth": self.output_depth}
        self.dispatch = Dispatch(config, **sizes, family=family, gated=config.parameters_are_streamed)
        sum_width = sum(len(getattr(sums, name)) for name in self._carried)
        self.sum_ring = RowRing(width=sum_width, depth=self.row_slots, family=family)
        refilled = read + SLOT_RETURN + self.end_to_second + base + self.statistic.scale_cycle
        self.statistic_queue = StatisticQueue(
            config, self.statistic, self.apply, depth=self.row_slots, refilled=refilled, latency=read
        )
        self.output_queue = output_queue_of(config, depth=self.output_depth)
        queues = (self.second_pass, self.dispatch, self.sum_ring, self.statistic_queue, self.output_queue)
        absolute = config.formula.has_absolute_sum
        measure = "mean absolute deviation" if absolute else "variance"
        self.report = UnitReport(
            architecture=config.architecture,
            stages=(
                Stage("ingest", ingest.LATENCY, self.ingest.about),
                Stage("sum", second, "add up the lanes, accumulate over the row; each further beat is a cycle more"),
                Stage("second pass", base, "from buffer to buffer"),
                Stage(
                    f"{'deviations' if absolute else 'squares'} and statistic",
                    applied,
                    f"{'n d - S1' if absolute else 'square'}, accumulate; {measure}, root, scale and centre",
                ),
                Stage("apply", flight, "each lane, from the second buffer on"),
                Stage("output queue", self.output_queue.latency, self.output_queue.about),
            ),
            beats_before_output=1,
            multipliers={
                "statistic": sums.multipliers + squares.multipliers + self.statistic.multipliers,
                "apply": self.apply.multipliers,
            },
            block_rams={
                "row buffers": self.first_buffer.block_rams + self.second_buffer.block_rams,
                "gamma and beta": self.parameter_store.block_rams,
                "statistic tables": self.statistic.block_rams,
                "queues": sum(queue.block_rams for queue in queues),
            },
            row_slots=self.row_slots,
            buffer_beats=self.first_buffer.depth + self.second_buffer.depth,
            output_entries=self.output_depth,
        )
        super().__init__(unit_ports(config))

    def activity(self) -> dict[str, Value]:
        """As of :meth:`NormUnit.activity`; "squares": a beat is read for the second pass."""
        return {
            "ingest": self.ingest.valid,
            "squares": self.second_pass.issue,
            "statistic": self.statistic_queue.write,
            "row buffer": self.dispatch.issue,
            "apply": self.output_queue.write,
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.ingest = entry = self.ingest
        m.submodules.parameter_store = store = self.parameter_store
        m.submodules.output_queue = queue = self.output_queue
        wiring.connect(m, wiring.flipped(self.i), entry.i)
        wiring.connect(m, queue.o, wiring.flipped(self.o))
        row_end = self._first_pass(m, entry)
        self._second_pass(m, row_end, entry)
        m.submodules.apply = self.apply
        m.d.comb += [self.second_buffer.read.eq(self.dispatch.issue), self.dispatch.output_released.eq(queue.released)]
        connect_apply(m, self, self.second_buffer, self.release_delay, self.ingest.row_released)
        if isinstance(store, ParameterQueue):
            connect_parameter_rows(m, self.parameters, store, self.dispatch)
        elif config.parameters_are_loaded:
            rows_max = self.row_slots + 2 * self.output_depth + 4
            connect_loading(m, self.parameters, self.o, row_end, store, entry, rows_max)
        return m

    def _first_pass(self, m: Module, entry: Ingest) -> Signal:
        """From ingest to the first buffer, with the sum on the way; returns that a row's last beat is there."""
        m.submodules.sums = sums = self.sums
        m.submodules.first_buffer = buffer = self.first_buffer
        m.submodules.sum_ring = ring = self.sum_ring
        logic = TimedLogic(m, self._target, "sum")
        there = {name: logic.input(getattr(sums, name), getattr(sums, f"{name}_cycle")) for name in self._carried}
        found = Cat(logic.delayed(timed, self._complete).value for timed in there.values())
        connect_moments(m, entry, sums)
        row_end = connect_rows(m, entry, buffer, self.second_pass, self.config.banks)
        m.d.comb += [ring.write.eq(delays(m, row_end, self._complete, "sum_end")[-1]), ring.write_data.eq(found)]
        return row_end

    def _entries(self, data: Value) -> Iterator[tuple[str, Value]]:
        """What the ring carries from the first pass to the second, by name."""
        start = 0
        for name in self._carried:
            shape = getattr(self.sums, name).shape()
            part = data[start : start + shape.width]
            yield name, part.as_signed() if shape.signed else part
            start += shape.width

    def _second_pass(self, m: Module, row_end: Signal, entry: Ingest) -> None:
        """From the first buffer to the second, with squares and the statistic on the way."""
        config, base = self.config, self.first_buffer.latency
        m.submodules.second_pass = issue = self.second_pass
        m.submodules.squares = squares = self.squares
        m.submodules.second_buffer = buffer = self.second_buffer
        m.submodules.statistic = statistic = self.statistic
        m.submodules.statistic_queue = self.statistic_queue
        m.submodules.dispatch = apply_issue = self.dispatch
        sums = self.sum_ring
        first = self.first_buffer
        ended = Signal()
        m.d.comb += [
            issue.row_ready.eq(delays(m, row_end, self._announce_second, "row_summed")[-1]),
            issue.output_released.eq(apply_issue.issue),
            first.read.eq(issue.issue),
            entry.beat_released.eq(issue.issue),
            ended.eq(issue.issue & issue.last),
        ]
        valid = delays(m, issue.issue, base, "second_valid")[base]
        ends = delays(m, ended, base + self.statistic.latency, "second_end")
        fetch = ends[base - 1]
        if self._of_row:  # a row's n and sum are needed from its first beat on
            fetch = delays(m, issue.issue & issue.first, base - 1, "second_begin")[-1]
        m.d.comb += [
            squares.valid.eq(valid),
            squares.first.eq(delays(m, issue.first, base, "second_first")[base]),
            squares.d.eq(first.d),
            sums.advance.eq(fetch),
            *(getattr(statistic, name).eq(value) for name, value in self._entries(sums.data)),
            statistic.s2.eq(squares.s2),
            apply_issue.row_end.eq(ends[base]),
            apply_issue.index.eq(delays(m, issue.column, base, "second_index")[base]),
            apply_issue.keep.eq(delays(m, issue.issued_keep, base, "second_keep")[base]),
            apply_issue.error.eq(delays(m, issue.issued_error, base + 1, "second_error")[base + 1]),
            apply_issue.row_ready.eq(ends[base + self._announce_apply]),
        ]
        if self._of_row:
            m.d.comb += [
                squares.keep.eq(delays(m, issue.issued_keep, base, "absolute_keep")[base]),
                *(getattr(squares, name).eq(getattr(statistic, name)) for name in self._of_row),
            ]
        connect_statistic(m, statistic, self.statistic_queue, ends[base + statistic.scale_cycle])
        # From block RAM to block RAM through a register.
        m.d.sync += [buffer.write.eq(valid), buffer.write_d.eq(first.d)]
        if config.banks > 1:
            m.d.comb += apply_issue.bank.eq(delays(m, issue.issued_bank, base, "second_bank")[base])
