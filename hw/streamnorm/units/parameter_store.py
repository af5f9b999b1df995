"""Gamma and beta: a block RAM each, read beat by beat, loaded at run time if so configured."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.primitives.block_ram import BlockRam
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats.element_bytes import element_bytes
from streamnorm.spec.parameters import StoredParameters

from .streams import bank_width, parameter_layout

__all__ = ["ParameterStore"]

SETTLE = 8
"""Cycles after the last row has left before a load starts."""


class ParameterStore(wiring.Component):
    """What each lane of a beat is multiplied by and what is added to it.

    Address: the beat's number in its row, and above it the bank. Beta is stored with half an output step added.
    ``gamma`` and ``beta`` follow their address by :attr:`latency` cycles; a constant has no memory and no ports.

    Members
    -------
    gamma_address, beta_address : In; gamma, beta : Out(ArrayLayout(signed, lanes))
    Only with ``storage = "ram"``:
    i : In(stream of parameter_layout)
        ``ready`` is a register, 0 until ``hold`` has brought the unit to rest. Beats behind ``max_length`` are ignored.
    hold : Out(1); no row may begin
    idle : In(1); no row is begun and none will be while ``hold`` is 1
    rows_inside : In(1); rows are still on their way to the output
    """

    def __init__(self, config: NormConfig) -> None:
        self._config = config
        self._parameters = parameters = StoredParameters.of(config)
        target = config.device
        self.column_bits = (config.max_beats - 1).bit_length()
        address = self.column_bits + bank_width(config)
        output_register = target.family.block_ram > 0.5 * target.budget
        self.latency = 1 + output_register
        self.delay = target.family.block_ram_output if output_register else target.family.block_ram
        self.block_rams = 0
        self._rams: dict[str, BlockRam] = {}
        half = 1 << (parameters.beta_frac_bits - 1)
        members: dict[str, object] = {}
        for name, constant, bits, stored in (
            ("gamma", parameters.gamma_is_constant, parameters.gamma_bits, parameters.gamma),
            ("beta", parameters.beta_is_constant, parameters.beta_bits + 1, parameters.beta + half),
        ):
            if constant:
                continue
            layout = data.ArrayLayout(signed(bits), config.lanes)
            self._rams[name] = ram = BlockRam(
                width=layout.size,
                depth=(config.banks - 1 << self.column_bits) + config.max_beats,
                family=target.primitives,
                output_register=output_register,
                init=self._words(stored, bits),
                writable=config.storage == "ram",
            )
            self.block_rams += ram.geometry.blocks
            members |= {f"{name}_address": In(address), name: Out(layout)}
        if config.storage == "ram":
            members |= {
                "i": In(stream.Signature(parameter_layout(config))),
                "hold": Out(1),
                "idle": In(1),
                "rows_inside": In(1),
            }
        super().__init__(members)

    def _words(self, stored: npt.NDArray[np.int64], bits: int) -> Sequence[int]:
        """Memory contents: lane 0 in the low bits; lanes behind ``max_length`` are 0."""
        config = self._config
        padded = np.zeros((config.banks, config.max_beats * config.lanes), np.int64)
        padded[:, : config.max_length] = stored
        # Taken apart into bits, as neither a value nor a word need be whole bytes.
        value_bits = np.unpackbits(element_bytes(padded, 8), axis=-1, count=bits, bitorder="little")
        beat_bits = value_bits.reshape(config.banks, config.max_beats, -1)
        words = [0] * ((config.banks - 1 << self.column_bits) + config.max_beats)
        for bank, beats in enumerate(np.packbits(beat_bits, axis=-1, bitorder="little")):
            start = bank << self.column_bits
            words[start : start + len(beats)] = [int.from_bytes(beat.tobytes(), "little") for beat in beats]
        return words

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, ram in self._rams.items():
            m.submodules[f"{name}_memory"] = ram
            m.d.comb += [ram.read_address.eq(getattr(self, f"{name}_address")), getattr(self, name).eq(ram.read_data)]
        if self._config.storage == "ram":
            self._load(m)
        return m

    def _load(self, m: Module) -> None:
        payload, lanes = self.i.payload, self._config.lanes
        accept = Signal()
        ready = Signal()
        write = Signal()
        waited = Signal(range(SETTLE + 1))
        column = Signal(max(self.column_bits, 1))
        inside = Signal(init=1)
        first = Signal(init=1)
        address = Signal(self.column_bits + bank_width(self._config), reset_less=True)
        m.d.comb += [accept.eq(self.i.valid & ready), self.i.ready.eq(ready)]
        with m.If(ready):
            m.d.sync += waited.eq(0)
            with m.If(accept & payload.last):
                m.d.sync += [ready.eq(0), self.hold.eq(0)]
        with m.Elif(self.i.valid):
            m.d.sync += self.hold.eq(1)
            with m.If(~self.idle | self.rows_inside):
                m.d.sync += waited.eq(0)
            with m.Elif(waited != SETTLE):
                m.d.sync += waited.eq(waited + 1)
            with m.Else():
                m.d.sync += ready.eq(1)
        m.d.sync += write.eq(accept & inside)
        with m.If(accept):
            m.d.sync += [first.eq(payload.last), column.eq(column + 1)]
            with m.If(column == self._config.max_beats - 1):
                m.d.sync += inside.eq(0)
            with m.If(payload.last):
                m.d.sync += [column.eq(0), inside.eq(1)]
        if self._config.banks > 1:
            bank = Signal(bank_width(self._config))
            current = Signal.like(bank)
            m.d.comb += current.eq(bank)
            with m.If(first):
                m.d.comb += current.eq(payload.bank)
            with m.If(accept):
                m.d.sync += bank.eq(current)
            m.d.sync += address.eq(Cat(column[: self.column_bits], current))
        else:
            m.d.sync += address.eq(column)
        half = 1 << (self._parameters.beta_frac_bits - 1)
        for name, ram in self._rams.items():
            field = payload[name]
            stored = Signal(ram.width, reset_less=True, name=f"stored_{name}")
            values = [field[lane] + half if name == "beta" else field[lane] for lane in range(lanes)]
            bits = ram.width // lanes
            m.d.sync += stored.eq(Cat(*(Value.cast(value)[:bits] for value in values)))
            m.d.comb += [ram.write_enable.eq(write), ram.write_address.eq(address), ram.write_data.eq(stored)]
