"""Plays one stimulus in a cocotb simulator: AXI4-Stream bus models drive the unit, a monitor takes notes.

Runs inside the simulator, in a directory that holds ``stimulus.npz`` (arrays of
`streamnorm_sim.streams.stimulus.Stimulus`, see `streamnorm_sim.engines.cocotb`). Writes ``result.npz``, and now and
then the share of the work done to ``progress``.
"""

import logging
import time
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from numpy.typing import NDArray

from streamnorm_sim.cocotb.streams import BeatMonitor, BeatSource, OutputBeat, beat_sink, reset
from streamnorm_sim.streams.beats import Beats

_INITIAL_RESET_CYCLES = 4
_PROGRESS_SECONDS = 0.2


class _Stream:
    """One driven stream: its source, its frames (a row or a load each), and how far it has come."""

    def __init__(
        self, dut: Any, prefix: str, stimulus: dict[str, NDArray[Any]], key: str, *, has_ports: bool = True
    ) -> None:
        self.beats = Beats(*(stimulus[f"{key}_{name}"] for name in ("data", "keep", "last", "user")))
        self.gate, self.resume = stimulus[f"{key}_gate"], stimulus[f"{key}_resume"]
        self.count = len(self.beats)
        self.accepted = 0  # position: the beat that comes next
        self.queued = 0
        self.cycles = np.full(self.count, -1, np.int64)
        self.source = BeatSource(dut, prefix, stimulus[f"{key}_open"]) if has_ports else None

    @property
    def done(self) -> bool:
        return self.accepted == self.count

    def queue(self, passed: int = 0) -> None:
        """Hand the source every whole frame whose gate the stream that gates it has ``passed``."""
        while self.source and self.queued < self.count and passed >= self.gate[self.queued]:
            end = self.queued + int(np.argmax(self.beats.last[self.queued :])) + 1
            self.source.send(self.beats[self.queued : end])
            self.queued = end

    def sample(self, cycle: int) -> bool:
        """Take down a handshake at this clock edge."""
        if self.source is None or not self.source.handshake.moves():
            return False
        self.cycles[self.accepted] = cycle
        self.accepted += 1
        return True

    def abandon(self, position: int | None = None) -> None:
        """At a reset: drop what is queued and go on with the next row or load that had not begun; a stream beside the
        rows with what goes with these, which go on with beat ``position``."""
        if self.source:
            self.source.clear()
        self.accepted = self.queued = int(self.resume[self.accepted if position is None else position])


