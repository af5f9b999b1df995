"""How gamma and beta lie in the words of a memory, and which word a beat of a row reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Module, Signal, Value

from streamnorm.logic.primitives.block_ram import BlockRam
from streamnorm.precision.stored_words import stored_words
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats.element_bytes import element_bytes
from streamnorm.spec.parameter_lane import parameter_lane
from streamnorm.spec.parameters import StoredParameters

from .channel_counter import LATENCY, ChannelCounter
from .channel_memory import MEMORY_CYCLES, ChannelMemory

__all__ = ["IssuedBeat", "ParameterWords", "parameter_words", "written_values"]


class IssuedBeat(Protocol):
    """Who sends beats on their way, as far as it tells what gamma and beta a beat takes."""

    issue: Signal
    first: Signal
    column: Signal


class ParameterWords(ABC):
    """The words of one memory, for gamma or for beta.

    Attributes
    ----------
    count, column_bits : words of a bank that are written, and bits of their number
    lanes : values in such a word
    place_bits : bits of what says where a beat reads; in an address the bank stands above it
    place_cycle : cycles from a beat's issue to its place
    memory_cycles : cycles that the memory takes besides those of its block RAM; the last one is a register
    """

    count: int
    lanes: int
    place_cycle: int = 0
    memory_cycles: int = 0

    def __init__(self, config: NormConfig) -> None:
        self._config = config

    @property
    def column_bits(self) -> int:
        return (self.count - 1).bit_length()

    @property
    def place_bits(self) -> int:
        return self.column_bits

    @abstractmethod
    def place(self, m: Module, issue: IssuedBeat) -> Value:
        """Where the beat reads that was issued :attr:`place_cycle` cycles ago."""

    @abstractmethod
    def beats_of(self, stored: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Values of each bank's words, (banks, count, lanes), of stored ones, (banks, bank_values)."""

    def memory(self, stored: npt.NDArray[np.int64], bits: int, output_register: bool) -> Any:
        """A memory of these contents, with the members of a :class:`BlockRam`; it gives a word, or all lanes."""
        config = self._config
        contents = _bit_patterns(self.beats_of(stored), bits)
        words = [0] * ((config.banks - 1 << self.column_bits) + self.count)
        for bank in range(config.banks):
            start = bank << self.column_bits
            words[start : start + self.count] = contents[bank * self.count : (bank + 1) * self.count]
        return BlockRam(
            width=self.lanes * bits,
            depth=len(words),
            family=config.device.primitives,
            output_register=output_register,
            init=words,
            writable=config.parameters_are_loaded,
        )


class BeatWords(ParameterWords):
    """A word for each beat, a value for each lane; lanes behind ``max_length`` are 0."""

    def __init__(self, config: NormConfig) -> None:
        super().__init__(config)
        self.count, self.lanes = config.max_beats, config.lanes

    def place(self, m: Module, issue: IssuedBeat) -> Value:
        return issue.column[: self.column_bits]

    def beats_of(self, stored: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        config = self._config
        padded = np.zeros((config.banks, self.count * self.lanes), np.int64)
        expanded = np.repeat(stored, config.parameter_repeat, axis=1) if config.parameter_repeat > 1 else stored
        padded[:, : config.max_length] = expanded[:, : config.max_length]
        return padded.reshape(config.banks, self.count, self.lanes)


class ChannelWords(ParameterWords):
    """A word for each channel, which all lanes share: channels are whole beats, or there is one."""

    def __init__(self, config: NormConfig) -> None:
        super().__init__(config)
        self.count, self.lanes = config.bank_values, 1
        beats = config.parameter_repeat // config.lanes
        # A power of two needs no counter, nor does one channel.
        self._shift = beats.bit_length() - 1 if self.count == 1 or beats & (beats - 1) == 0 else None
        self.place_cycle = LATENCY if self._shift is None else 0

    def place(self, m: Module, issue: IssuedBeat) -> Value:
        if self._shift is None:
            return _counted(m, self._config, issue).channel
        return issue.column[self._shift :][: self.column_bits]

    def beats_of(self, stored: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return stored[:, :, None]


class SplitChannelWords(ParameterWords):
    """A value for each channel, in a :class:`ChannelMemory`: channels end within beats, one in a beat at most."""

    def __init__(self, config: NormConfig) -> None:
        super().__init__(config)
        self.count, self.lanes = config.bank_values, 1
        self.place_cycle, self.memory_cycles = LATENCY, MEMORY_CYCLES

    @property
    def place_bits(self) -> int:
        return self.column_bits + self._config.lanes.bit_length()

    def place(self, m: Module, issue: IssuedBeat) -> Value:
        counter = _counted(m, self._config, issue)
        return Cat(counter.channel, counter.remaining)

    def beats_of(self, stored: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return stored[:, :, None]

    def memory(self, stored: npt.NDArray[np.int64], bits: int, output_register: bool) -> Any:
        config = self._config
        return ChannelMemory(
            bits=bits,
            lanes=config.lanes,
            channels=self.count,
            banks=config.banks,
            family=config.device.primitives,
            output_register=output_register,
            values=_bit_patterns(self.beats_of(stored), bits),
            writable=config.parameters_are_loaded,
        )


def parameter_words(config: NormConfig) -> ParameterWords:
    """The words that take the fewest bits."""
    if config.parameter_repeat == 1 or (config.bank_values > 1 and config.parameter_repeat < config.lanes):
        return BeatWords(config)
    if config.bank_values == 1 or config.parameter_repeat % config.lanes == 0:
        return ChannelWords(config)
    return SplitChannelWords(config)


def written_values(config: NormConfig, payload: Any) -> dict[str, list[Value]]:
    """What is written of a beat of the parameter stream, value by value, of each part of its lanes."""
    values: dict[str, list[Value]] = {}
    for part in parameter_lane(config):
        of, field = part.config, payload[part.name]
        half = 0
        if part.key == "beta" and not of.output.is_float:
            half = 1 << (StoredParameters.of(of).beta_frac_bits - 1)
        each = [field[lane] + half if half else field[lane] for lane in range(config.load_lanes)]
        values[part.name] = [Value.cast(value)[: stored_words(of)[part.key].bits] for value in each]
    return values


def _counted(m: Module, config: NormConfig, issue: IssuedBeat) -> ChannelCounter:
    m.submodules.channel_counter = counter = ChannelCounter(config)
    m.d.comb += [counter.issue.eq(issue.issue), counter.first.eq(issue.first)]
    return counter


def _bit_patterns(values: npt.NDArray[np.int64], bits: int) -> Sequence[int]:
    """Words of (banks, words, lanes) values, bank after bank, lane 0 in the low bits."""
    # Taken apart into bits, as neither a value nor a word need be whole bytes.
    value_bits = np.unpackbits(
        element_bytes(values.reshape(len(values), -1), 8), axis=-1, count=bits, bitorder="little"
    )
    words = np.packbits(value_bits.reshape(-1, values.shape[-1] * bits), axis=-1, bitorder="little")
    return [int.from_bytes(word.tobytes(), "little") for word in words]
