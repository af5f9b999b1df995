"""Where a row's statistic is complete: once in each row, with the beat promised."""

import random

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.simulation import trace
from streamnorm.units.statistic_end import statistic_end


class End(wiring.Component):
    take: In(1)
    ends: In(1)
    complete: Out(1)

    def __init__(self, beats: int) -> None:
        self._beats = beats
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        taken = Signal()
        m.d.sync += taken.eq(self.take)
        m.d.comb += self.complete.eq(taken & statistic_end(m, self.take, self.ends, beats=self._beats))
        return m


@pytest.mark.parametrize("beats", [1, 2, 3, 7, 8])
def test_once_a_row(beats):
    generator = random.Random(seed := 20 + beats)
    inputs, expected = [], []
    for _ in range(120):
        length = generator.choice([1, beats - 1, beats, beats + 1, 2 * beats, generator.randint(1, 40)]) or 1
        for place in range(1, length + 1):
            while generator.random() < 0.2:
                inputs.append({"take": 0, "ends": generator.getrandbits(1)})
                expected.append(0)
            inputs.append({"take": 1, "ends": int(place == length)})
            expected.append(int(place == min(length, beats)))
    seen = trace(End(beats), [*inputs, {"take": 0}], ["complete"])
    assert [values["complete"] for values in seen[1:]][: len(expected)] == expected, f"seed {seed}"
