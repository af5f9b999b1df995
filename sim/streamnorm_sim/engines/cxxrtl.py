"""The fast engine: the unit as C++ by CXXRTL, compiled, and driven with whole batches."""

import ctypes
import importlib.resources
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.back import rtlil
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.fusions import streams_of
from streamnorm.verilog.axi import AxiNorm
from streamnorm.verilog.elaboration import without_garbage_collection
from streamnorm_sim.cells import GateNetlist
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.stimulus import DRAIN_CYCLES, Channel, HangError, Stimulus, StreamViolation
from streamnorm_sim.streams.trace import SideOutput, Trace
from streamnorm_sim.streams.traffic import Traffic
from streamnorm_sim.toolchain.cache import cache_directory
from streamnorm_sim.toolchain.table import GXX

from .cxxrtl_build import LIBRARY, OPTIMIZE, compile_design, compiler_flags
from .wave_file import WavesLost

Progress = Callable[[float], None]
"""Told the share of the work done, 0 to 1, several times a second."""

_CHUNK_CYCLES = 1 << 18  # between two calls of progress; Ctrl-C is seen there too
_FOREVER = 1 << 62
_INITIAL_RESET_CYCLES = 4
_DONE, _STOPPED, _HUNG, _VIOLATED = range(4)
# Of a netlist with thousands of cells, optimizing would take minutes.
_OPTIMIZE_GATES = ("-O0",)


class _Channel(ctypes.Structure):
    """``struct Channel`` of cxxrtl_driver.cpp."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("data", "keep", "last", "user", "gate", "open")),
        *((name, ctypes.c_int64) for name in ("count", "open_length", "data_bytes", "keep_bytes")),
        ("cycles", ctypes.c_void_p),
        ("position", ctypes.c_int64),
        ("offered", ctypes.c_int64),
    ]


class _Output(ctypes.Structure):
    """``struct Output`` of cxxrtl_driver.cpp."""

    _fields_ = [
        ("open", ctypes.c_void_p),
        ("open_length", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("data", "keep", "flags", "cycles")),
        *((name, ctypes.c_int64) for name in ("data_bytes", "keep_bytes", "capacity", "position", "target", "waiting")),
    ]


class _Run(ctypes.Structure):
    """``struct Run`` of cxxrtl_driver.cpp."""

    _fields_ = [
        ("rows", _Channel),
        ("loads", _Channel),
        ("results", _Output),
        ("sides_in", ctypes.POINTER(_Channel)),
        ("sides_out", ctypes.POINTER(_Output)),
        *((name, ctypes.c_int64) for name in ("cycle", "stop_cycle", "idle", "patience", "violated")),
    ]


def run(
    config: NormConfig,
    traffic: Traffic,
    *,
    waves: Path | None = None,
    progress: Progress | None = None,
    netlist: GateNetlist | None = None,
) -> Trace:
    """Run a traffic through the unit; see `streamnorm_sim.engines.run`."""
    stimulus = Stimulus.of(config, traffic)
    library = load(config, waves=waves is not None, netlist=netlist)
    return _Player(config, traffic, stimulus, library).play(waves, progress or (lambda share: None))


def compile_together(configs: Sequence[NormConfig]) -> None:
    """Compile units as one program, which `run` in this process then uses: of units that are alike in half the time.

    They must be alike in having banks, in who names them, in loading parameters, and in streams beside.
    """
    assert len({(config.banks > 1, config.rows_name_banks, config.storage, *_sides(config)) for config in configs}) == 1
    for config in configs:
        _together[config] = tuple(configs)
    load(configs[0])


_together: dict[NormConfig, tuple[NormConfig, ...]] = {}


def _sides(config: NormConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the streams that go in and come out beside."""
    return tuple(streams_of(config.side_inputs)), tuple(side.name for side in config.side_outputs)


def _side_macros(config: NormConfig) -> str:
    """What tells the driver of the streams beside, by their names as CXXRTL writes them."""
    names = zip(("INPUTS", "OUTPUTS"), _sides(config), strict=True)
    return "".join(
        f"#undef STREAMNORM_SIDE_{kind}\n#define STREAMNORM_SIDE_{kind}(X)"
        + "".join(f" X({index}, {name.replace('_', '__')})" for index, name in enumerate(of))
        + "\n"
        for kind, of in names
    )


@dataclass(frozen=True)
class _Functions:
    """What the library has for one unit; see the end of cxxrtl_driver.cpp."""

    create: Callable[..., int | None]
    reset: Callable[..., None]
    play: Callable[..., int]
    destroy: Callable[..., int]


