"""The pivot alone: the first element of a row, or the zero point, whatever else is offered."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.simulation import signed as as_signed
from hw.simulation import trace
from hw.units.units import unit
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.norms import NORMS
from streamnorm.units.pivot import Pivot

LANES = 3


class Bench(wiring.Component):
    """Beats behind a register, as they are in ingest, and their differences."""

    def __init__(self, config) -> None:
        self.config = config
        shape = signed(config.input.bits) if config.input.signed else config.input.bits
        lanes = data.ArrayLayout(shape, LANES)
        super().__init__(
            {
                "begins": In(1),
                "elements": In(lanes),
                "kept": In(LANES),
                **{f"d{lane}": Out(signed(config.input.bits + 1)) for lane in range(LANES)},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pivot = Pivot(m, self.config, self.begins, self.elements)
        x, keep = Signal.like(self.elements), Signal(LANES)
        m.d.sync += [x.eq(self.elements), keep.eq(self.kept)]
        for lane in range(LANES):
            m.d.comb += getattr(self, f"d{lane}").eq(pivot.difference(x[lane], keep[lane]))
        return m


@pytest.mark.parametrize("number_format", [IntFormat(6, zero_point=-7), IntFormat(8, signed=False, zero_point=200)])
@pytest.mark.parametrize("norm", NORMS)
def test_differences_are_to_the_first_element_or_the_zero_point(norm, number_format):
    own = {"epsilon": 1e-5} if "epsilon" in NORMS[norm].keys else {"epsilon": None}
    own |= {key: 1.0 for key in ("deviation", "alpha") if key in NORMS[norm].keys}
    config = unit(norm=norm, **own, lanes=LANES, input=number_format)
    rng = np.random.default_rng(5)
    elements = rng.integers(number_format.min, number_format.max, (200, LANES), endpoint=True).tolist()
    # Between rows `begins` stays high while something else is offered; the last beat offered then is the row's first.
    begins = (rng.random(200) < 0.4).tolist()
    kept = rng.integers(1 << LANES, size=200).tolist()
    inputs = [
        {"begins": int(begin), "elements": beat, "kept": keep}
        for begin, beat, keep in zip(begins, elements, kept, strict=True)
    ]
    seen = trace(Bench(config), inputs, [f"d{lane}" for lane in range(LANES)])
    pivot = 0
    checked = 0
    for cycle, (begin, beat, keep) in enumerate(zip(begins, elements, kept, strict=True)):
        if begin:
            pivot, checked = beat[0], checked + 1
        if cycle + 1 == len(seen) or not checked:
            continue
        want = pivot if NORMS[norm].centred else number_format.zero_point
        for lane in range(LANES):
            got = as_signed(seen[cycle + 1][f"d{lane}"], number_format.bits + 1)
            assert got == (beat[lane] - want if keep >> lane & 1 else 0), f"cycle {cycle} lane {lane}"
    assert checked > 50
