"""What of a shift goes in front of multiplier tiles, on each family."""

import pytest
from amaranth.hdl import Module, Signal, unsigned

from streamnorm.logic.floating.fine_shift import fine_bits, shifted_finely
from streamnorm.logic.pipeline import Pipeline
from streamnorm.spec.targets import Target

CASES = [("ecp5-85k-6", 8, 3), ("ecp5-85k-6", 17, 1), ("ecp5-85k-6", 18, 0), ("ecp5-85k-6", 24, 3)]
CASES += [("ice40-up5k", 8, 3), ("ice40-up5k", 11, 2), ("ice40-hx8k", 8, 0)]


@pytest.mark.parametrize(("target", "width", "fine"), CASES)
def test_only_what_takes_no_more_tiles(target, width, fine):
    p = Pipeline(Module(), Target(target, 50.0), "test")
    a, b, down = (p.input(Signal(bits)) for bits in (25, width, 5))
    assert fine_bits(p, a.width, b.width, down) == fine
    assert fine_bits(p, a.width, b.width, p.constant(3, unsigned(5))) == 0
    p.multiply(a, b)
    before = p.multipliers
    p.multiply(a, shifted_finely(p, b, down, fine))
    assert p.multipliers == 2 * before
