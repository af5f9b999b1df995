"""Gamma and beta that come in beside the row: a queue of beats, each read when its beat of the row asks for it."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.level import Level
from streamnorm.logic.pointer import advance_pointer
from streamnorm.logic.primitives.queue import DistributedRam, whole_columns
from streamnorm.logic.row_ring import data_delay
from streamnorm.precision.stored_words import stored_words
from streamnorm.spec.config import NormConfig

from .parameter_words import IssuedBeat, written_values
from .streams import parameter_layout

__all__ = ["ParameterQueue"]

ERROR_LATER = 1
"""Cycles from what is told of a beat to ``row_error`` of its row so far."""

_RETURN = 4
"""Cycles from a free place to the beat that goes out of it: ready, accepted, written, there."""

_AHEAD = 4
"""Beats that wait at full rate, at least."""


class ParameterQueue(wiring.Component):
    """Gamma and beta of the beats that are taken out of a row, one by one; rows of both, of the same lengths.

    Where a row of parameters is shorter than its row, its last beat is taken again and again; where it is longer, the
    rest is swallowed, while nothing is taken. Its row's error is set, and so it is where lanes are kept that the row
    has not, or the other way round. The next row begins with a beat of its own.

    A beat lies in memories of LUTs, and keeps its place until the next one has been taken and gamma and beta, which
    are needed at different times, have both been read. That place is the address which a
    :class:`~streamnorm.units.parameter_store.ParameterStore` has for a beat.

    Parameters
    ----------
    config : NormConfig
    issued : cycles from ``take`` of a beat to its issue, 0 or 1; all other cycles count from there
    told : cycles from its issue to what is told of a beat
    reach : cycles from its issue until gamma and beta are needed, at most

    Attributes
    ----------
    places : beats that may be inside
    pop_to_accept : cycles from ``take`` of a beat to the acceptance of the one that takes its place

    Members
    -------
    i : In(stream of parameter_layout); ``ready`` is a register, 0 during reset
    there : Out(1), a register: a beat may be taken; there_next : Out(1), what it will be in the next cycle
    take : In(1); take_last : In(1), of that beat, whether it ends its row
    beat_valid, beat_first, beat_last : In(1); beat_keep : In(lanes); told of a beat that was taken
    row_error : Out(1), of its row up to that beat, :data:`ERROR_LATER` cycles later
    slot : Out; where the beat lies that was taken in the cycle before
    gamma_address, beta_address : In; gamma, beta : Out(ArrayLayout(signed, lanes))
        As of a :class:`~streamnorm.units.parameter_store.ParameterStore`.
    """

    def __init__(self, config: NormConfig, *, issued: int, told: int, reach: int = 0) -> None:
        assert told + issued > 1
        self._config, self._issued, self._told = config, issued, told
        target, family = config.device, config.device.family
        self.place_cycle = 1 - issued
        # Behind a dispatch, there is time to choose from more than two columns.
        read = family.lut_ram_read + (family.lut if issued else 0.0)
        self.latency = 2 if family.lut_ram and read > target.budget else 1
        # A place is written two cycles after it is free, at the earliest; then its last reader must have been there.
        self._freed = max(0, reach + issued - self.latency - 2)
        self._depth = whole_columns(1 + self._freed + _RETURN + _AHEAD)
        self.places = self._depth - 1
        self.pop_to_accept = self._freed + 1
        self.cycles = self.place_cycle + self.latency
        self.delay = data_delay(target)
        self._words = stored_words(config)
        self._rams = {
            name: DistributedRam(
                width=words.bits * config.lanes,
                depth=self._depth,
                family=target.primitives,
                registered=self.latency == 2,
            )
            for name, words in self._words.items()
        }
        self.block_rams = sum(ram.block_rams for ram in self._rams.values())
        address = range(self._depth)
        members: dict[str, object] = {
            "i": In(stream.Signature(parameter_layout(config))),
            "there": Out(1),
            "there_next": Out(1),
            "take": In(1),
            "take_last": In(1),
            "beat_valid": In(1),
            "beat_first": In(1),
            "beat_last": In(1),
            "beat_keep": In(config.lanes),
            "row_error": Out(1),
            "slot": Out(address),
        }
        for name, words in self._words.items():
            layout = data.ArrayLayout(signed(words.bits), config.lanes)
            members |= {f"{name}_address": In(address), name: Out(layout)}
        super().__init__(members)

    def reaching(self, reach: int) -> ParameterQueue:
        """The same whose beats are needed so many cycles after their issue; its own cycles are no others."""
        found = ParameterQueue(self._config, issued=self._issued, told=self._told, reach=reach)
        assert found.cycles <= reach
        return found

    def place(self, m: Module, issue: IssuedBeat) -> Value:
        """Where the beat lies that was issued :attr:`place_cycle` cycles ago."""
        return self.slot

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes, depth = self._config.lanes, self._depth
        payload = self.i.payload
        ready = Signal()
        accept = Signal()
        written = Signal()
        keep = Signal(lanes, reset_less=True)
        last = Signal(reset_less=True)
        write_at = Signal(range(depth))
        read_at = Signal(range(depth))
        pop = Signal()
        m.submodules.places = places = Level(maximum=depth - 1, init=depth - 1)
        m.submodules.entries = entries = Level(maximum=depth)
        freed: Value = pop
        for stage in range(1, self._freed + 1):
            later = Signal(name=f"freed_{stage}")
            m.d.sync += later.eq(freed)
            freed = later
        m.d.comb += [
            self.i.ready.eq(ready),
            accept.eq(self.i.valid & ready),
            places.down.eq(accept),
            places.up.eq(freed),
            entries.up.eq(written),
            entries.down.eq(pop),
        ]
        m.d.sync += [ready.eq(places.some_next), written.eq(accept), keep.eq(payload.keep), last.eq(payload.last)]
        for pointer, step in ((write_at, written), (read_at, pop)):
            advance_pointer(m, pointer, step, depth)

        family = self._config.device.primitives
        m.submodules.lasts = lasts = DistributedRam(width=1, depth=depth, family=family)
        m.submodules.keeps = keeps = DistributedRam(width=lanes, depth=depth, family=family)
        memories: list[tuple[DistributedRam, Value, Value]] = [(lasts, last, read_at), (keeps, keep, self.slot)]
        for name, values in written_values(self._config, payload).items():
            m.submodules[f"{name}_memory"] = ram = self._rams[name]
            word = Signal(ram.width, reset_less=True, name=f"written_{name}")
            m.d.sync += word.eq(Cat(*values))
            memories.append((ram, word, getattr(self, f"{name}_address")))
            read = Signal(ram.width, reset_less=True, name=f"read_{name}")
            m.d.sync += read.eq(ram.read_data)
            m.d.comb += getattr(self, name).eq(read)
        for ram, word, address in memories:
            m.d.comb += [
                ram.write_enable.eq(written),
                ram.write_address.eq(write_at),
                ram.write_data.eq(word),
                ram.read_address.eq(address),
            ]
        ended = self._follow(m, pop, read_at, lasts.read_data, entries)
        self._check(m, Cat(keeps.read_data, ended))
        return m

    def _follow(self, m: Module, pop: Signal, read_at: Signal, head_last: Value, entries: Level) -> Signal:
        """Which beats go out of the queue: taken, or swallowed; and whether there is one to be taken.

        Returns whether the one at :attr:`slot` ends its row.
        """
        again = Signal()
        again_next = Signal()
        swallow = Signal()
        swallow_next = Signal()
        ended = Signal(reset_less=True)
        m.d.comb += [
            pop.eq((self.take & ~again) | (swallow & entries.some)),
            again_next.eq(Mux(self.take, (again | head_last) & ~self.take_last, again)),
            swallow_next.eq(
                Mux(self.take, self.take_last & ~again & ~head_last, swallow & ~(entries.some & head_last))
            ),
            self.there_next.eq(again_next | (~swallow_next & entries.some_next)),
        ]
        m.d.sync += [again.eq(again_next), swallow.eq(swallow_next), self.there.eq(self.there_next)]
        # Of a beat that is taken again, the place stays as it is.
        with m.If(~again):
            m.d.sync += [self.slot.eq(read_at), ended.eq(head_last)]
        return ended

    def _check(self, m: Module, taken: Value) -> None:
        """Compares keep and last of what lies at :attr:`slot` with what is told of its beat, when it is."""
        for stage in range(self._told + self._issued - 1):
            later = Signal(len(taken), reset_less=True, name=f"taken_{stage}")
            m.d.sync += later.eq(taken)
            taken = later
        wrong = taken != Cat(self.beat_keep, self.beat_last)
        with m.If(self.beat_valid):
            m.d.sync += self.row_error.eq((self.row_error & ~self.beat_first) | wrong)
