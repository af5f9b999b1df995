"""The placed units of docs/around.md: of today's Verilog, and what is told of them."""

import pytest

import fused_units
from streamnorm.plan import Plan
from streamnorm.verilog.emit import body_hash, verilog

RECORDED = [config.name for config, _ in fused_units.recorded()]


@pytest.mark.parametrize("name", RECORDED)
def test_what_was_placed_is_todays_unit(name: str) -> None:
    placed = fused_units.stored()[name]["verilog_sha256"]
    assert placed == body_hash(verilog(fused_units.units()[name])), fused_units.__doc__


def test_nothing_else_is_kept() -> None:
    assert set(fused_units.stored()) <= set(fused_units.units())


def test_a_residual_costs_four_cycles_at_most() -> None:
    units = fused_units.units()
    alone, fused = (Plan.of(units[name]).latency(768) for name in ("layernorm", "residual_int8"))
    assert alone.SS == fused.SS == 96
    assert alone.L1 < fused.L1 <= alone.L1 + 4


def test_the_table_has_every_example_and_the_octets_of_every_stream() -> None:
    assert {path.stem for path in fused_units.EXAMPLES.glob("*.toml")} <= set(fused_units.units())
    lines = [line.strip("| ").split(" | ") for line in fused_units.parts()["fused"].splitlines() if line]
    octets = {line[0]: line[5:8] for line in lines if len(line) == 12}
    assert octets["nothing"] == ["768, 768", "–", "–"]
    assert octets["a residual"] == ["1536, 768", "2304, 1536", "96"]
    assert octets["a residual, and the sum out"] == ["1536, 1536", "2304, 1536", "96"]
    assert octets["a scale of each row"] == ["1536, 772", "3072, 2308", "192"]
