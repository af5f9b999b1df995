"""Board logic on the pins of a board: clock, reset, serial line and lights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from amaranth.hdl import ClockDomain, ClockSignal, Const, Elaboratable, Instance, Module, Mux, ResetSignal, Signal
from amaranth.lib import io, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from .board import Shown

if TYPE_CHECKING:
    from .board import Board, Light
    from .pll import FabricClock

__all__ = ["PinnedDesign", "ResetHold", "pin"]

_RESET_CYCLES = 16


@dataclass(frozen=True, kw_only=True)
class PinnedDesign:
    """A design with pins, ready for synthesis.

    Members
    -------
    top : str
        Name of its top module.
    rtlil : str
        Its text, without that of modules instantiated by name.
    constraints : str
        Its pins and clocks: a file in the form that nextpnr takes for the family.
    """

    top: str
    rtlil: str
    constraints: str


def pin(board: Board, circuit: Any, clock: FabricClock, top: str) -> PinnedDesign:
    """Put ``circuit`` on the pins of ``board``.

    Parameters
    ----------
    circuit : Component
        Ports ``rx: In(1)``, asynchronous; ``tx: Out(1)``; ``leds: Out(4)``: running, passed, failed, traffic.
        Domain ``sync`` is the fabric clock; its reset is held for 16 cycles, and while block RAMs settle, after
        the PLL has locked, and while the board's reset button is pressed.
    top : str
        Name of the top module.
    """
    platform = board.make_platform()
    # Without the sources' places: these would be paths of this machine.
    plan = platform.prepare(_Pins(board, circuit, clock), top, emit_src=False)
    constraints = plan.files[f"{top}.{board.family.constraints}"]
    return PinnedDesign(top=top, rtlil=_text(plan.files[f"{top}.il"]), constraints=_text(constraints))


def _text(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode()


class _Pins(Elaboratable):
    def __init__(self, board: Board, circuit: Any, clock: FabricClock) -> None:
        self._board = board
        self._circuit = circuit
        self._clock = clock

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.board = circuit = self._circuit
        fabric, locked = self._make_clock(m, platform)
        self._make_domain(m, platform, fabric, locked)
        uart = platform.request("uart", 0, dir="-")
        m.submodules.rx_pin = rx = _buffer("i", uart.rx)
        m.submodules.tx_pin = tx = _buffer("o", uart.tx)
        m.d.comb += [circuit.rx.eq(rx.i), tx.o.eq(circuit.tx)]
        ports: dict[tuple[str, int], Any] = {}
        for index, light in enumerate(self._board.lights):
            m.submodules[f"light_pin_{index}"] = lamp = _buffer("o", _port(platform, light, ports))
            bits = [circuit.leds[get_args(Shown).index(shown)] for shown in light.shows]
            m.d.comb += lamp.o.eq(sum(bits[1:], bits[0]) != 0)
        return m

    def _make_clock(self, m: Module, platform: Any) -> tuple[Signal, Signal]:
        """Fabric clock, and whether it can be relied on."""
        port = platform.request(self._board.clock, dir="-")
        fabric = Signal(name="fabric_clock")
        locked = Signal(name="clock_locked")
        if self._clock.module and self._board.pll.at_pad:
            clock_in = port.io
        else:
            m.submodules.clock_pin = buffer = _buffer("i", port)
            clock_in = buffer.i
        if self._clock.module:
            m.submodules.pll = Instance(self._clock.module, i_clock_in=clock_in, o_clock_out=fabric, o_locked=locked)
        else:
            m.d.comb += [fabric.eq(clock_in), locked.eq(1)]
        return fabric, locked

    def _make_domain(self, m: Module, platform: Any, fabric: Signal, locked: Signal) -> None:
        """Domain ``sync``, and its reset."""
        pressed: Any = Const(0)
        if self._board.reset is not None:
            m.submodules.reset_pin = button = _buffer("i", platform.request(self._board.reset, 0, dir="-"))
            pressed = button.i
        m.domains.power_on = ClockDomain("power_on", reset_less=True, local=True)
        m.domains.sync = ClockDomain("sync")
        m.d.comb += [ClockSignal("power_on").eq(fabric), ClockSignal("sync").eq(fabric)]
        cycles = _RESET_CYCLES + math.ceil(self._clock.mhz * 1e6 * self._board.family.settle_seconds)
        m.submodules.reset_hold = hold = ResetHold(cycles)
        m.d.comb += [hold.release.eq(locked & ~pressed), ResetSignal("sync").eq(hold.reset)]


class ResetHold(wiring.Component):
    """Holds a reset for ``cycles`` cycles of domain ``power_on`` after it may be released.

    Members
    -------
    release : In(1)
        Asynchronous. While it is 0, there is a reset.
    reset : Out(1)
        From a register. 1 from the second cycle after configuration on, until ``release`` has been 1 for
        ``cycles`` cycles and those that synchronize it.
    """

    release: Signal
    reset: Signal

    def __init__(self, cycles: int) -> None:
        self._cycles = cycles
        super().__init__({"release": In(1), "reset": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        reliable = Signal()
        m.submodules.synchronizer = FFSynchronizer(self.release, reliable, o_domain="power_on")
        waited = Signal(range(self._cycles + 1))
        over = waited == self._cycles
        m.d.power_on += [
            waited.eq(Mux(reliable, waited + ~over, 0)),
            # Without an initial value of 1, which iCE40 registers lack: that would put a LUT behind each.
            self.reset.eq(~(reliable & over)),
        ]
        return m


def _port(platform: Any, light: Light, requested: dict[tuple[str, int], Any]) -> Any:
    """The port of a light; the lights of an RGB LED are one resource."""
    key = (light.resource, light.number)
    if key not in requested:
        requested[key] = platform.request(*key, dir="-")
    return getattr(requested[key], light.colour) if light.colour else requested[key]


def _buffer(direction: str, port: Any) -> Any:
    # Amaranth tells type checkers nothing of a buffer's ``i`` and ``o``.
    return io.Buffer(direction, port)
