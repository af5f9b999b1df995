"""The drawn units of docs/fit.md: placed as today's generator makes them, and as fast as they were asked to be."""

import pytest

import placed_units
from placed_units import UNITS, drawn_unit, stored
from promises import GATE_SEEDS
from streamnorm.spec.targets import TARGETS
from streamnorm.verilog.emit import body_hash, verilog

IN_SHORT = (2, 8, 14, 20)
"""Those that are generated again every time; the others only in the slow suite."""


@pytest.mark.parametrize(
    "index", [index if index in IN_SHORT else pytest.param(index, marks=pytest.mark.slow) for index in UNITS]
)
def test_what_was_placed_is_todays_unit(index):
    assert stored()[str(index)]["verilog_sha256"] == body_hash(verilog(drawn_unit(index))), placed_units.__doc__


@pytest.mark.parametrize("index", UNITS)
def test_a_unit_reaches_the_clock_it_was_planned_for(index):
    entry = stored()[str(index)]
    worst = min(entry["fmax_mhz"][str(seed)] for seed in GATE_SEEDS)
    assert worst >= entry["clock_mhz"]


def test_the_units_are_of_many_kinds():
    entries = [stored()[str(index)] for index in UNITS]
    assert {entry["norm"] for entry in entries} == {"layernorm", "rmsnorm"}
    assert {entry["storage"] for entry in entries} == {"rom", "ram"}
    assert {entry["target"].rpartition("-")[0] for entry in entries} >= {"ecp5-12k", "ecp5-85k", "ice40"}
    assert min(entry["lanes"] for entry in entries) == 1
    assert max(entry["lanes"] for entry in entries) >= 24
    shares = [
        entry["clock_mhz"] / limit for entry in entries if (limit := TARGETS[entry["target"]].block_ram_limit_mhz)
    ]
    assert min(shares) < 0.2
    assert max(shares) > 0.85
