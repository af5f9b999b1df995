"""Gamma and beta: a block RAM each, read beat by beat, loaded at run time if so configured."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.precision.stored_words import stored_words
from streamnorm.spec.config import NormConfig
from streamnorm.spec.parameter_lane import parameter_lane

from .load_spreader import LoadSpreader
from .parameter_words import IssuedBeat, parameter_words, written_values
from .streams import bank_width, parameter_layout

__all__ = ["ParameterStore"]

SETTLE = 8
"""Cycles after the last row has left before a load starts, at least."""


class ParameterStore(wiring.Component):
    """What each lane of a beat is multiplied by and what is added to it.

    Address: where the beat reads, which is its number in its row or tells its channel (``words.place``), and above it
    the bank. What is stored, :func:`~streamnorm.precision.stored_words.stored_words` tells. ``gamma`` and ``beta``
    follow their address by :attr:`latency` cycles, and so the beat's issue by :attr:`cycles` ones; a constant has no
    memory and no ports.

    Members
    -------
    gamma_address, beta_address : In; gamma, beta : Out(ArrayLayout(signed, lanes))
    Only with ``storage = "ram"``, unless it follows:
    i : In(stream of parameter_layout)
        ``ready`` is a register, 0 until ``hold`` has brought the unit to rest, and while elements that share a value
        get theirs one by one. Beats behind ``max_length`` are ignored.
    hold : Out(1); no row may begin
    idle : In(1); no row is begun and none will be while ``hold`` is 1
    rows_inside : In(1); rows are still on their way to the output
    Only with ``storage = "ram"``, of one that follows as In, and of one that has further results as Out:
    write : 1; write_address : where words go in this cycle, the same for all
    write_gamma, write_beta : the words; of one that has further results, those of their parts of the stream's lanes,
        write_gamma_NAME and write_beta_NAME

    Parameters
    ----------
    config : NormConfig
    follows : whether it is of a further result, and what is loaded comes from the store of the unit's own

    Attributes
    ----------
    settle : cycles after the last row has left before a load starts; more where others read later still
    """

    def __init__(self, config: NormConfig, *, follows: bool = False) -> None:
        self._config = config
        self._follows = follows
        self.settle = SETTLE
        target = config.device
        self.words = words = parameter_words(config)
        address = words.place_bits + bank_width(config)
        output_register = target.has_block_ram_register
        self.latency = 1 + output_register + words.memory_cycles
        self.cycles = words.place_cycle + self.latency
        self.delay = target.block_ram_delay
        if words.memory_cycles:
            self.delay = 0.0  # the last of them is a register
        self.block_rams = 0
        self._rams: dict[str, Any] = {}
        members: dict[str, object] = {}
        for name, stored in stored_words(config).items():
            if stored.is_constant:
                continue
            layout = data.ArrayLayout(signed(stored.bits), config.lanes)
            self._rams[name] = ram = words.memory(stored.values, stored.bits, output_register)
            self.block_rams += ram.blocks
            members |= {f"{name}_address": In(address), name: Out(layout)}
        self._spreader: LoadSpreader | None = None
        self._told: dict[str, int] = {}
        write_address = words.column_bits + bank_width(config)
        if config.parameters_are_loaded and follows:
            members |= {"write": In(1), "write_address": In(write_address)}
            members |= {f"write_{name}": In(ram.width) for name, ram in self._rams.items()}
        elif config.parameters_are_loaded:
            self._told = {
                part.name: words.lanes * stored_words(part.config)[part.key].bits
                for part in parameter_lane(config)
                if part.name not in self._rams
            }
            if self._told:
                members |= {"write": Out(1), "write_address": Out(write_address)}
                members |= {f"write_{name}": Out(width) for name, width in self._told.items()}
            if words.lanes > config.load_lanes:
                widths = (*(ram.width for ram in self._rams.values()), *self._told.values())
                self._spreader = LoadSpreader(config, bits=sum(widths) // words.lanes)
            members |= {
                "i": In(stream.Signature(parameter_layout(config))),
                "hold": Out(1),
                "idle": In(1),
                "rows_inside": In(1),
            }
        super().__init__(members)

    @property
    def place_cycle(self) -> int:
        """Cycles from a beat's issue to its place."""
        return self.words.place_cycle

    def place(self, m: Module, issue: IssuedBeat) -> Value:
        """Where the beat reads that was issued :attr:`place_cycle` cycles ago."""
        return self.words.place(m, issue)

    def reaching(self, reach: int) -> ParameterStore:
        """Itself: however long after their issue beats need gamma and beta, it has the same memory."""
        return self

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, ram in self._rams.items():
            m.submodules[f"{name}_memory"] = ram
            port = getattr(self, name)
            read = (
                ram.read_data
                if len(ram.read_data) == port.shape().size
                else ram.read_data.replicate(self._config.lanes)
            )
            m.d.comb += [ram.read_address.eq(getattr(self, f"{name}_address")), port.eq(read)]
        if self._config.parameters_are_loaded and self._follows:
            for name, ram in self._rams.items():
                word = getattr(self, f"write_{name}")
                m.d.comb += _write(ram, self.write, self.write_address, word)
        elif self._config.parameters_are_loaded:
            self._load(m)
        return m

    def follow(self, m: Module, leader: ParameterStore, name: str) -> None:
        """Lets it have what ``leader`` is loaded with for the result of that name."""
        m.d.comb += [
            self.write.eq(leader.write),
            self.write_address.eq(leader.write_address),
            *(getattr(self, f"write_{of}").eq(getattr(leader, f"write_{of}_{name}")) for of in self._rams),
        ]

    def _load(self, m: Module) -> None:
        payload, words = self.i.payload, self.words
        accept = Signal()
        ready = Signal()
        write = Signal()
        waited = Signal(range(self.settle + 1))
        column = Signal(max(words.column_bits, 1))
        inside = Signal(init=1)
        first = Signal(init=1)
        address = Signal(words.column_bits + bank_width(self._config), reset_less=True)
        m.d.comb += [accept.eq(self.i.valid & ready), self.i.ready.eq(ready)]
        written, ends, values = self._written(m, accept)
        with m.If(ready):
            m.d.sync += waited.eq(0)
            if self._spreader is not None:
                with m.If(accept):
                    m.d.sync += ready.eq(0)
            else:
                with m.If(accept & payload.last):
                    m.d.sync += [ready.eq(0), self.hold.eq(0)]
        if self._spreader is not None:
            with m.Elif(self._spreader.busy), m.If(self._spreader.closing):
                m.d.sync += [ready.eq(~self._spreader.ends), self.hold.eq(~self._spreader.ends)]
        with m.Elif(self.i.valid):
            m.d.sync += self.hold.eq(1)
            with m.If(~self.idle | self.rows_inside):
                m.d.sync += waited.eq(0)
            with m.Elif(waited != self.settle):
                m.d.sync += waited.eq(waited + 1)
            with m.Else():
                m.d.sync += ready.eq(1)
        m.d.sync += write.eq(written & inside)
        with m.If(written):
            m.d.sync += [first.eq(ends), column.eq(column + 1)]
            with m.If(column == words.count - 1):
                m.d.sync += inside.eq(0)
            with m.If(ends):
                m.d.sync += [column.eq(0), inside.eq(1)]
        if self._config.banks > 1:
            bank = Signal(bank_width(self._config))
            current = Signal.like(bank)
            named = self._named_bank(m, accept)
            m.d.comb += current.eq(bank)
            with m.If(first):
                m.d.comb += current.eq(named)
            with m.If(written):
                m.d.sync += bank.eq(current)
            m.d.sync += address.eq(Cat(column[: words.column_bits], current))
        else:
            m.d.sync += address.eq(column)
        for name, ram in self._rams.items():
            stored = Signal(ram.width, reset_less=True, name=f"stored_{name}")
            m.d.sync += stored.eq(values[name])
            m.d.comb += _write(ram, write, address, stored)
        if self._told:
            m.d.comb += [self.write.eq(write), self.write_address.eq(address)]
        for name, width in self._told.items():
            stored = Signal(width, reset_less=True, name=f"stored_{name}")
            m.d.sync += stored.eq(values[name])
            m.d.comb += getattr(self, f"write_{name}").eq(stored)

    def _written(self, m: Module, accept: Signal) -> tuple[Value, Value, dict[str, Value]]:
        """Whether there is a word to write, whether it is the load's last one, and what to write to each memory."""
        payload, words = self.i.payload, self.words
        values: dict[str, Value] = {name: Cat(*each) for name, each in written_values(self._config, payload).items()}
        if self._spreader is None:
            return accept, payload.last, values
        m.submodules.load_spreader = spreader = self._spreader
        value = Cat(*values.values())
        m.d.comb += [spreader.take.eq(accept), spreader.last.eq(payload.last), spreader.value.eq(value)]
        each = [spreader.word.word_select(lane, len(value)) for lane in range(words.lanes)]
        start = 0
        for name, one in list(values.items()):
            values[name] = Cat(*(lane[start : start + len(one)] for lane in each))
            start += len(one)
        return spreader.valid, spreader.final, values

    def _named_bank(self, m: Module, accept: Signal) -> Value:
        """The bank of the load's first beat, as its first word is written."""
        if self._spreader is None:
            return self.i.payload.bank
        begins = Signal(init=1)
        named = Signal(bank_width(self._config), reset_less=True)
        with m.If(accept):
            m.d.sync += begins.eq(self.i.payload.last)
            with m.If(begins):
                m.d.sync += named.eq(self.i.payload.bank)
        return named


def _write(ram: Any, write: Value, address: Value, word: Value) -> list[Any]:
    """What writes to a memory."""
    return [ram.write_enable.eq(write), ram.write_address.eq(address), ram.write_data.eq(word)]
