"""A root alone: the integers of its model after as many cycles as it says, and Verilog that holds all it needs."""

import re

import numpy as np
import pytest

from hw.simulation import trace
from streamnorm.spec.roots import ROOTS
from streamnorm.spec.targets import Target
from streamnorm.units.root_alone import RootAlone
from streamnorm.verilog.root_alone import ROOT_MODULE, root_verilog

ECP5, ICE40 = Target("ecp5-25k-6", 150.0), Target("ice40-hx8k", 60.0)


@pytest.mark.parametrize(("target", "interval"), [(ECP5, 1), (ECP5, 9), (ICE40, 40)], ids=str)
@pytest.mark.parametrize("method", ["table", "goldschmidt", "binary-search"])
def test_rho_is_there_when_it_says(method, target, interval):
    root = ROOTS[method].smallest(14)
    alone = RootAlone(root, target, interval)
    rng = np.random.default_rng(5)
    mantissa, odd = rng.integers(0, 1 << root.mantissa_bits, 6), rng.integers(0, 2, 6)
    given = mantissa.astype(object) if root.widest > 63 else mantissa
    want = root.evaluate(given, odd).tolist()
    starts = [{"start": 1}] + [{"start": 0}] * (interval - 1) if interval > 1 else [{}]
    inputs = []
    for u, o in zip(mantissa.tolist(), odd.tolist(), strict=True):
        # A mantissa is there with its start, and not for longer.
        inputs += [{"mantissa": u, "odd": o, **starts[0]}]
        inputs += [{"mantissa": 0, "odd": 0, **start} for start in starts[1:]]
    inputs += [starts[-1]] * (alone.cycles + 1)
    seen = trace(alone, inputs, ["rho"])
    assert [seen[place * interval + alone.cycles]["rho"] for place in range(len(want))] == want


@pytest.mark.parametrize(("target", "interval", "cell"), [(ECP5, 1, "streamnorm_ecp5_multiplier"), (ICE40, 40, None)])
def test_its_verilog_is_whole(target, interval, cell):
    alone = RootAlone(ROOTS["table"].smallest(14), target, interval)
    text = root_verilog(alone, target.primitives)
    modules = set(re.findall(r"^module (\w+)", text, re.MULTILINE))
    assert ROOT_MODULE in modules
    head = re.search(rf"module {ROOT_MODULE}\((.*?)\);", text, re.DOTALL)[1]
    ports = {port.strip() for port in head.split(",")}
    assert {"clk", "mantissa", "odd", "rho"} <= ports <= {"clk", "rst", "start", "mantissa", "odd", "rho"}
    assert ("start" in ports) == (interval > 1)
    if cell is not None:
        assert cell in modules
    assert text.startswith("module ")
    assert text == root_verilog(RootAlone(ROOTS["table"].smallest(14), target, interval), target.primitives)
