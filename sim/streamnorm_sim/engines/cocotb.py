"""The emitted Verilog on Verilator or Icarus Verilog, driven by cocotb and its AXI4-Stream bus models."""

import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from streamnorm.errors import CheckFailed, ConfigError, StreamnormError
from streamnorm.spec.config import NormConfig
from streamnorm.verilog.emit import verilog
from streamnorm_sim.cocotb.runner import MAKE_VARIABLES, Simulator, check_installed
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.stimulus import DRAIN_CYCLES, Channel, HangError, Stimulus, StreamViolation
from streamnorm_sim.streams.trace import SideOutput, Trace
from streamnorm_sim.streams.traffic import Traffic
from streamnorm_sim.toolchain.cache import build_once, cache_directory
from streamnorm_sim.toolchain.table import GXX, PROGRAMS

from .wave_file import WavesLost

_POLL_SECONDS = 0.1


def run(
    config: NormConfig,
    traffic: Traffic,
    *,
    simulator: Simulator,
    waves: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Trace:
    """Run a traffic through the unit; see `streamnorm_sim.engines.run`.

    The bus models have their own idea of when a stalled source offers its next beat, so cycle numbers differ
    from those of the other engines; latencies without stalls do not.

    Raises
    ------
    ConfigError
        Besides what every engine raises: if raw beats end without ``tlast``, which the bus models cannot
        send.
    """
    stimulus = Stimulus.of(config, traffic)
    driven = [stimulus.rows, *stimulus.sides.values()]
    if any(len(channel) and not channel.beats.last[-1] for channel in driven):
        raise ConfigError(f"{simulator}: the last raw beat must have tlast")
    build = _build(config, simulator, waves is not None, cache_directory())
    with tempfile.TemporaryDirectory(prefix="streamnorm-") as temporary:
        directory = Path(temporary)
        save_stimulus(stimulus, traffic, directory / "stimulus.npz")
        job = {"action": "test", "simulator": simulator, "toplevel": config.name, "waves": waves is not None}
        try:
            _launch({**job, "build": str(build), "directory": temporary}, directory, progress)
        finally:
            if waves is not None:
                _keep(directory / "waves.vcd", waves)
        with np.load(directory / "result.npz") as file:
            result = dict(file)
    accepted, given, wanted, cycle = (int(value) for value in result["progress"])
    failing = str(result["failing"])
    port = "m_axis" if failing == "results" else f"m_axis_{failing}"
    if result["unknown"]:
        raise CheckFailed(f"{port} has unknown bits (X): output beat {given}, cycle {cycle}")
    if result["violated"]:
        raise StreamViolation.at(cycle, given=given, port=port)
    if result["hung"]:
        raise HangError.at(cycle, taken=accepted, offered=len(stimulus.rows), given=given, wanted=wanted)
    sides = {
        side.name: SideOutput(_beats(result, side.name), result[f"{side.name}_cycles"]) for side in config.side_outputs
    }
    return Trace.of(
        config,
        traffic,
        simulator,
        outputs=_beats(result, "results"),
        input_cycles=result["row_cycles"],
        load_cycles=result["load_cycles"],
        output_cycles=result["results_cycles"],
        seconds=float(result["seconds"]),
        sides=sides,
    )


def _beats(result: dict[str, Any], key: str) -> Beats:
    """What has come out on a stream."""
    data = result[f"{key}_data"]
    keep = np.unpackbits(result[f"{key}_keep"], axis=1, count=data.shape[1], bitorder="little").view(np.bool_)
    return Beats(data, keep, result[f"{key}_last"], result[f"{key}_user"])


@lru_cache(maxsize=64)
def _build(config: NormConfig, simulator: Simulator, waves: bool, cache: Path) -> Path:
    """Compile the unit's Verilog, unless that has been done before, and return where it is."""
    check_installed(simulator)
    text = verilog(config)
    if simulator == "verilator":
        compiler = replace(GXX, variable="")  # the makefile that Verilator writes asks for g++ by its name
        tools = [importlib.metadata.version("verilator"), compiler.version(), MAKE_VARIABLES]
    else:
        tools = [PROGRAMS["vvp"].version()]
    launcher = (Path(__file__).parents[1] / "benches" / "launch.py").read_text(encoding="utf-8")
    # A Verilator program finds cocotb's library by an absolute path.
    parts = [launcher, sys.prefix, importlib.metadata.version("cocotb"), *tools, str(waves)]

    def compile_into(directory: Path, action: str, toplevel: str, verilog_text: str, **more: str) -> None:
        source = directory / f"{toplevel}.v"
        source.write_text(verilog_text, encoding="utf-8")
        job = {"action": action, "simulator": simulator, "toplevel": toplevel, "waves": waves, **more}
        _launch({**job, "source": str(source), "directory": str(directory)}, directory)

    def compile_runtime(directory: Path) -> None:
        compile_into(directory, "runtime", "empty", "module empty(input clk); endmodule\n")

    def compile_unit(directory: Path) -> None:
        # Verilator's own files take three times as long to compile as a unit.
        shared = (
            {"runtime": str(build_once("runtime", parts, compile_runtime, cache))} if simulator == "verilator" else {}
        )
        compile_into(directory, "build", config.name, text, **shared)

    return build_once(simulator, [text, *parts], compile_unit, cache)


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    # The runner behaves differently under pytest, WAVES and GUI override what it is told, and the flags of a make that
    # has started this are not for the simulator's.
    for name in ("PYTEST_CURRENT_TEST", "WAVES", "GUI", "MAKEFLAGS"):
        environment.pop(name, None)
    environment["PYTHONUTF8"] = "1"  # what it prints is read so, whatever the locale
    environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    return environment


def _launch(job: dict[str, Any], directory: Path, progress: Callable[[float], None] | None = None) -> None:
    """Run a job of `streamnorm_sim.benches.launch`, telling progress while it runs."""
    log_path = directory / "log"
    command = [sys.executable, "-m", "streamnorm_sim.benches.launch", json.dumps(job)]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that the simulator can be ended with its parent
        )
        try:
            while process.poll() is None:
                time.sleep(_POLL_SECONDS)
                if progress is not None:
                    _tell(progress, directory / "progress")
        finally:
            if process.poll() is None:  # interrupted
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
    if process.returncode != 0:
        tail = "\n".join(log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-30:])
        raise StreamnormError(f"{job['simulator']}: {job['action']} failed:\n{tail}")
    log_path.unlink()