def load(config: NormConfig, *, waves: bool = False, netlist: GateNetlist | None = None) -> _Functions:
    """Compile the unit, or a netlist in its place, unless that has been done before, and load it.

    Raises
    ------
    ToolMissing
        If there is no C++ compiler, or yosys is not installed.
    """
    optimize = OPTIMIZE if netlist is None else _OPTIMIZE_GATES
    flags = compiler_flags(optimize)
    compiler = tuple(GXX.command())
    alone = waves or netlist is not None
    configs = (config,) if alone else _together.get(config, (config,))
    place = _build(configs, netlist, waves, compiler, tuple(flags), cache_directory())
    library = ctypes.CDLL(str(place / LIBRARY), use_errno=True)
    number = configs.index(config)

    def function(name: str, result: Any, *arguments: Any) -> Any:
        found = library[f"streamnorm_{name}" + (f"_{number}" if number else "")]
        found.argtypes, found.restype = arguments, result
        return found

    run = ctypes.POINTER(_Run)
    return _Functions(
        create=function("create", ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p),
        reset=function("reset", None, ctypes.c_void_p, run, ctypes.c_int64),
        play=function("play", ctypes.c_int, ctypes.c_void_p, run),
        destroy=function("destroy", ctypes.c_int, ctypes.c_void_p),
    )


@lru_cache(maxsize=64)
def _build(
    configs: tuple[NormConfig, ...],
    netlist: GateNetlist | None,
    waves: bool,
    compiler: tuple[str, ...],
    flags: tuple[str, ...],
    cache: Path,
) -> Path:
    """Return the directory with the library; remembered for as long as nothing that it depends on changes.

    All of the configurations have the same ports, but for their widths.
    """
    if netlist is None:
        names = [f"unit_{number}.il" for number in range(len(configs))]
        with without_garbage_collection():
            texts = [rtlil.convert(AxiNorm(config), name="top", emit_src=False) for config in configs]
        files, reads = dict(zip(names, texts, strict=True)), [f"read_rtlil {name}" for name in names]
    else:
        files, reads = netlist.files(), [netlist.script(names=waves)]
    driver = importlib.resources.files("streamnorm_sim.engines").joinpath("cxxrtl_driver.cpp").read_text("utf-8")
    first = configs[0]
    macros = {
        "STREAMNORM_BANKS": first.rows_name_banks,
        "STREAMNORM_LOADS": first.parameters_are_loaded,
        "STREAMNORM_LOAD_BANKS": first.parameters_are_loaded and first.banks > 1,
        "STREAMNORM_WAVES": waves,
    }
    return compile_design(
        "cxxrtl",
        files,
        reads,
        _side_macros(first) + driver,
        clock="aclk",
        compiler=compiler,
        options=flags,
        macros=[macro for macro, wanted in macros.items() if wanted],
        waves=waves,
        cache=cache,
    )


def _lost(number: int) -> WavesLost:
    return WavesLost(OSError(number, os.strerror(number)))


