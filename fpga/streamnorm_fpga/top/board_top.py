"""The board top level: a unit between a serial line and itself."""

from __future__ import annotations

import json
import math
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Mux, ResetInserter, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from streamnorm.plan import Plan
from streamnorm.verilog.ports import ports
from streamnorm_fpga.link.frames import FrameReceiver, FrameTransmitter
from streamnorm_fpga.link.protocol import RECORD, VERSION
from streamnorm_fpga.link.uart import SerialReceiver, SerialTransmitter

from . import self_test
from .banks import in_turn
from .counter import Counter, SaturatingCounter
from .memory import BoardMemory, memory_beats
from .player import Player
from .recorder import Recorder, Stopwatch
from .request import RequestReceiver
from .responder import Responder
from .sequencer import Sequencer
from .signature import signatures_together
from .stalls import RandomStalls
from .unit_streams import inputs_of, outputs_of

if TYPE_CHECKING:
    from amaranth.hdl import Elaboratable, Value

    from streamnorm.spec.config import NormConfig

    from .unit_streams import UnitStream

__all__ = ["BoardTop", "identity", "info", "memory_beats"]

_COUNT_BITS = 32
_ERROR_BITS = 16
_BLINK_HZ = 2


def identity(config: NormConfig) -> str:
    """Return 16 hexadecimal digits of everything that is asked of a unit, but for target and clock."""
    return config.replace(target="generic", clock_mhz=100.0).digest()[:16]


def info(config: NormConfig, clock_mhz: float) -> bytes:
    """Return what a board says of itself, as JSON.

    Parameters
    ----------
    config : NormConfig
        That of the unit on the board.
    clock_mhz : float
        The clock that the board makes; that of the configuration is the one the unit was planned for.
    """
    said: dict[str, Any] = {
        "protocol": VERSION,
        "name": config.name,
        "identity": identity(config),
        "target": config.target,
        "clock_mhz": clock_mhz,
        "planned_mhz": config.clock_mhz,
        "memory_beats": memory_beats(config),
    }
    for way, streams in (("inputs", inputs_of(config)), ("outputs", outputs_of(config))):
        if len(streams) > 1:
            said[way] = [stream.name for stream in streams[1:]]
    return json.dumps(said, separators=(",", ":")).encode()


