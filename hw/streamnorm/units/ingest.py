"""Ingest: frames rows; takes beats in, and makes every row well-formed."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.level import Level
from streamnorm.spec.config import NormConfig

from .pivot import Pivot
from .statistic_end import statistic_end
from .streams import bank_width, difference_shape, row_layout

__all__ = ["Ingest"]

LATENCY = 2
"""Cycles from an accepted beat to its difference."""

READY_LAG = 5
"""Beats that may still come in after the one that used up the space: the events are counted late."""


class Ingest(wiring.Component):
    """Turns whatever the stream brings into rows of known length, relative to their :class:`Pivot`.

    A row longer than ``max_length`` ends there, and the excess is swallowed up to the next ``last``. In a last beat the
    kept lanes are lane 0 and those above it before the first hole; every other beat counts in full. Where that differs
    from what came, ``error`` is 1 in the cycle after the row's last beat. Latency 2, one beat a cycle; ``i.ready`` and
    all outputs are registers.

    Parameters
    ----------
    config : NormConfig
    buffer_depth, row_slots : beats and rows that may be on their way before ``i.ready`` falls; a ``row_slots`` of None
        is as many as there are beats: what comes in goes straight through to a queue, and no row waits for its end
    statistic_beats : beats of a row after which it may leave, and is counted as one that is on its way; absent: all
    through : whether beats go straight through to a queue although there are ``row_slots``, which are of something else
        that is made of each row

    Members
    -------
    i : In(stream of row_layout)
    beat_released, row_released : In(1)
        A beat has left the row buffer, or the queue; a row has left its slot (without slots there is no such member).
    hold : In(1)
        No further row may begin.
    idle : Out(1)
        Nothing but ``hold`` keeps the next row out, and it does.
    valid, first, last, error : Out(1); d : Out(ArrayLayout(difference_shape, lanes)), 0 in lanes that are not kept
    keep : Out(lanes); before : Out(length_bits), elements of the row before this beat
    index : Out(range(max_beats)), number of the beat in its row; bank : Out, of the row; only with several banks
    complete : Out(1), the row may leave from this beat on; only with ``statistic_beats``
    malformed : Out(1), what ``error`` is a cycle later; not a register; only where rows go ``through``
    Only without slots, of the beat that is offered now, two cycles before ``valid``:
    taken, begins : Out(1); it is taken in, it is the first one of its row
    column : Out(range(max_beats)), offered_bank : Out; its number and bank
    Only without slots, where gamma and beta come with the rows:
    admits : In(1); a beat may be taken in in the next cycle
    ends : Out(1); the beat that is offered now is its row's last
    """

    def __init__(
        self,
        config: NormConfig,
        *,
        buffer_depth: int,
        row_slots: int | None,
        statistic_beats: int | None = None,
        through: bool = False,
    ) -> None:
        assert buffer_depth > (0 if row_slots is None or through else config.max_beats) + READY_LAG
        self._config = config
        index, bank = Out(range(config.max_beats)), Out(bank_width(config))
        self._buffer_depth = buffer_depth
        self._row_slots = row_slots
        self._statistic_beats = statistic_beats
        self._through = through
        self._gated = config.parameters_are_streamed and row_slots is None
        super().__init__(
            {
                "i": In(stream.Signature(row_layout(config))),
                "beat_released": In(1),
                **({"column": index} if row_slots is None else {"row_released": In(1)}),
                "hold": In(1),
                "idle": Out(1),
                "valid": Out(1),
                "first": Out(1),
                "last": Out(1),
                "error": Out(1),
                "d": Out(data.ArrayLayout(difference_shape(config), config.lanes)),
                "keep": Out(config.lanes),
                "before": Out(config.max_length.bit_length()),
                "index": index,
                **({"bank": bank} if config.banks > 1 else {}),
                **({} if statistic_beats is None else {"complete": Out(1)}),
                **({"malformed": Out(1)} if through else {}),
                **({"taken": Out(1), "begins": Out(1)} if row_slots is None else {}),
                **({"offered_bank": bank} if config.banks > 1 and row_slots is None else {}),
                **({"admits": In(1), "ends": Out(1)} if self._gated else {}),
            }
        )

    @property
    def about(self) -> str:
        """What it does, in a few words."""
        config = self._config
        subtracted = "pivot" if config.formula.has_statistic else "zero point"
        less = "" if config.input.is_float else f", subtract the {subtracted}"
        return f"take a beat in, find the lanes that count{less}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, lanes, max_beats = self._config, self._config.lanes, self._config.max_beats
        payload = self.i.payload
        ready = Signal()
        accept = Signal()
        take = Signal()
        ends = Signal()
        begins = Signal(init=1)
        swallow = Signal()
        left = Signal(range(max_beats), init=max_beats - 1)
        at_limit = Signal(init=int(max_beats == 1))
        m.d.comb += [
            self.i.ready.eq(ready),
            accept.eq(self.i.valid & ready),
            take.eq(accept & ~swallow),
            ends.eq(payload.last | at_limit),
        ]
        with m.If(accept):
            m.d.sync += swallow.eq((swallow | at_limit) & ~payload.last)
        with m.If(take):
            m.d.sync += [
                begins.eq(ends),
                left.eq(Mux(ends, max_beats - 1, left - 1)),
                at_limit.eq(Mux(ends, max_beats == 1, left == 1)),
            ]

        # The lanes that count: known before the register, so that it can clear the others.
        prefix = [Const(1, 1)]
        for lane in range(1, lanes):
            prefix.append(payload.keep[1 : lane + 1].all())
        full = Cat(Const(1, 1).replicate(lanes))
        limit = Const((1 << (config.max_length - (max_beats - 1) * lanes)) - 1, lanes)
        kept = Mux(payload.last, Cat(*prefix), full) & Mux(at_limit, limit, full)

        valid = Signal()
        first = Signal()
        last = Signal()
        cut = Signal()
        x = Signal.like(payload.data, reset_less=True)
        keep = Signal(lanes, reset_less=True)
        offered = Signal(lanes, reset_less=True)
        m.d.sync += [
            valid.eq(take),
            first.eq(begins),
            last.eq(ends),
            cut.eq(at_limit & ~payload.last),
            x.eq(payload.data),
            keep.eq(kept),
            offered.eq(payload.keep),
        ]
        pivot = Pivot(m, config, begins, payload.data)
        if config.banks > 1:
            bank = Signal(bank_width(config), reset_less=True)
            m.d.sync += self.bank.eq(bank)
            named = payload.bank if config.rows_name_banks else self._turn(m, take & ends)
            with m.If(begins):
                m.d.sync += bank.eq(named)
            if self._row_slots is None:
                m.d.comb += self.offered_bank.eq(Mux(begins, named, bank))
        if self._row_slots is None:
            m.d.comb += [self.taken.eq(take), self.begins.eq(begins)]
            with m.If(take):
                m.d.sync += self.column.eq(Mux(ends, 0, self.column + 1))

        m.d.sync += [self.valid.eq(valid), self.first.eq(first), self.last.eq(last)]
        # What belongs to a beat needs no reset, and is spared the way of the reset to every lane.
        d = Signal.like(self.d, reset_less=True)
        beat_keep = Signal.like(self.keep, reset_less=True)
        before = Signal.like(self.before, reset_less=True)
        index = Signal.like(self.index, reset_less=True)
        m.d.comb += [self.keep.eq(beat_keep), self.before.eq(before), self.index.eq(index)]
        m.d.sync += beat_keep.eq(keep)
        with m.If(valid):
            m.d.sync += [before.eq(Mux(first, 0, before + lanes)), index.eq(Mux(first, 0, index + 1))]
        m.d.comb += self.d.eq(d)
        for lane in range(lanes):
            m.d.sync += d[lane].eq(pivot.difference(x[lane], keep[lane]))
        wrong = Signal(reset_less=True)
        m.d.sync += wrong.eq((offered != keep) | cut)
        with m.If(self.valid):
            m.d.sync += self.error.eq((self.error & ~self.first) | wrong)
        if self._through:
            m.d.comb += self.malformed.eq((self.error & ~self.first) | wrong)

        counted = last
        if self._statistic_beats is not None:
            counted = statistic_end(m, take, ends, beats=self._statistic_beats)
            m.d.sync += self.complete.eq(valid & counted)
        self._admission(m, ready, accept, valid, valid & counted, begins, ends, swallow)
        return m

    def _turn(self, m: Module, ends: Value) -> Signal:
        """The bank of the row that comes in, or comes next: rows take them in turn."""
        turn = Signal(range(self._config.banks))
        last = self._config.banks - 1
        with m.If(ends):
            m.d.sync += turn.eq(turn + 1 if last & (last + 1) == 0 else Mux(turn == last, 0, turn + 1))
        return turn

    def _admission(
        self,
        m: Module,
        ready: Signal,
        accept: Signal,
        beat_taken: Signal,
        row_counted: Value,
        begins: Signal,
        ends: Signal,
        swallow: Signal,
    ) -> None:
        """``ready``: a place for the row, exactly counted, and for its beats, with some to spare."""
        beats = Signal(range(self._buffer_depth + 1))
        beat_released = Signal()
        space = Signal(init=1)
        m.d.sync += [beat_released.eq(self.beat_released), space.eq(beats < self._buffer_depth - READY_LAG)]
        with m.If(beat_taken ^ beat_released):
            m.d.sync += beats.eq(beats + Cat(1, (~beat_taken).replicate(len(beats) - 1)))
        room = Signal()
        if self._row_slots is None:
            m.d.comb += room.eq(space)
        else:
            m.submodules.slots = slots = Level(maximum=self._row_slots, init=self._row_slots, reserve=1)
            m.d.comb += [slots.down.eq(row_counted), slots.up.eq(self.row_released), room.eq(space & slots.some_next)]
        if self._gated:
            # What is swallowed needs nothing.
            goes_on = Mux(accept, ~self.i.payload.last & (swallow | ends), swallow)
            m.d.comb += self.ends.eq(ends)
            m.d.sync += ready.eq(room & (self.admits | goes_on))
            return
        if not self._config.parameters_are_loaded:
            m.d.sync += ready.eq(room)
            return
        # A row that has begun must be let in to its end.
        between = Signal(init=1)
        resting = Signal()
        boundary = Mux(accept, self.i.payload.last, begins & ~swallow)
        quiet = Signal(3)
        m.d.sync += [
            between.eq(boundary),
            ready.eq(room & ~(self.hold & boundary)),
            resting.eq(self.hold & between & ~ready),
            quiet.eq(Cat(resting, quiet)),
        ]
        m.d.comb += self.idle.eq(quiet.all() & resting)
