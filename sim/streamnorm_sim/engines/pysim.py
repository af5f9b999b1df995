"""Amaranth's own simulator: slow, needs no compiler, and shows every signal by its name."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from amaranth.hdl import Cat, Value
from amaranth.sim import Simulator
from numpy.typing import NDArray

from streamnorm.spec.config import NormConfig
from streamnorm.spec.row_flags import user_bits
from streamnorm.verilog.axi import AxiNorm
from streamnorm_sim.streams.beats import Beats
from streamnorm_sim.streams.stimulus import DRAIN_CYCLES, Channel, HangError, Stimulus, StreamViolation
from streamnorm_sim.streams.trace import SideOutput, Trace
from streamnorm_sim.streams.traffic import Traffic

from .wave_file import WavesLost

_INITIAL_RESET_CYCLES = 4
_HALF_CYCLE = 5e-9  # seconds of the wave file


def run(
    config: NormConfig,
    traffic: Traffic,
    *,
    waves: Path | None = None,
    progress: Callable[[float], None] | None = None,
    watch: Callable[[AxiNorm], Mapping[str, Value]] | None = None,
    seen: Callable[[int, Mapping[str, int]], None] | None = None,
) -> Trace:
    """Run a traffic through the unit; see `streamnorm_sim.engines.run`.

    Parameters
    ----------
    watch : function, optional
        Told the top level; returns signals inside it, by name.
    seen : function, optional
        Told in each cycle its number, and the values these signals have just before the cycle's end.
    """
    with ExitStack() as stack:
        file = None if waves is None else stack.enter_context(_opened(waves))
        player = _Player(config, traffic, progress or (lambda share: None), timed=file is not None)
        if watch is not None and seen is not None:
            player.watched, player.seen = dict(watch(player.top)), seen
        simulator = Simulator(player.top)
        simulator.add_testbench(player.testbench)
        if file is not None:
            stack.enter_context(simulator.write_vcd(file))
        start = time.perf_counter()
        simulator.run()
        seconds = time.perf_counter() - start
    return player.trace(seconds)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with path.open("w", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise WavesLost(error) from error


class _Driver:
    """The driving side of one stream: what stands on its ports, all of them side by side in `ports`. Without a prefix,
    one that the unit does not have."""

    def __init__(self, top: AxiNorm, prefix: str | None, channel: Channel) -> None:
        self.channel = channel
        self.position = 0
        self.offered = False
        self.cycles = np.full(len(channel), -1, np.int64)
        signals = {
            name: signal
            for name in ("tvalid", "tlast", "tuser", "tkeep", "tdata")
            if (signal := getattr(top, f"{prefix}_{name}", None)) is not None
        }
        self.ports = Cat(*signals.values())
        self.ready = getattr(top, f"{prefix}_tready", None)
        offsets = np.cumsum([0] + [len(signal) for signal in signals.values()])
        self.offsets = dict(zip(signals, map(int, offsets), strict=False))
        # Idle buses carry noise, so that a unit which looks at them without valid gives itself away.
        noise = int.from_bytes(b"\xa5" * (len(self.ports) // 8 + 1), "little")
        self.resting = noise & ((1 << len(self.ports)) - 1) & ~1
        self.value = self.resting

    @property
    def done(self) -> bool:
        return self.position == len(self.channel)

    def rest(self) -> None:
        self.offered = False
        self.value = self.resting

    def offer(self, cycle: int, other: int = 0) -> None:
        """Offer the next beat if pattern and gate allow it; ``other`` is the position of the stream that gates it."""
        channel, at = self.channel, self.position
        if self.offered or self.done or not channel.open[cycle % len(channel.open)] or other < channel.gate[at]:
            return
        beats = channel.beats
        fields = {
            "tvalid": 1,
            "tlast": int(beats.last[at]),
            "tuser": int(beats.user[at]),
            "tkeep": _integer(np.packbits(beats.keep[at], bitorder="little")),
            "tdata": _integer(beats.data[at]),
        }
        self.offered = True
        self.value = sum(fields[name] << offset for name, offset in self.offsets.items())

    def taken(self, ctx: Any) -> bool:
        return self.offered and bool(ctx.get(self.ready))

    def accept(self, cycle: int) -> None:
        self.cycles[self.position] = cycle
        self.position += 1
        self.rest()


class _Taker:
    """The receiving side of one stream, and what it has taken."""

    def __init__(self, top: AxiNorm, prefix: str, open_pattern: NDArray[np.uint8], user_bits: int, target: int) -> None:
        self.valid, self.ready = (getattr(top, f"{prefix}_{name}") for name in ("tvalid", "tready"))
        self.beat = Cat(*(getattr(top, f"{prefix}_{name}") for name in ("tlast", "tuser", "tkeep", "tdata")))
        self.prefix, self.open, self.user_bits, self.target = prefix, open_pattern, user_bits, target
        self.width = len(getattr(top, f"{prefix}_tdata")) // 8
        self.waiting: int | None = None
        self.beats: list[int] = []
        self.cycles: list[int] = []

    @property
    def done(self) -> bool:
        return len(self.beats) >= self.target

    def is_open(self, cycle: int) -> int:
        return int(self.open[cycle % len(self.open)])

    def sample(self, ctx: Any, cycle: int) -> bool:
        """Look at what is offered in this cycle; whether it is taken."""
        ready = self.is_open(cycle)
        beat = ctx.get(self.beat) if ctx.get(self.valid) else None
        if self.waiting is not None and beat != self.waiting:
            raise StreamViolation.at(cycle, given=len(self.beats), port=self.prefix)
        self.waiting = None if ready else beat
        if beat is None or not ready:
            return False
        self.beats.append(beat)
        self.cycles.append(cycle)
        return True

    def taken(self) -> Beats:
        """The beats."""
        frame, count = 1 + self.user_bits, len(self.beats)
        bit_count = frame + 9 * self.width
        byte_count = -(-bit_count // 8)
        raw = b"".join(beat.to_bytes(byte_count, "little") for beat in self.beats)
        packed = np.frombuffer(raw, np.uint8).reshape(count, byte_count)
        bits = np.unpackbits(packed, axis=1, count=bit_count, bitorder="little")
        return Beats(
            np.packbits(bits[:, frame + self.width :], axis=1, bitorder="little"),
            bits[:, frame : frame + self.width].astype(np.bool_),
            bits[:, 0].astype(np.bool_),
            np.packbits(bits[:, 1:frame], axis=1, bitorder="little")[:, 0],
        )


class _Player:
    """One run, cycle by cycle as cxxrtl_driver.cpp does it."""

    def __init__(self, config: NormConfig, traffic: Traffic, progress: Callable[[float], None], *, timed: bool) -> None:
        self.config, self.traffic, self.progress, self.timed = config, traffic, progress, timed
        self.stimulus = stimulus = Stimulus.of(config, traffic)
        self.top = top = AxiNorm(config)
        self.rows = _Driver(top, "s_axis", stimulus.rows)
        self.loads = _Driver(top, "s_axis_param" if config.parameters_are_loaded else None, stimulus.loads)
        self.sides = {name: _Driver(top, f"s_axis_{name}", channel) for name, channel in stimulus.sides.items()}
        self.drivers = [self.rows, self.loads, *self.sides.values()]
        self.results = _Taker(top, "m_axis", stimulus.sink_open, user_bits(config), stimulus.expected)
        self.sides_out = {
            name: _Taker(top, f"m_axis_{name}", pattern, 1, stimulus.expected_beside[name])
            for name, pattern in stimulus.sinks_open.items()
        }
        self.takers = [self.results, *self.sides_out.values()]
        # Set together: each assignment makes the simulator evaluate all logic behind it.
        self.inputs = Cat(
            top.aresetn, *(taker.ready for taker in self.takers), *(driver.ports for driver in self.drivers)
        )
        self.watched: dict[str, Value] = {}
        self.seen: Callable[[int, Mapping[str, int]], None] = lambda cycle, values: None
        self.cycle = 0
        self.idle = 0

    async def testbench(self, ctx: Any) -> None:
        await self._reset(ctx, _INITIAL_RESET_CYCLES)
        self.cycle = 0
        if self.traffic.reset_at is not None:
            while self.cycle < self.traffic.reset_at:
                await self._step(ctx, watched=not self._done())
            rows = self.rows.position = int(self.stimulus.rows.resume[self.rows.position])
            self.loads.position = int(self.stimulus.loads.resume[self.loads.position])
            for driver in self.sides.values():
                driver.position = int(driver.channel.resume[rows])
            await self._reset(ctx, self.traffic.reset_cycles)
            remaining, beside = self.stimulus.remaining(rows)
            self.results.target = len(self.results.beats) + remaining
            for name, taker in self.sides_out.items():
                taker.target = len(taker.beats) + beside[name]
        while not self._done():
            await self._step(ctx)
        for taker in self.takers:
            taker.open = np.ones(1, np.uint8)
        for _ in range(DRAIN_CYCLES):
            await self._step(ctx, watched=False)

    def _done(self) -> bool:
        return all(taker.done for taker in self.takers) and all(driver.done for driver in self.drivers)

    async def _reset(self, ctx: Any, cycles: int) -> None:
        for driver in self.drivers:
            driver.rest()
        for taker in self.takers:
            taker.waiting = None
        self.idle = 0
        for _ in range(cycles):
            self._set(ctx, 0)
            await self._clock(ctx)
            self.cycle += 1

    def _set(self, ctx: Any, aresetn: int) -> None:
        value, place = aresetn, 1
        for taker in self.takers:
            value |= taker.is_open(self.cycle) << place
            place += 1
        for driver in self.drivers:
            value |= driver.value << place
            place += len(driver.ports)
        ctx.set(self.inputs, value)

    async def _clock(self, ctx: Any) -> None:
        """A rising edge, half a cycle after the inputs were set."""
        ctx.set(self.top.aclk, 0)
        if self.timed:
            await ctx.delay(_HALF_CYCLE)
        ctx.set(self.top.aclk, 1)
        if self.timed:
            await ctx.delay(_HALF_CYCLE)

    async def _step(self, ctx: Any, *, watched: bool = True) -> None:
        rows, loads, results = self.rows, self.loads, self.results
        self.idle += 1
        if watched and self.idle > self.stimulus.patience:
            raise HangError.at(
                self.cycle,
                taken=rows.position,
                offered=len(rows.channel),
                given=len(results.beats),
                wanted=results.target,
            )
        row_position, load_position = rows.position, loads.position
        rows.offer(self.cycle, load_position)
        loads.offer(self.cycle, row_position)
        for driver in self.sides.values():
            driver.offer(self.cycle)
        self._set(ctx, 1)
        accepted = [driver for driver in self.drivers if driver.taken(ctx)]
        came = [taker.sample(ctx, self.cycle) for taker in self.takers]
        if self.watched:
            self.seen(self.cycle, {name: ctx.get(signal) for name, signal in self.watched.items()})
        await self._clock(ctx)
        for driver in accepted:
            driver.accept(self.cycle)
        if accepted or any(came):
            self.idle = 0
        self.cycle += 1
        if self.cycle % 256 == 0:
            work = max(1, len(rows.channel) + results.target)
            self.progress(min(1.0, (rows.position + len(results.beats)) / work))

    def trace(self, seconds: float) -> Trace:
        return Trace.of(
            self.config,
            self.traffic,
            "pysim",
            outputs=self.results.taken(),
            input_cycles=self.rows.cycles,
            load_cycles=self.loads.cycles,
            output_cycles=np.array(self.results.cycles, np.int64),
            seconds=seconds,
            sides={
                name: SideOutput(taker.taken(), np.array(taker.cycles, np.int64))
                for name, taker in self.sides_out.items()
            },
        )


def _integer(raw: NDArray[np.uint8]) -> int:
    return int.from_bytes(raw.tobytes(), "little")
