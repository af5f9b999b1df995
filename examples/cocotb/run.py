"""Compiles the unit and runs its bench: python run.py icarus, or verilator."""

import sys
from pathlib import Path

from cocotb_tools.check_results import get_results

from streamnorm_sim.cocotb import get_runner

simulator = sys.argv[1] if len(sys.argv) > 1 else "icarus"
here = Path(__file__).parent
waivers = [here / "rtl/norm.vlt"] if simulator == "verilator" else []
runner = get_runner(simulator)
runner.build(
    sources=[*waivers, here / "rtl/norm.v"],
    hdl_toplevel="norm",
    build_dir=f"sim_build/{simulator}",
    timescale=("1ns", "1ps"),
)
tests, failures = get_results(runner.test(test_module="test_norm", hdl_toplevel="norm", test_dir=here))
sys.exit(failures > 0 or tests == 0)
