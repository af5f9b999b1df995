"""Builds and starts a simulator through cocotb's runner, in a process of its own.

The runner reads and changes the environment and ends the process when a test fails; the engine that starts
this program wants neither in its own. ``python -m streamnorm_sim.benches.launch JOB`` with ``JOB`` a JSON
object:

- ``{"action": "build", "simulator", "toplevel", "source", "directory", "waves"}`` compiles ``source``; with
  ``"runtime"``,
  a directory, it takes Verilator's own object files from there;
- ``{"action": "runtime", …}`` with the same keys compiles Verilator's own object files into ``directory``;
- ``{"action": "test", "simulator", "toplevel", "build", "directory", "waves"}`` runs `axi_bench` in
  ``directory``.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from cocotb_tools.check_results import get_results

from streamnorm_sim.cocotb.runner import get_runner

_VERILATOR_ARGUMENTS = ("-Wno-fatal", "-Wno-lint")  # the Verilog is a program's, its style is not of interest
_ICARUS_DUMP = """\
module streamnorm_waves;
    initial begin
        $dumpfile("waves.vcd");
        $dumpvars(0, {toplevel});
    end
endmodule
"""


def build(job: dict[str, Any]) -> None:
    """Compile into ``directory``, keeping only what a run needs."""
    directory = Path(job["directory"])
    sources, arguments = [job["source"]], []
    if job["simulator"] == "verilator":
        arguments += _VERILATOR_ARGUMENTS
    elif job["waves"]:
        # The runner itself can only make Icarus write FST.
        dump = directory / "waves.v"
        dump.write_text(_ICARUS_DUMP.format(toplevel=job["toplevel"]), encoding="utf-8")
        sources.append(dump)
        arguments += ["-s", "streamnorm_waves"]
    objects = directory / "objects"
    objects.mkdir()
    later = time.time() + 3600
    for file in Path(job["runtime"]).glob("*.o") if "runtime" in job else ():
        copy = Path(shutil.copy(file, objects))
        # Newer than the makefile that Verilator is about to write, so that make finds nothing to do.
        os.utime(copy, (later, later))
    # Meant for what CXXRTL compiles. Here an -O in it would come after Verilator's own options: a large unit's table of
    # names would take g++ minutes.
    os.environ.pop("CXXFLAGS", None)
    get_runner(job["simulator"]).build(
        sources=sources,
        hdl_toplevel=job["toplevel"],
        build_args=arguments,
        build_dir=objects,
        timescale=("1ns", "1ps"),
        waves=job["waves"] and job["simulator"] == "verilator",
    )
    product = job["toplevel"] if job["simulator"] == "verilator" else "sim.vvp"
    kept = list(objects.glob("verilated*.o")) if job["action"] == "runtime" else [objects / product]
    for file in kept:
        file.rename(directory / file.name)
    shutil.rmtree(objects)


def test(job: dict[str, Any]) -> int:
    """Run the bench and return the number of failed tests, 1 if there was none."""
    verilator = job["simulator"] == "verilator"
    if job["waves"] and not verilator:
        os.environ["SIM_CMD_SUFFIX"] = "-vcd"  # after the runner's own "-none"
    results = get_runner(job["simulator"]).test(
        test_module="streamnorm_sim.benches.axi_bench",
        hdl_toplevel=job["toplevel"],
        hdl_toplevel_lang="verilog",
        build_dir=job["build"],
        test_dir=job["directory"],
        waves=job["waves"] and verilator,
        extra_env={"COCOTB_LOG_LEVEL": "WARNING"},
    )
    tests, failures = get_results(results)
    if job["waves"] and verilator:
        (Path(job["directory"]) / "dump.vcd").rename(Path(job["directory"]) / "waves.vcd")
    return failures if tests else 1


def main() -> None:
    """Do the job that the command line describes."""
    job = json.loads(sys.argv[1])
    if job["action"] != "test":
        build(job)
    elif test(job):
        sys.exit(1)


if __name__ == "__main__":
    main()
