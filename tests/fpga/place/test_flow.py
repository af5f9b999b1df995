"""Real runs of yosys and nextpnr on small designs."""

import re
from dataclasses import dataclass

import pytest

from streamnorm.errors import CheckFailed, ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm_fpga import fit, fit_verilog
from streamnorm_fpga.place import flow

MEMORY = """
module memory (input clk, input we, input [13:0] wa, input [31:0] wd, input [13:0] ra, output reg [31:0] rd);
    reg [31:0] words [0:16383];
    always @(posedge clk) begin
        if (we) words[wa] <= wd;
        rd <= words[ra];
    end
endmodule
"""


@pytest.mark.parametrize(("target", "slowest"), [("ecp5-12k-6", 150), ("ice40-hx1k", 100), ("ice40-up5k", 40)])
def test_small_design(small_verilog, target, slowest):
    seen = []
    report = fit_verilog(small_verilog, "small", target, 50.0, (2, 1), progress=seen.append)
    assert seen[0] is None
    assert {placed.seed for placed in seen[1:]} == {1, 2}
    assert [placed.seed for placed in report.placed] == [2, 1]
    assert all(slowest < placed.fmax_mhz < 600 for placed in report.placed)
    assert report.unit.ff == 32  # two registers of 16 bits: those of the harness are not counted
    assert 16 < report.unit.comb < 80
    assert (report.unit.dsp, report.unit.bram, report.limit_mhz) == (0, 0, None)
    assert "moments" in report.critical_path.blocks
    assert set(report.by_block) == {"moments", "apply"}
    assert sum(used.ff for used in report.by_block.values()) == 32


def test_the_same_seed_gives_the_same_result(small_verilog):
    first, again = (fit_verilog(small_verilog, "small", "ecp5-12k-6", 50.0, (5,)) for _ in range(2))
    assert first == again


def test_logic_cells_of_ice40_are_those_of_the_unit_alone(small_verilog):
    unit = fit_verilog(small_verilog, "small", "ice40-hx1k", 50.0, (1,)).unit
    assert unit.logic_cells is not None
    assert max(unit.comb, unit.ff) <= unit.logic_cells <= unit.comb + unit.ff


def test_block_rams_bring_their_limit():
    report = fit_verilog(MEMORY, "memory", "ecp5-25k-8", 50.0, (1,))
    assert report.unit.bram == 32
    assert report.limit_mhz == 271


def test_too_large_for_the_part():
    message = "memory does not fit iCE40HX1K: 128 block RAMs needed, 16 available"
    with pytest.raises(CheckFailed, match=re.escape(message)):
        fit_verilog(MEMORY, "memory", "ice40-hx1k", 50.0, (1,))


@pytest.mark.parametrize("architecture", ["one-pass", "two-pass"])
def test_a_unit_is_fitted_in_its_architecture(monkeypatch, architecture):
    @dataclass
    class Report:
        text: str
        architecture: str = "not told"

    monkeypatch.setattr(flow, "fit_verilog", lambda text, *args, **options: Report(text))
    small = {"input": IntFormat(4, scale=0.5), "output": IntFormat(4, scale=0.5)}
    unit = NormConfig(norm="layernorm", lanes=1, max_length=16, epsilon=1e-5, target="ecp5-12k-6", **small)
    report = fit(unit.replace(architecture=architecture))
    assert report.architecture == architecture
    assert ("// Architecture: two-pass" in report.text) == (architecture == "two-pass")


@pytest.mark.parametrize("seed", [-1, 1 << 64, 1.5, True])
def test_seeds_that_nextpnr_does_not_take_are_refused_before_any_work(seed):
    message = f"^seed = {seed}: must be an integer from 0 to 18446744073709551615$"
    with pytest.raises(ConfigError, match=message):
        fit_verilog("nonsense", "unit", "ecp5-12k-6", 50.0, (1, seed))
    with pytest.raises(ConfigError, match=message):
        fit(NormConfig(norm="layernorm", lanes=1, max_length=16, epsilon=1e-5, target="ecp5-12k-6",
                       input=IntFormat(4), output=IntFormat(4)), (seed,))  # fmt: skip


def test_generic_is_refused_before_any_work():
    with pytest.raises(ConfigError, match="target 'generic' cannot be placed and routed"):
        fit_verilog("nonsense", "unit", "generic", 50.0)
