"""Engines: programs that simulate the generated unit. All run the same Traffic and return a Trace."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

from streamnorm.errors import ConfigError
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.paths import given_path
from streamnorm.spec.values import instance_of, one_of, require_function
from streamnorm_sim.cells import GateNetlist
from streamnorm_sim.streams.trace import Trace
from streamnorm_sim.streams.traffic import Traffic

from .wave_file import wave_file

__all__ = ["DEFAULT_ENGINE", "ENGINES", "Engine", "run"]


@dataclass(frozen=True)
class Engine:
    """What runs a unit.

    Attributes
    ----------
    about : what it is, and what it needs
    module : here; its ``run(config, traffic, *, waves, progress, **options)`` returns a Trace
    options : what it is told besides
    runs_netlists : whether it takes a ``netlist`` in place of the generated unit
    """

    about: str
    module: str
    options: Mapping[str, str] = field(default_factory=dict)
    runs_netlists: bool = False


ENGINES = {
    "cxxrtl": Engine("compiled C++, millions of cycles a second; needs g++", "cxxrtl", runs_netlists=True),
    "pysim": Engine("Amaranth's simulator; needs nothing else", "pysim"),
    "verilator": Engine(
        "the Verilog on Verilator, driven by cocotb; needs g++, make and perl", "cocotb", {"simulator": "verilator"}
    ),
    "icarus": Engine(
        "the Verilog on Icarus Verilog, driven by cocotb; needs iverilog", "cocotb", {"simulator": "icarus"}
    ),
}
"""Every engine by its name. Modules are imported when they are run: each needs packages of its own."""

DEFAULT_ENGINE = "cxxrtl"


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
        Where a VCD file of every signal is written; what was there stays until the run is over.
    progress : function of a float, optional
        Told now and then the share of the work that is done, 0 to 1.
    netlist : GateNetlist, optional
        Run this in place of the generated unit; on cxxrtl only. It must have been synthesized from the configuration's
        Verilog.

    Raises
    ------
    ConfigError
        If an argument is something else than it has to be, no engine has that name, the engine cannot run a netlist,
        the traffic does not fit the configuration, or the waves cannot be written.
    ToolMissing
        If the engine needs a program that is not installed; the message names the package.
    HangError
        If the unit stops taking and giving beats.
    CheckFailed
        If an output beat is withdrawn or changes while it waits.
    """
    chosen = ENGINES[one_of("engine", engine, ENGINES)]
    checked_config(config)
    instance_of("traffic", traffic, Traffic, "a Traffic")
    require_function("progress", progress, "a share")
    options: dict[str, Any] = dict(chosen.options)
    if netlist is not None:
        instance_of("netlist", netlist, GateNetlist, "a GateNetlist")
        if not chosen.runs_netlists:
            able = ", ".join(name for name, other in ENGINES.items() if other.runs_netlists)
            raise ConfigError(f"engine {engine!r} runs no netlist; {able} does")
        options["netlist"] = netlist
    module = importlib.import_module(f".{chosen.module}", __name__)
    path = None if waves is None else given_path(waves, "a VCD file", "waves")
    with wave_file(path) as file:
        return module.run(config, traffic, waves=file, progress=progress, **options)