def _tell(progress: Callable[[float], None], file: Path) -> None:
    try:
        progress(min(1.0, float(file.read_text(encoding="utf-8"))))
    except (FileNotFoundError, ValueError):
        return  # not written yet, or half written


def save_stimulus(stimulus: Stimulus, traffic: Traffic, path: Path) -> None:
    """Write what `streamnorm_sim.benches.axi_bench` reads within the simulator."""

    def channel(key: str, channel: Channel) -> dict[str, Any]:
        beats = channel.beats
        return {
            f"{key}_data": beats.data,
            f"{key}_keep": beats.keep,
            f"{key}_last": beats.last,
            f"{key}_user": beats.user,
            f"{key}_gate": channel.gate,
            f"{key}_resume": channel.resume,
            f"{key}_open": channel.open,
        }

    beside: dict[str, Any] = {f"{name}_sink_open": pattern for name, pattern in stimulus.sinks_open.items()}
    beside |= {f"{name}_outputs_before": before for name, before in stimulus.outputs_before_beside.items()}
    for name, side in stimulus.sides.items():
        beside |= channel(name, side)
    np.savez(
        path,
        **channel("rows", stimulus.rows),
        **channel("loads", stimulus.loads),
        sides=np.array(list(stimulus.sides), np.str_),
        sides_out=np.array(list(stimulus.sinks_open), np.str_),
        **beside,
        sink_open=stimulus.sink_open,
        outputs_before=stimulus.outputs_before,
        patience=stimulus.patience,
        drain_cycles=DRAIN_CYCLES,
        reset_at=-1 if traffic.reset_at is None else traffic.reset_at,
        reset_cycles=traffic.reset_cycles,
    )


def _keep(made: Path, wanted: Path) -> None:
    """Copy the wave file to where it is wanted, also that of a run that has failed."""
    try:
        if made.exists():
            shutil.copyfile(made, wanted)
    except OSError as error:
        raise WavesLost(error) from error