class BoardTop(wiring.Component):
    """A unit, rows for it from a serial line, results back, counters, and a self-test that needs no host.

    ``docs/link.md`` tells what goes over the line. After reset the self-test runs; a request that comes meanwhile
    waits. A unit that gives no beat for a quarter of a second is reset: its self-test has failed, or its rows are
    answered with :attr:`~streamnorm_fpga.link.protocol.Status.HUNG`. The unit is an instance of the module that
    :func:`streamnorm.verilog.emit.verilog` writes; its parameter stream, if it loads a memory, is tied off. Streams
    beside rows and results have a memory of their own each, of as many beats, so that the order in which the unit takes
    and gives their beats is its own affair: it never waits for the line.

    Parameters
    ----------
    config : NormConfig
    bit_cycles : int
        Clock cycles of a bit on the line, 4 at least.
    clock_mhz : float
        What the board says its clock is, and what the lights' pace is made of.
    expected_signature : int, optional
        That the self-test has to come to; :func:`~streamnorm_fpga.top.self_test.expected_signature` where absent.
    unit : Elaboratable, optional
        Stands in for the module, for simulators that know no Verilog: an object with the signals of
        :func:`streamnorm.verilog.ports.ports` but clock and reset as attributes, in domain ``sync``.

    Members
    -------
    rx : In(1); the line from the host, asynchronous
    tx : Out(1)
    leds : Out(4)
        From bit 0 on: blinks at about 2 Hz as long as the clock runs; the self-test has passed; it has failed;
        there is traffic.
    """

    def __init__(
        self,
        config: NormConfig,
        *,
        bit_cycles: int,
        clock_mhz: float,
        expected_signature: int | None = None,
        unit: Elaboratable | None = None,
    ) -> None:
        self._config = config
        self._unit = unit
        self._clock_mhz = clock_mhz
        self._receiver, self._transmitter = SerialReceiver(bit_cycles), SerialTransmitter(bit_cycles)
        self._responder = Responder(config, info(config, clock_mhz))
        if expected_signature is None:
            expected_signature = self_test.expected_signature(config)
        self._sequencer = Sequencer(config, expected_signature)
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1), "leds": Out(4)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        m.submodules.serial_receiver = serial_in = self._receiver
        m.submodules.serial_transmitter = serial_out = self._transmitter
        m.submodules.frame_receiver = frames_in = FrameReceiver()
        m.submodules.frame_transmitter = frames_out = FrameTransmitter()
        m.submodules.request = request = RequestReceiver(config)
        m.submodules.sequencer = sequencer = self._sequencer
        m.submodules.responder = responder = self._responder
        m.d.comb += [
            serial_in.rx.eq(self.rx),
            self.tx.eq(serial_out.tx),
            frames_in.octet_in.eq(serial_in.octet),
            frames_in.strobe_in.eq(serial_in.strobe),
            frames_in.error_in.eq(serial_in.error),
            *(
                getattr(request, name).eq(getattr(frames_in, name))
                for name in ("octet", "strobe", "begin", "good", "bad")
            ),
            request.done.eq(sequencer.request_done),
            *(getattr(sequencer, name).eq(getattr(request, name)) for name in ("pending", "operation", "rows_ok")),
            *(
                getattr(sequencer, f"request_{name}").eq(getattr(request, name))
                for name in ("rows", "beats_minus_1", "kept", "bank", "stalls")
            ),
            responder.start.eq(sequencer.respond),
            responder.operation.eq(request.operation),
            responder.sequence.eq(request.sequence),
            sequencer.responding.eq(responder.busy),
        ]
        wiring.connect(m, responder.o, frames_out.i)
        wiring.connect(m, frames_out.o, serial_out.i)
        player, recorder, stopwatch = self._rows(m, request, sequencer, responder)
        self._record(m, request, player, recorder, stopwatch)
        tick = self._pace(m)
        self._lights(m, tick, serial_in.strobe)
        self._watch(m, tick)
        return m

    def _rows(
        self, m: Module, request: RequestReceiver, sequencer: Sequencer, responder: Responder
    ) -> tuple[Player, Recorder, Stopwatch]:
        """Row memory, player, unit, recorder, result memory."""
        config, depth = self._config, memory_beats(self._config)
        inputs, outputs = inputs_of(config), outputs_of(config)
        rows = BoardMemory(config, width=8 * inputs[0].beat_octets, depth=depth)
        results = BoardMemory(config, width=len(responder.read_data), depth=depth)
        m.submodules.row_memory, m.submodules.result_memory = rows, results
        player = Player(config)
        m.submodules.player = ResetInserter(sequencer.recover)(player)
        m.submodules.recorder = recorder = Recorder(config)
        m.submodules.stopwatch = stopwatch = Stopwatch(early=Plan.of(config).report.statistic_beats is not None)
        m.submodules.stalls = stalls = RandomStalls(len(inputs), len(outputs))
        unit = self._connected_unit(m)
        for stream in inputs[1:]:
            self._played_beside(m, stream, request, sequencer, getattr(stalls, f"source_{stream.index}"), unit)
        recorders = [recorder]
        for stream in outputs[1:]:
            open_ = getattr(stalls, f"sink_{stream.index}")
            recorders.append(self._recorded_beside(m, stream, responder, sequencer, open_, unit))
        self._moved = reduce(or_, [each.moved for each in recorders])
        self._signature = signatures_together([each.result_signature for each in recorders])
        # Done where all are: of those that are not, one is told.
        rows_out: Value = recorder.rows
        for each in recorders[1:]:
            rows_out = Mux(rows_out == sequencer.rows, each.rows, rows_out)
        m.d.comb += [
            rows.write_enable.eq(request.write_enable),
            rows.write_address.eq(request.write_address),
            rows.write_data.eq(request.write_data[-len(rows.write_data) :]),
            rows.read_address.eq(player.read_address),
            player.read_data.eq(rows.read_data),
            *(
                getattr(player, name).eq(getattr(sequencer, name))
                for name in ("start", "rows", "beats_minus_1", "kept", "testing", "restart_pattern", "narrow")
            ),
            stalls.enable.eq(sequencer.stalls),
            player.open.eq(stalls.source),
            recorder.open.eq(stalls.sink),
            unit["s_axis_tdata"].eq(player.data),
            unit["s_axis_tkeep"].eq(player.keep),
            unit["s_axis_tlast"].eq(player.last),
            unit["s_axis_tvalid"].eq(player.valid),
            player.ready.eq(unit["s_axis_tready"]),
            recorder.data.eq(unit["m_axis_tdata"]),
            recorder.keep.eq(unit["m_axis_tkeep"]),
            recorder.last.eq(unit["m_axis_tlast"]),
            recorder.error.eq(unit["m_axis_tuser"]),
            *([recorder.flags.eq(unit["m_axis_tuser"][1:])] if outputs[0].user_bits > 1 else []),
            recorder.valid.eq(unit["m_axis_tvalid"]),
            unit["m_axis_tready"].eq(recorder.ready),
            *(getattr(recorder, name).eq(getattr(sequencer, name)) for name in ("start", "clear", "testing")),
            sequencer.rows_out.eq(rows_out),
            sequencer.result_signature.eq(self._signature),
            results.write_enable.eq(recorder.write_enable),
            results.write_address.eq(recorder.write_address),
            results.write_data.eq(recorder.write_data),
            results.read_address.eq(responder.read_address),
            responder.read_data.eq(results.read_data),
            responder.beats.eq(recorder.beats),
            stopwatch.start.eq(sequencer.start),
        ]
        moved_in = player.valid & player.ready
        # Registered, all alike: the counts are differences.
        m.d.sync += [
            stopwatch.first_in.eq(moved_in & player.first),
            stopwatch.last_in.eq(moved_in & player.last),
            stopwatch.first_out.eq(recorder.moved & recorder.first),
            stopwatch.last_out.eq(recorder.moved & recorder.last),
        ]
        if "s_axis_tuser" in unit:
            m.d.comb += unit["s_axis_tuser"].eq(sequencer.bank)
        if in_turn(config):
            m.d.comb += sequencer.row_in.eq(stopwatch.last_in)
        return player, recorder, stopwatch

    def _played_beside(
        self,
        m: Module,
        stream: UnitStream,
        request: RequestReceiver,
        sequencer: Sequencer,
        open_: Value,
        unit: dict[str, Signal],
    ) -> None:
        """The rows of a stream that goes in beside: memory and player."""
        config, index = self._config, stream.index
        memory = BoardMemory(config, width=8 * stream.beat_octets, depth=memory_beats(config))
        player = Player(config, stream)
        m.submodules[f"row_memory{stream.suffix}"] = memory
        m.submodules[f"player{stream.suffix}"] = ResetInserter(sequencer.recover)(player)
        one_beat = {"beats_minus_1": 0, "kept": 1} if stream.per_row else {}
        orders = ("start", "rows", "beats_minus_1", "kept", "testing", "restart_pattern", "narrow")
        m.d.comb += [
            memory.write_enable.eq(getattr(request, f"write_enable_{index}")),
            memory.write_address.eq(getattr(request, f"write_address_{index}")),
            memory.write_data.eq(request.write_data[-len(memory.write_data) :]),
            memory.read_address.eq(player.read_address),
            player.read_data.eq(memory.read_data),
            *(getattr(player, name).eq(one_beat.get(name, getattr(sequencer, name))) for name in orders),
            player.open.eq(open_),
            *(unit[f"{stream.ports}_t{name}"].eq(getattr(player, name)) for name in ("data", "keep", "last", "valid")),
            player.ready.eq(unit[f"{stream.ports}_tready"]),
        ]

    def _recorded_beside(
        self,
        m: Module,
        stream: UnitStream,
        responder: Responder,
        sequencer: Sequencer,
        open_: Value,
        unit: dict[str, Signal],
    ) -> Recorder:
        """The rows of a stream that comes out beside: recorder and memory."""
        config, index, ports = self._config, stream.index, stream.ports
        memory = BoardMemory(config, width=8 * stream.beat_octets, depth=memory_beats(config))
        recorder = Recorder(config, stream)
        m.submodules[f"result_memory{stream.suffix}"] = memory
        m.submodules[f"recorder{stream.suffix}"] = recorder
        m.d.comb += [
            recorder.open.eq(open_),
            *(getattr(recorder, name).eq(unit[f"{ports}_t{name}"]) for name in ("data", "keep", "last", "valid")),
            recorder.error.eq(unit[f"{ports}_tuser"]),
            unit[f"{ports}_tready"].eq(recorder.ready),
            *(getattr(recorder, name).eq(getattr(sequencer, name)) for name in ("start", "clear", "testing")),
            memory.write_enable.eq(recorder.write_enable),
            memory.write_address.eq(recorder.write_address),
            memory.write_data.eq(recorder.write_data),
            memory.read_address.eq(responder.read_address),
            getattr(responder, f"read_data_{index}").eq(memory.read_data),
            getattr(responder, f"beats_{index}").eq(recorder.beats),
        ]
        return recorder

    def _connected_unit(self, m: Module) -> dict[str, Signal]:
        """The signals of the unit's streams, by the names of its ports."""
        listed = [port for port in ports(self._config) if port.name not in ("aclk", "aresetn")]
        if self._unit is not None:
            m.submodules.unit = ResetInserter(self._sequencer.recover)(self._unit)
            return {port.name: getattr(self._unit, port.name) for port in listed}
        signals = {port.name: Signal(port.width, name=f"unit_{port.name}") for port in listed}
        connections: dict[str, Any] = {f"{port.direction[0]}_{port.name}": signals[port.name] for port in listed}
        m.submodules.unit = Instance(
            self._config.name, i_aclk=ClockSignal(), i_aresetn=~(ResetSignal() | self._sequencer.recover), **connections
        )
        return signals

    def _record(
        self, m: Module, request: RequestReceiver, player: Player, recorder: Recorder, stopwatch: Stopwatch
    ) -> None:
        """Counters, and all that a response begins with."""
        sequencer = self._sequencer
        m.submodules.beats_in = beats_in = Counter(_COUNT_BITS)
        m.submodules.beats_out = beats_out = Counter(_COUNT_BITS)
        m.submodules.line_errors = line_errors = SaturatingCounter(_ERROR_BITS)
        m.submodules.row_errors = row_errors = SaturatingCounter(_ERROR_BITS)
        m.d.comb += [line_errors.event.eq(request.dropped), row_errors.event.eq(recorder.row_failed)]
        m.d.sync += [beats_in.event.eq(player.valid & player.ready), beats_out.event.eq(recorder.moved)]
        # It may change at any moment, and its octets leave one after the other.
        line_errors_then = Signal.like(line_errors.count)
        with m.If(sequencer.respond):
            m.d.sync += line_errors_then.eq(line_errors.count)
        fields: dict[str, Value] = {
            "status": sequencer.status,
            "flags": Cat(sequencer.finished, sequencer.passed),
            "beats_in": beats_in.count,
            "beats_out": beats_out.count,
            "l1": stopwatch.l1,
            "l2": stopwatch.l2,
            "l3": stopwatch.l3,
            "ss": stopwatch.ss,
            "line_errors": line_errors_then,
            "row_errors": row_errors.count,
            "rows_out": sequencer.rows_out,
            "signature": self._signature,
        }
        parts = [Cat(fields[name], Const(0, 8 * size))[: 8 * size] for name, size in RECORD]
        m.d.comb += self._responder.record.eq(Cat(*parts))

    def _pace(self, m: Module) -> Signal:
        """1 for a cycle every half period of the light that blinks."""
        # The power of two of cycles nearest to half a period.
        bits = max(2, round(math.log2(self._clock_mhz * 1e6 / (2 * _BLINK_HZ))))
        m.submodules.pace = pace = Counter(bits)
        before = Signal()
        tick = Signal()
        m.d.comb += pace.event.eq(1)
        m.d.sync += [before.eq(pace.count[-1]), tick.eq(before & ~pace.count[-1])]
        return tick

    def _watch(self, m: Module, tick: Signal) -> None:
        """A unit that gives no beat from one tick to the next but one has hung."""
        sequencer = self._sequencer
        moved = Signal()
        ticks = Signal(range(3))
        m.d.sync += moved.eq(self._moved)
        with m.If(moved | sequencer.start):
            m.d.sync += ticks.eq(0)
        with m.Elif(tick & ~ticks[1]):
            m.d.sync += ticks.eq(ticks + 1)
        m.d.comb += sequencer.expired.eq(ticks[1])

    def _lights(self, m: Module, tick: Signal, strobe: Signal) -> None:
        on = Signal()
        traffic = Signal()
        recent = Signal()
        with m.If(strobe):
            m.d.sync += recent.eq(1)
        with m.If(tick):
            m.d.sync += [on.eq(~on), traffic.eq(recent), recent.eq(0)]
        finished, passed = self._sequencer.finished, self._sequencer.passed
        m.d.sync += self.leds.eq(Cat(on, finished & passed, finished & ~passed, traffic | recent))
