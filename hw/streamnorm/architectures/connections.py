"""What units of every architecture have in common: ports, what travels beside the data, loads of gamma and beta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.spec.config import NormConfig
from streamnorm.spec.row_flags import flags_of
from streamnorm.units.block_output_queue import BlockOutputQueue
from streamnorm.units.dispatch import Dispatch
from streamnorm.units.ingest import Ingest
from streamnorm.units.moments import Moments
from streamnorm.units.output_queue import OutputQueue
from streamnorm.units.parameter_queue import ERROR_LATER, ParameterQueue
from streamnorm.units.parameter_store import ParameterStore
from streamnorm.units.parameter_words import IssuedBeat
from streamnorm.units.row_buffer import RowBuffer
from streamnorm.units.row_flags import RowFlags
from streamnorm.units.statistic import Statistic
from streamnorm.units.statistic_queue import StatisticQueue
from streamnorm.units.streams import parameter_layout, result_layout, row_layout, side_layout

if TYPE_CHECKING:
    from .one_pass import NormUnit
    from .two_pass import TwoPassUnit

__all__ = [
    "IssuedBeats", "connect_apply", "connect_loading", "connect_moments", "connect_parameter_rows",
    "connect_parameters", "connect_results", "connect_rows", "connect_statistic", "delays", "parameters_of",
    "unit_ports",
]  # fmt: skip


_TOLD = 1
"""Cycles from the issue of a beat by dispatch until a queue of parameters is told of it."""


class IssuedBeats(IssuedBeat, Protocol):
    """Who sends beats on their way: the signals of :class:`~streamnorm.units.dispatch.Dispatch` about a beat."""

    last: Signal
    issued_error: Signal
    issued_keep: Signal

    @property
    def issued_bank(self) -> Signal | None: ...


def unit_ports(config: NormConfig) -> dict[str, Any]:
    """The streams of a unit: ``i``, ``o``, ``parameters`` where gamma and beta come in, one for each further result."""
    ports: dict[str, Any] = {
        "i": In(stream.Signature(row_layout(config))),
        "o": Out(stream.Signature(result_layout(config))),
    }
    if not config.parameters_are_known:
        ports["parameters"] = In(stream.Signature(parameter_layout(config)))
    for result in config.results:
        ports[result.side.port] = Out(stream.Signature(side_layout(config, result.side, flagged=True)))
    return ports


def parameters_of(config: NormConfig, *, issued: int = 1, told: int = _TOLD) -> ParameterStore | ParameterQueue:
    """What has gamma and beta; ``issued`` and ``told`` are those of a queue, as behind a dispatch."""
    if config.parameters_are_streamed:
        return ParameterQueue(config, issued=issued, told=told)
    return ParameterStore(config)


def delays(m: Module, value: Value, count: int, name: str) -> Sequence[Value]:
    """The value now and 1 … ``count`` cycles later; control bits are reset, so that nothing comes out unasked."""
    stages: list[Value] = [value]
    if len(value) == 0:
        return [Const(0, 0)] * (count + 1)
    for stage in range(1, count + 1):
        register = Signal(len(value), name=f"{name}_{stage}")
        m.d.sync += register.eq(stages[-1])
        stages.append(register)
    return stages


def connect_moments(m: Module, entry: Ingest, moments: Moments) -> None:
    """Brings beats from ingest to the moments."""
    m.d.comb += [
        moments.valid.eq(entry.valid),
        moments.first.eq(entry.first),
        moments.d.eq(entry.d),
        moments.keep.eq(entry.keep),
        moments.before.eq(entry.before),
    ]


def connect_statistic(m: Module, statistic: Statistic, queue: StatisticQueue, scale_there: Value) -> None:
    """Brings what the statistic gives to its queue."""
    m.d.comb += [
        queue.write.eq(scale_there),
        *(getattr(queue, name).eq(getattr(statistic, name)) for name in statistic.outputs),
    ]


def connect_rows(m: Module, entry: Ingest, buffer: Any, issue: Any, banks: int) -> Signal:
    """Brings beats from ingest to a buffer, and what there is to say of a row to who issues its beats.

    Returns the signal that a row's last beat is there.
    """
    row_end = Signal()
    m.d.comb += [
        buffer.write.eq(entry.valid),
        buffer.write_d.eq(entry.d),
        row_end.eq(entry.valid & entry.last),
        issue.row_end.eq(row_end),
        issue.index.eq(entry.index),
        issue.keep.eq(entry.keep),
        issue.error.eq(entry.error),
    ]
    if banks > 1:
        m.d.comb += issue.bank.eq(entry.bank)
    return row_end


def connect_apply(
    m: Module, unit: NormUnit | TwoPassUnit, buffer: RowBuffer, released: int, row_released: Signal
) -> None:
    """Everything that flows from an issued beat to the output queue without stopping.

    ``row_released`` is told ``released`` cycles after the issue of a row's first beat.
    """
    lanes, issue, statistic = unit.apply, unit.dispatch, unit.statistic_queue
    advance = buffer.latency - statistic.latency
    assert advance >= 0
    starts = delays(m, issue.issue & issue.first, max(advance, released), "row_issued")
    m.d.comb += [
        statistic.advance.eq(starts[advance]),
        row_released.eq(starts[released]),
        lanes.d.eq(buffer.d),
        *(getattr(lanes, name).eq(getattr(statistic, f"row_{name}")) for name in unit.statistic.outputs),
    ]
    store = unit.parameter_store
    connect_parameters(m, store, issue, unit.config.banks, lanes, buffer.latency)
    row_error = (store.row_error, _TOLD + ERROR_LATER) if isinstance(store, ParameterQueue) else None
    connect_results(m, unit.config, issue, issue.issue, lanes, buffer.latency, unit.output_queue, row_error=row_error)


def connect_parameters(
    m: Module, store: ParameterStore | ParameterQueue, issue: IssuedBeats, banks: int, lanes: Any, base: int
) -> None:
    """Brings a beat's gamma and beta from the store, as far as it has them, to ``lanes`` (gamma, gamma_cycle, …).

    A beat enters ``lanes`` ``base`` cycles after its issue.
    """
    place, place_cycle = store.place(m, issue), store.place_cycle
    bank = []
    if banks > 1 and issue.issued_bank is not None:
        bank = [delays(m, issue.issued_bank, place_cycle, "place_bank")[place_cycle]]
    address = Cat(place, *bank)
    for name in ("gamma", "beta"):
        if not hasattr(store, name):
            continue
        wait = base + getattr(lanes, f"{name}_cycle") - store.cycles
        assert wait >= 0
        m.d.comb += [
            getattr(store, f"{name}_address").eq(delays(m, address, wait, f"{name}_address")[wait]),
            getattr(lanes, name).eq(getattr(store, name)),
        ]


def connect_results(
    m: Module,
    config: NormConfig,
    issue: IssuedBeats,
    valid: Value,
    lanes: Any,
    base: int,
    queue: OutputQueue | BlockOutputQueue,
    *,
    error_later: int = 0,
    row_error: tuple[Value, int] | None = None,
) -> None:
    """Brings a beat's keep to ``lanes``, and what these give, with keep, last and error, to the output queue.

    ``valid`` tells that a beat is issued; it enters ``lanes`` (keep, keep_cycle, latency, y) ``base`` cycles later.
    Its row's error is told ``error_later`` cycles after the last beat, and another one, if there is ``row_error``, as
    many cycles later as stand with it. With floating-point numbers on either side,
    ``lanes`` tell with ``y`` the flags of the beat, or of its row, too (nan, infinite, overflow; see
    :class:`~streamnorm.units.row_flags.RowFlags`).
    """
    keep_at, end = base + lanes.keep_cycle, base + lanes.latency
    keep = delays(m, issue.issued_keep, end, "keep")
    valids = delays(m, valid, end, "valid")
    last = delays(m, issue.last, end, "last")
    error: Value = delays(m, issue.issued_error & last[error_later], end - error_later, "error")[-1]
    if row_error is not None:
        wrong, wrong_later = row_error
        error |= delays(m, wrong & last[wrong_later], end - wrong_later, "row_error")[-1]
    m.d.comb += [
        lanes.keep.eq(keep[keep_at]),
        queue.write.eq(valids[end]),
        queue.write_data.data.eq(lanes.y),
        queue.write_data.keep.eq(keep[end]),
        queue.write_data.last.eq(last[end]),
        queue.write_data.error.eq(error),
    ]
    if names := flags_of(config):
        m.submodules.row_flags = row_flags = RowFlags(config)
        m.d.comb += [
            row_flags.valid.eq(valids[end]),
            row_flags.last.eq(last[end]),
            *(row_flags.beat[name].eq(getattr(lanes, name)) for name in names),
            queue.write_data.flags.eq(row_flags.flags),
        ]


def connect_parameter_rows(m: Module, parameters: stream.Interface, queue: ParameterQueue, issue: Dispatch) -> None:
    """Lets gamma and beta come in as rows, and beats be issued that have theirs."""
    wiring.connect(m, wiring.flipped(parameters), queue.i)
    m.d.comb += [
        issue.admits.eq(queue.there),
        queue.take.eq(issue.sent),
        queue.take_last.eq(issue.sent_last),
        queue.beat_valid.eq(delays(m, issue.issue, _TOLD, "told_valid")[-1]),
        queue.beat_first.eq(delays(m, issue.first, _TOLD, "told_first")[-1]),
        queue.beat_last.eq(delays(m, issue.last, _TOLD, "told_last")[-1]),
        queue.beat_keep.eq(delays(m, issue.issued_keep, _TOLD, "told_keep")[-1]),
    ]


def connect_loading(
    m: Module,
    parameters: stream.Interface,
    o: stream.Interface,
    row_end: Value,
    store: ParameterStore,
    entry: Ingest,
    rows_max: int,
) -> None:
    """Lets gamma and beta be loaded while no row is inside; ``rows_max`` rows may be between ``row_end`` and ``o``."""
    wiring.connect(m, wiring.flipped(parameters), store.i)
    inside = Signal(range(rows_max))
    left = Signal()
    m.d.comb += left.eq(o.valid & o.ready & o.payload.last)
    with m.If(row_end & ~left):
        m.d.sync += inside.eq(inside + 1)
    with m.If(~row_end & left):
        m.d.sync += inside.eq(inside - 1)
    m.d.comb += [store.rows_inside.eq(inside != 0), store.idle.eq(entry.idle), entry.hold.eq(store.hold)]
