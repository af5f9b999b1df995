"""Channel counter: which channel a beat of a row begins in, and where in the beat the next one begins."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.spec.config import NormConfig

__all__ = ["ChannelCounter"]

LATENCY = 1
"""Cycles from a beat's issue to its channel."""


class ChannelCounter(wiring.Component):
    """Counts channels of ``parameter_repeat`` elements as the beats of a row are issued.

    Latency 1: the outputs tell of the beat that was issued last. A channel has at least as many elements as a beat has
    lanes, so that a beat has elements of two channels at most.

    Members
    -------
    issue, first : In(1); a beat is issued, it is the first one of its row (in its scan)
    channel : Out(range(bank_values)), that of lane 0
    remaining : Out(range(lanes + 1)), elements of that channel in the beat; only where channels end within beats
    """

    def __init__(self, config: NormConfig) -> None:
        self._repeat, self._lanes = config.parameter_repeat, config.lanes
        assert self._repeat >= self._lanes
        self._splits = self._repeat % self._lanes > 0
        members = {"issue": In(1), "first": In(1), "channel": Out(range(config.bank_values))}
        super().__init__(members | ({"remaining": Out(range(self._lanes + 1))} if self._splits else {}))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        repeat, lanes = self._repeat, self._lanes
        channel = Signal.like(self.channel, reset_less=True)
        # Elements of the channel from this beat's lane 0 on, and whether they end with this beat or in it.
        rest = Signal(range(repeat + 1), reset_less=True)
        ends = Signal(reset_less=True)
        m.d.comb += self.channel.eq(channel)
        with m.If(self.issue):
            m.d.sync += [
                channel.eq(Mux(self.first, 0, channel + ends)),
                rest.eq(Mux(self.first, repeat, rest - lanes + Mux(ends, repeat, 0))),
                # Known beforehand, so that the next beat waits for no comparison.
                ends.eq(Mux(self.first, repeat == lanes, Mux(ends, rest <= 2 * lanes - repeat, rest <= 2 * lanes))),
            ]
        if self._splits:
            m.d.comb += self.remaining.eq(Mux(ends, rest, lanes))
        return m
