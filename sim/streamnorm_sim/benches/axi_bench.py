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

    def __init__(self, dut: Any, prefix: str, stimulus: dict[str, NDArray[Any]], key: str) -> None:
        self.beats = Beats(*(stimulus[f"{key}_{name}"] for name in ("data", "keep", "last", "user")))
        self.gate, self.resume = stimulus[f"{key}_gate"], stimulus[f"{key}_resume"]
        self.count = len(self.beats)
        self.accepted = 0  # position: the beat that comes next
        self.queued = 0
        self.cycles = np.full(self.count, -1, np.int64)
        self.source = BeatSource(dut, prefix, stimulus[f"{key}_open"]) if hasattr(dut, f"{prefix}_tvalid") else None

    @property
    def done(self) -> bool:
        return self.accepted == self.count

    def queue(self, other: "_Stream") -> None:
        """Hand the source every whole frame whose gate the other stream has passed."""
        while self.source and self.queued < self.count and other.accepted >= self.gate[self.queued]:
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

    def abandon(self) -> None:
        """At a reset: drop what is queued and go on with the next row or load that had not begun."""
        if self.source:
            self.source.clear()
        self.accepted = self.queued = int(self.resume[self.accepted])


class Bench:
    """The unit, its bus models, and the record of the run."""

    def __init__(self, dut: Any, stimulus: dict[str, NDArray[Any]]) -> None:
        self.dut, self.stimulus = dut, stimulus
        self.rows = _Stream(dut, "s_axis", stimulus, "rows")
        self.loads = _Stream(dut, "s_axis_param", stimulus, "loads")
        self.sink = beat_sink(dut, stimulus["sink_open"])
        self.monitor = BeatMonitor(dut)
        self.outputs_before = stimulus["outputs_before"]
        self.target = int(self.outputs_before[-1])
        self.patience = int(stimulus["patience"])
        self.outputs: list[OutputBeat] = []
        self.output_cycles: list[int] = []
        self.cycle = 0
        self.idle = 0
        self.hung = False
        self.reported = time.monotonic()

    @property
    def done(self) -> bool:
        return len(self.outputs) >= self.target and self.rows.done and self.loads.done

    @property
    def failed(self) -> bool:
        return self.hung or self.monitor.changed or self.monitor.unknown

    async def reset(self, cycles: int) -> None:
        await reset(self.dut, cycles)
        self.cycle += cycles
        self.monitor.forget()
        self.idle = 0

    async def step(self) -> None:
        """One clock cycle; its edge is where handshakes count."""
        self.rows.queue(self.loads)
        self.loads.queue(self.rows)
        await RisingEdge(self.dut.aclk)
        moved = self.rows.sample(self.cycle) | self.loads.sample(self.cycle)
        beat = self.monitor.sample()
        if self.monitor.unknown:
            return
        if beat is not None:
            moved = True
            self.outputs.append(beat)
            self.output_cycles.append(self.cycle)
        self.idle = 0 if moved else self.idle + 1
        self.hung = self.idle > self.patience
        self.cycle += 1
        self.report()

    def report(self) -> None:
        now = time.monotonic()
        if now - self.reported > _PROGRESS_SECONDS:
            self.reported = now
            work = max(1, self.rows.count + self.target)
            Path("progress").write_text(str((self.rows.accepted + len(self.outputs)) / work), encoding="utf-8")

    async def play(self) -> None:
        await self.reset(_INITIAL_RESET_CYCLES)
        self.cycle = 0
        reset_at = int(self.stimulus["reset_at"])
        if reset_at >= 0:
            while self.cycle < reset_at and not (self.failed and not self.done):
                await self.step()
            self.rows.abandon()
            self.loads.abandon()
            await self.reset(int(self.stimulus["reset_cycles"]))
            remaining = self.target - int(self.outputs_before[self.rows.accepted])
            self.target = len(self.outputs) + remaining
        while not self.done and not self.failed:
            await self.step()
        self.sink.clear_pause_generator()
        self.sink.pause = False
        drained = self.cycle + int(self.stimulus["drain_cycles"])
        while self.cycle < drained and not (self.monitor.changed or self.monitor.unknown):
            await self.step()

    def save(self, seconds: float) -> None:
        width = len(self.dut.m_axis_tdata) // 8
        np.savez(
            "result.npz",
            data=_bytes([beat.data for beat in self.outputs], width),
            keep=_bytes([beat.keep for beat in self.outputs], -(-width // 8)),
            last=np.array([beat.last for beat in self.outputs], np.bool_),
            user=np.array([beat.user for beat in self.outputs], np.uint8),
            row_cycles=self.rows.cycles,
            load_cycles=self.loads.cycles,
            output_cycles=np.array(self.output_cycles, np.int64),
            hung=self.hung and not self.done,
            violated=self.monitor.changed,
            unknown=self.monitor.unknown,
            progress=np.array([self.rows.accepted, len(self.outputs), self.target, self.cycle]),
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