class _Player:
    """One run: owns the arrays that the C++ side reads and writes."""

    def __init__(self, config: NormConfig, traffic: Traffic, stimulus: Stimulus, library: _Functions) -> None:
        self.config, self.traffic, self.stimulus, self.library = config, traffic, stimulus, library
        self.capacity = stimulus.expected + DRAIN_CYCLES
        self.row_cycles = np.full(len(stimulus.rows), -1, np.int64)
        self.load_cycles = np.full(len(stimulus.loads), -1, np.int64)
        self.held: list[Any] = []
        self.results = _Record(config.lanes * config.output.bytes, self.capacity)
        self.sides = {
            side.name: _Record(side.lanes(config.lanes) * side.number.bytes, self.capacity)
            for side in config.side_outputs
        }
        sides_in = [self._channel(channel, np.zeros(len(channel), np.int64)) for channel in stimulus.sides.values()]
        sides_out = [
            self._output(self.sides[name], pattern, stimulus.expected_beside[name])
            for name, pattern in stimulus.sinks_open.items()
        ]
        self.run = _Run(
            rows=self._channel(stimulus.rows, self.row_cycles),
            loads=self._channel(stimulus.loads, self.load_cycles),
            results=self._output(self.results, stimulus.sink_open, stimulus.expected),
            sides_in=(_Channel * len(sides_in))(*sides_in),
            sides_out=(_Output * len(sides_out))(*sides_out),
            cycle=-_INITIAL_RESET_CYCLES,
            patience=stimulus.patience,
        )

    @property
    def _outputs(self) -> list[_Output]:
        return [self.run.results, *(self.run.sides_out[index] for index in range(len(self.sides)))]

    def _output(self, record: "_Record", open_pattern: NDArray[np.uint8], target: int) -> _Output:
        return _Output(
            open=self._pointer(open_pattern),
            open_length=len(open_pattern),
            data=self._pointer(record.data),
            keep=self._pointer(record.keep),
            flags=self._pointer(record.flags),
            cycles=self._pointer(record.cycles),
            data_bytes=record.data.shape[1],
            keep_bytes=record.keep.shape[1],
            capacity=self.capacity,
            target=target,
        )

    def _pointer(self, array: NDArray[np.generic]) -> int:
        contiguous = np.ascontiguousarray(array)
        self.held.append(contiguous)  # alive as long as the C++ side may look at it
        return contiguous.ctypes.data

    def _channel(self, channel: Channel, cycles: NDArray[np.int64]) -> _Channel:
        beats = channel.beats
        keep = np.packbits(beats.keep, axis=1, bitorder="little")
        return _Channel(
            data=self._pointer(beats.data),
            keep=self._pointer(keep),
            last=self._pointer(beats.last.view(np.uint8)),
            user=self._pointer(beats.user.astype(np.uint16, copy=False)),
            gate=self._pointer(channel.gate),
            open=self._pointer(channel.open),
            count=len(beats),
            open_length=len(channel.open),
            data_bytes=beats.data.shape[1],
            keep_bytes=keep.shape[1],
            cycles=self._pointer(cycles),
        )

    def play(self, waves: Path | None, progress: Progress) -> Trace:
        name = self.config.name.encode()
        bench = self.library.create(os.fsencode(waves) if waves else None, name)
        if not bench:
            raise _lost(ctypes.get_errno())
        try:
            start = time.perf_counter()
            self.library.reset(bench, self.run, _INITIAL_RESET_CYCLES)
            if self.traffic.reset_at is not None:
                self._until(bench, self.traffic.reset_at, progress)
                self._reset(bench)
            self._until(bench, _FOREVER, progress)
            self._drain(bench)
            seconds = time.perf_counter() - start
        finally:
            failed = self.library.destroy(bench)
        if failed:
            raise _lost(failed)
        return self._trace(seconds)

    def _until(self, bench: int, end: int, progress: Progress) -> None:
        """Play until everything has come, or up to a cycle."""
        run = self.run
        work = max(1, run.rows.count + run.results.target)
        while True:
            run.stop_cycle = min(run.cycle + _CHUNK_CYCLES, end)
            status = self.library.play(bench, run)
            self._check(status)
            progress(min(1.0, (run.rows.position + run.results.position) / work))
            if status == _DONE and end != _FOREVER:
                self._expect_on(_FOREVER)  # idle up to the cycle of the reset
                run.patience = _FOREVER
            elif status == _DONE or run.cycle >= end or any(out.position >= out.capacity for out in self._outputs):
                return

    def _check(self, status: int) -> None:
        run, results = self.run, self.run.results
        if status == _HUNG:
            raise HangError.at(
                run.cycle,
                taken=run.rows.position,
                offered=run.rows.count,
                given=results.position,
                wanted=results.target,
            )
        if status == _VIOLATED:
            port = ["m_axis", *(f"m_axis_{name}" for name in self.sides)][run.violated]
            raise StreamViolation.at(run.cycle, given=self._outputs[run.violated].position, port=port)

    def _expect_on(self, target: int) -> None:
        for output in self._outputs:
            output.target = target

    def _reset(self, bench: int) -> None:
        run, stimulus = self.run, self.stimulus
        run.rows.position = int(stimulus.rows.resume[run.rows.position])
        run.loads.position = int(stimulus.loads.resume[run.loads.position])
        for index, channel in enumerate(stimulus.sides.values()):
            run.sides_in[index].position = int(channel.resume[run.rows.position])
        self.library.reset(bench, run, self.traffic.reset_cycles)
        remaining, beside = stimulus.remaining(run.rows.position)
        for output, count in zip(self._outputs, [remaining, *(beside[name] for name in self.sides)], strict=True):
            output.target = output.position + count
        run.idle, run.patience = 0, stimulus.patience

    def _drain(self, bench: int) -> None:
        run = self.run
        run.stop_cycle = run.cycle + DRAIN_CYCLES
        for output in self._outputs:
            output.open, output.open_length = self._pointer(np.ones(1, np.uint8)), 1
        self._expect_on(_FOREVER)
        run.patience = _FOREVER
        self._check(self.library.play(bench, run))

    def _trace(self, seconds: float) -> Trace:
        sides = {
            name: SideOutput(record.beats(output.position), record.cycles[: output.position])
            for (name, record), output in zip(self.sides.items(), self._outputs[1:], strict=True)
        }
        return Trace.of(
            self.config,
            self.traffic,
            "cxxrtl",
            outputs=self.results.beats(self.run.results.position),
            input_cycles=self.row_cycles,
            load_cycles=self.load_cycles,
            output_cycles=self.results.cycles[: self.run.results.position],
            seconds=seconds,
            sides=sides,
        )


class _Record:
    """The arrays that one stream that comes out is written to."""

    def __init__(self, width: int, capacity: int) -> None:
        self.data = np.zeros((capacity, width), np.uint8)
        self.keep = np.zeros((capacity, -(-width // 8)), np.uint8)
        self.flags = np.zeros(capacity, np.uint8)
        self.cycles = np.zeros(capacity, np.int64)

    def beats(self, count: int) -> Beats:
        """The first so many."""
        keep = np.unpackbits(self.keep[:count], axis=1, count=self.data.shape[1], bitorder="little")
        last, user = (self.flags[:count] & 1).view(np.bool_), (self.flags[:count] >> 1).astype(np.uint8)
        return Beats(self.data[:count], keep.view(np.bool_), last, user)
