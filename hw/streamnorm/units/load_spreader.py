"""Load spreader: values that several elements share, one after the other, become words of a value for each lane."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.spec.config import NormConfig

__all__ = ["LoadSpreader"]


class LoadSpreader(wiring.Component):
    """Takes a value and puts it in ``parameter_repeat`` lanes, a lane a cycle, from word to word.

    What is left of a load's last word is filled up with the last value. For loads, which may take their time.

    Members
    -------
    take : In(1); value : In(bits), last : In(1), it is the load's last one
        Not while :attr:`busy`.
    busy : Out(1), from the cycle after ``take`` until the last of the value's lanes is filled
    closing : Out(1), the last cycle in which it is busy; with it ends : Out(1), the load is done
    valid : Out(1); word : Out(lanes * bits), lane 0 in the low bits; final : Out(1), it is the load's last word
    """

    def __init__(self, config: NormConfig, *, bits: int) -> None:
        self._repeat, self._lanes, self._bits = config.parameter_repeat, config.lanes, bits
        assert 1 < self._repeat < self._lanes
        super().__init__(
            {
                "take": In(1),
                "value": In(bits),
                "last": In(1),
                "busy": Out(1),
                "closing": Out(1),
                "ends": Out(1),
                "valid": Out(1),
                "word": Out(self._lanes * bits),
                "final": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        value = Signal(self._bits, reset_less=True)
        left = Signal(range(self._repeat), reset_less=True)
        lane = Signal(range(self._lanes))
        full: Value = lane == self._lanes - 1
        m.d.comb += self.closing.eq(self.busy & (left == 0) & (full | ~self.ends))
        m.d.sync += [self.valid.eq(self.busy & full), self.final.eq(self.closing & self.ends)]
        with m.If(self.take):
            m.d.sync += [self.busy.eq(1), value.eq(self.value), self.ends.eq(self.last), left.eq(self._repeat - 1)]
        with m.Elif(self.busy):
            m.d.sync += [
                self.word.eq(Cat(self.word[self._bits :], value)),
                lane.eq(Mux(full, 0, lane + 1)),
                left.eq(Mux(left == 0, 0, left - 1)),
                self.busy.eq(~self.closing),
            ]
        return m
