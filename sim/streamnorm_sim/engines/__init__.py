"""Engines: programs that simulate the generated unit. All run the same Traffic and return a Trace."""

import importlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig
from streamnorm_sim.cells import GateNetlist
from streamnorm_sim.streams.trace import Trace
from streamnorm_sim.streams.traffic import Traffic

__all__ = ["DEFAULT_ENGINE", "ENGINES", "run"]

ENGINES = {
    "cxxrtl": "compiled C++, millions of cycles a second; needs g++",
    "pysim": "Amaranth's simulator; needs nothing else",
    "verilator": "the Verilog on Verilator, driven by cocotb; needs g++, make and perl",
    "icarus": "the Verilog on Icarus Verilog, driven by cocotb; needs iverilog",
}
"""Name of every engine, and what it is."""

DEFAULT_ENGINE = "cxxrtl"

_MODULES = {"cxxrtl": "cxxrtl", "pysim": "pysim", "verilator": "cocotb", "icarus": "cocotb"}


def run(
    config: NormConfig,
    traffic: Traffic,
    engine: str = DEFAULT_ENGINE,
    waves: str | PathLike[str] | None = None,
    progress: Callable[[float], None] | None = None,
    netlist: GateNetlist | None = None,
) -> Trace:
    """Run a traffic through the generated unit.

    Parameters
    ----------
    config : NormConfig
    traffic : Traffic
    engine : str
        One of `ENGINES`.
    waves : path, optional
        Where a VCD file of every signal is written.
    progress : function of a float, optional
        Told now and then the share of the work that is done, 0 to 1.
    netlist : GateNetlist, optional
        Run this in place of the generated unit; on cxxrtl only. It must have been synthesized from the configuration's
        Verilog.

    Raises
    ------
    ConfigError
        If no engine has that name, or the engine cannot run a netlist.
    ToolMissing
        If the engine needs a program that is not installed; the message names the package.
    HangError
        If the unit stops taking and giving beats.
    CheckFailed
        If an output beat is withdrawn or changes while it waits.
    ValueError
        If the traffic does not fit the configuration.
    """
    if engine not in ENGINES:
        raise ConfigError(f"engine {engine!r}: must be one of {', '.join(ENGINES)}")
    if netlist is not None and engine != "cxxrtl":
        raise ConfigError(f"engine {engine!r} runs no netlist; cxxrtl does")
    module = importlib.import_module(f".{_MODULES[engine]}", __name__)
    path = None if waves is None else Path(waves)
    more = {} if netlist is None else {"netlist": netlist}
    if _MODULES[engine] == "cocotb":
        more = {"simulator": engine}
    return module.run(config, traffic, waves=path, progress=progress, **more)