class _Output:
    """One stream that comes out: its sink, and what has come."""

    def __init__(self, dut: Any, prefix: str, open_pattern: NDArray[Any], before: NDArray[Any]) -> None:
        self.sink, self.monitor = beat_sink(dut, open_pattern, prefix), BeatMonitor(dut, prefix)
        self.width = len(getattr(dut, f"{prefix}_tdata")) // 8
        self.beats: list[OutputBeat] = []
        self.cycles: list[int] = []
        self.before = before  # beats of the rows that begin before each beat of rows
        self.target = int(before[-1])

    @property
    def done(self) -> bool:
        return len(self.beats) >= self.target

    def sample(self, cycle: int) -> bool:
        """Take down a handshake at this clock edge."""
        beat = self.monitor.sample()
        if beat is None:
            return False
        self.beats.append(beat)
        self.cycles.append(cycle)
        return True

    def open_for_good(self) -> None:
        """Never stall again."""
        self.sink.clear_pause_generator()
        self.sink.pause = False

    def arrays(self, key: str) -> dict[str, NDArray[Any]]:
        """What has come, as ``result.npz`` has it."""
        return {
            f"{key}_data": _bytes([beat.data for beat in self.beats], self.width),
            f"{key}_keep": _bytes([beat.keep for beat in self.beats], -(-self.width // 8)),
            f"{key}_last": np.array([beat.last for beat in self.beats], np.bool_),
            f"{key}_user": np.array([beat.user for beat in self.beats], np.uint8),
            f"{key}_cycles": np.array(self.cycles, np.int64),
        }


class Bench:
    """The unit, its bus models, and the record of the run."""

    def __init__(self, dut: Any, stimulus: dict[str, NDArray[Any]]) -> None:
        self.dut, self.stimulus = dut, stimulus
        self.rows = _Stream(dut, "s_axis", stimulus, "rows")
        # Gamma and beta that come with the rows are a stream beside them.
        loaded = hasattr(dut, "s_axis_param_tvalid") and "param" not in stimulus["sides"]
        self.loads = _Stream(dut, "s_axis_param", stimulus, "loads", has_ports=loaded)
        self.sides = [_Stream(dut, f"s_axis_{name}", stimulus, name) for name in stimulus["sides"]]
        self.results = _Output(dut, "m_axis", stimulus["sink_open"], stimulus["outputs_before"])
        self.outputs = {"results": self.results} | {
            name: _Output(dut, f"m_axis_{name}", stimulus[f"{name}_sink_open"], stimulus[f"{name}_outputs_before"])
            for name in map(str, stimulus["sides_out"])
        }
        self.patience = int(stimulus["patience"])
        self.cycle = 0
        self.idle = 0
        self.hung = False
        self.reported = time.monotonic()

    @property
    def streams(self) -> list[_Stream]:
        return [self.rows, self.loads, *self.sides]

    @property
    def done(self) -> bool:
        return all(out.done for out in self.outputs.values()) and all(stream.done for stream in self.streams)

    @property
    def unknown(self) -> bool:
        return any(out.monitor.unknown for out in self.outputs.values())

    @property
    def changed(self) -> bool:
        return any(out.monitor.changed for out in self.outputs.values())

    @property
    def failed(self) -> bool:
        return self.hung or self.changed or self.unknown

    async def reset(self, cycles: int) -> None:
        await reset(self.dut, cycles)
        self.cycle += cycles
        for out in self.outputs.values():
            out.monitor.forget()
        self.idle = 0

    async def step(self) -> None:
        """One clock cycle; its edge is where handshakes count."""
        self.rows.queue(self.loads.accepted)
        self.loads.queue(self.rows.accepted)
        for side in self.sides:
            side.queue()
        await RisingEdge(self.dut.aclk)
        moved = sum(stream.sample(self.cycle) for stream in self.streams)
        moved += sum(out.sample(self.cycle) for out in self.outputs.values())
        if self.unknown:
            return
        self.idle = 0 if moved else self.idle + 1
        self.hung = self.idle > self.patience
        self.cycle += 1
        self.report()

    def report(self) -> None:
        now = time.monotonic()
        if now - self.reported > _PROGRESS_SECONDS:
            self.reported = now
            work = max(1, self.rows.count + self.results.target)
            done = self.rows.accepted + len(self.results.beats)
            Path("progress").write_text(str(done / work), encoding="utf-8")

    async def play(self) -> None:
        await self.reset(_INITIAL_RESET_CYCLES)
        self.cycle = 0
        reset_at = int(self.stimulus["reset_at"])
        if reset_at >= 0:
            while self.cycle < reset_at and not (self.failed and not self.done):
                await self.step()
            self.rows.abandon()
            self.loads.abandon()
            for side in self.sides:
                side.abandon(self.rows.accepted)
            await self.reset(int(self.stimulus["reset_cycles"]))
            for out in self.outputs.values():
                out.target = len(out.beats) + int(out.before[-1]) - int(out.before[self.rows.accepted])
        while not self.done and not self.failed:
            await self.step()
        for out in self.outputs.values():
            out.open_for_good()
        drained = self.cycle + int(self.stimulus["drain_cycles"])
        while self.cycle < drained and not (self.changed or self.unknown):
            await self.step()

    def save(self, seconds: float) -> None:
        arrays: dict[str, Any] = {}
        for key, out in self.outputs.items():
            arrays |= out.arrays(key)
        bad = [name for name, out in self.outputs.items() if out.monitor.changed or out.monitor.unknown]
        failing = self.outputs[bad[0]] if bad else self.results
        np.savez(
            "result.npz",
            **arrays,
            row_cycles=self.rows.cycles,
            load_cycles=self.loads.cycles,
            hung=self.hung and not self.done,
            violated=self.changed,
            unknown=self.unknown,
            failing=np.array(bad[0] if bad else "results"),
            progress=np.array([self.rows.accepted, len(failing.beats), self.results.target, self.cycle]),
            seconds=seconds,
        )


@cocotb.test()
async def play(dut: Any) -> None:
    """Send everything, write down everything that comes out."""
    logging.getLogger("cocotb").setLevel(logging.WARNING)
    with np.load("stimulus.npz") as file:
        stimulus = dict(file)
    bench = Bench(dut, stimulus)
    Clock(dut.aclk, 10, unit="ns").start()
    start = time.perf_counter()
    await bench.play()
    bench.save(time.perf_counter() - start)


def _bytes(values: list[int], width: int) -> NDArray[np.uint8]:
    raw = b"".join(value.to_bytes(width, "little") for value in values)
    return np.frombuffer(raw, np.uint8).reshape(len(values), width)
