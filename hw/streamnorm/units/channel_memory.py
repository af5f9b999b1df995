"""Channel memory: a value for each channel, read for beats in which one channel ends and the next one begins."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.logic.primitives.block_ram import BlockRam

__all__ = ["MEMORY_CYCLES", "ChannelMemory"]

MEMORY_CYCLES = 2
"""Cycles besides those of its block RAM: two addresses of one are worked out, and each lane's value is picked."""


class ChannelMemory(wiring.Component):
    """Each value once, those of even channels in one memory and those of odd channels in another.

    So two channels that follow each other are read in the same cycle, and a lane takes the first or the second one.

    Parameters
    ----------
    bits : of a value
    lanes : values read at once
    channels, banks : values of a bank; banks
    family, output_register, writable : as of :class:`BlockRam`
    values : unsigned bit patterns of the values, bank after bank

    Members
    -------
    read_address : In
        Lane 0's channel, above it the lanes that belong to it, from lane 0 on (``lanes`` if all do), above these the
        bank.
    read_data : Out(lanes * bits)
        :attr:`latency` cycles later, from registers. Lanes that belong to a channel that does not exist hold anything.
    write_enable : In(1); write_address : In, channel and above it the bank; write_data : In(bits)
        Only if ``writable``.
    """

    def __init__(
        self,
        *,
        bits: int,
        lanes: int,
        channels: int,
        banks: int,
        family: str,
        output_register: bool,
        values: Sequence[int],
        writable: bool,
    ) -> None:
        self.width, self._lanes = bits, lanes
        self._channel_bits = (channels - 1).bit_length()
        self._remaining_bits = lanes.bit_length()
        self._writable = writable
        pairs = (channels + 1) // 2
        pair_bits = (pairs - 1).bit_length()
        bank_bits = (banks - 1).bit_length()
        self._rams = []
        for odd in (0, 1):
            # All of its words can be read: the next channel of a row's last one is read as any other.
            words = [0] * (banks << pair_bits)
            for bank in range(banks):
                own = values[bank * channels + odd : (bank + 1) * channels : 2]
                words[bank << pair_bits : (bank << pair_bits) + len(own)] = own
            self._rams.append(
                BlockRam(
                    width=bits,
                    depth=len(words),
                    family=family,
                    output_register=output_register,
                    init=words,
                    writable=writable,
                )
            )
        self._pair_bits = pair_bits
        self.blocks = sum(ram.blocks for ram in self._rams)
        self.latency = self._rams[0].latency + MEMORY_CYCLES
        address = self._channel_bits + bank_bits
        members = {"read_address": In(address + self._remaining_bits), "read_data": Out(lanes * bits)}
        if writable:
            members |= {"write_enable": In(1), "write_address": In(address), "write_data": In(bits)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        even, odd = self._rams
        m.submodules.even = even
        m.submodules.odd = odd
        channel = self.read_address[: self._channel_bits]
        remaining = self.read_address[self._channel_bits :][: self._remaining_bits]
        bank = self.read_address[self._channel_bits + self._remaining_bits :]
        for ram, pair in ((even, (channel + 1) >> 1), (odd, channel >> 1)):
            address = Signal.like(
                ram.read_address, reset_less=True, name="even_address" if ram is even else "odd_address"
            )
            m.d.sync += address.eq(Cat(pair[: self._pair_bits], bank))
            m.d.comb += ram.read_address.eq(address)
        # What picks a lane's memory comes as late as the words do.
        told: Value = Cat(channel[0], remaining)
        for stage in range(even.latency):
            later = Signal(len(told), reset_less=True, name=f"told_{stage}")
            m.d.sync += later.eq(told)
            told = later
        takes_odd = Signal(self._lanes, reset_less=True)
        m.d.sync += takes_odd.eq(Cat(told[0] ^ (told[1:] <= lane) for lane in range(self._lanes)))
        data = Signal(self._lanes * self.width, reset_less=True)
        m.d.sync += data.eq(Cat(Mux(takes_odd[lane], odd.read_data, even.read_data) for lane in range(self._lanes)))
        m.d.comb += self.read_data.eq(data)
        if self._writable:
            written = self.write_address[self._channel_bits :]
            for ram, enable in ((even, ~self.write_address[0]), (odd, self.write_address[0])):
                m.d.comb += [
                    ram.write_enable.eq(self.write_enable & enable),
                    ram.write_address.eq(Cat(self.write_address[1 : self._channel_bits], written)),
                    ram.write_data.eq(self.write_data),
                ]
        return m
