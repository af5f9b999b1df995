"""A design with a serial port as a program: compiled by CXXRTL, its line read and written octet by octet."""

from __future__ import annotations

import ctypes
import importlib.resources
from typing import TYPE_CHECKING

import numpy as np
from amaranth.back import rtlil

from streamnorm.verilog.elaboration import without_garbage_collection
from streamnorm.verilog.emit import verilog
from streamnorm_fpga.top.board_top import BoardTop
from streamnorm_sim.engines.cxxrtl_build import LIBRARY, compile_design, compiler_flags
from streamnorm_sim.toolchain.table import GXX

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from streamnorm.spec.config import NormConfig

__all__ = ["BIT_CYCLES", "Design", "board_text", "compile_board"]

BIT_CYCLES = 8
"""Clock cycles of a bit on the line of a `board_text`: the fewer, the faster."""

_CAPACITY = 1 << 12
_RESET_CYCLES = 16


class _Window(ctypes.Structure):
    """``struct Window`` of uart_driver.cpp."""

    _fields_ = [
        ("sent", ctypes.c_void_p),
        ("sent_count", ctypes.c_int64),
        ("sent_position", ctypes.c_int64),
        ("received", ctypes.c_void_p),
        ("received_capacity", ctypes.c_int64),
        ("received_count", ctypes.c_int64),
        *((name, ctypes.c_int64) for name in ("broken", "cycle", "quiet", "leds")),
    ]


@without_garbage_collection()
def board_text(config: NormConfig) -> tuple[str, str]:
    """Return RTLIL and Verilog, for `compile_board`, of the very design that would go on a board, pins aside."""
    circuit = BoardTop(config, bit_cycles=BIT_CYCLES, clock_mhz=config.clock_mhz)
    return rtlil.convert(circuit, name="top", emit_src=False), verilog(config)


def compile_board(rtlil: str, verilog: str) -> Path:
    """Compile a design, unless that has been done before, and return its library.

    Parameters
    ----------
    rtlil : str
        The design, its top called ``top``, with the ports ``clk``, ``rst``, ``rx``, ``tx`` and ``leds``.
    verilog : str
        Modules that it holds instances of; of what depends on ``SYNTHESIS``, the behavioural models run.

    Raises
    ------
    ToolMissing
        If there is no C++ compiler, or yosys is not installed.
    """
    driver = importlib.resources.files("streamnorm_fpga.virtual_board").joinpath("uart_driver.cpp").read_text("utf-8")
    read = (
        "read_rtlil board.il; read_verilog -nosynthesis unit.v; hierarchy -check -top top; "
        "proc; flatten -noscopeinfo; opt_clean -purge"
    )
    place = compile_design(
        "board",
        {"board.il": rtlil, "unit.v": verilog},
        [read],
        driver,
        clock="clk",
        compiler=GXX.command(),
        options=compiler_flags(),
    )
    return place / LIBRARY


class Design:
    """A compiled design that runs when it is told to.

    Parameters
    ----------
    library : Path
        As `compile_board` returns it.
    bit_cycles : int
        Clock cycles of one bit on the line.
    """

    def __init__(self, library: Path, bit_cycles: int) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.streamnorm_board_create.argtypes = (ctypes.c_int64,)
        self._library.streamnorm_board_create.restype = ctypes.c_void_p
        for function in (self._library.streamnorm_board_run, self._library.streamnorm_board_reset):
            function.argtypes = (ctypes.c_void_p, ctypes.POINTER(_Window), ctypes.c_int64)
            function.restype = None
        self._library.streamnorm_board_destroy.argtypes = (ctypes.c_void_p,)
        self._library.streamnorm_board_destroy.restype = None
        self._sent = np.zeros(0, np.uint16)
        self._received = np.zeros(_CAPACITY, np.uint8)
        self._window = _Window(received=self._received.ctypes.data, received_capacity=_CAPACITY)
        self._board: int | None = self._library.streamnorm_board_create(bit_cycles)
        self.reset()

    @property
    def cycle(self) -> int:
        """Cycles since power-up."""
        return self._window.cycle

    @property
    def quiet_cycles(self) -> int:
        """Cycles since anything last moved on the line."""
        return self._window.quiet

    @property
    def leds(self) -> int:
        """The lights, bit by bit."""
        return self._window.leds

    @property
    def broken(self) -> int:
        """Octets that came out without a stop bit, and were dropped."""
        return self._window.broken

    @property
    def waiting(self) -> int:
        """Octets that have yet to be sent to the design."""
        return self._window.sent_count - self._window.sent_position

    def send(self, octets: Sequence[int]) -> None:
        """Queue octets for the design; `BREAK` in one makes its stop bit 0."""
        left = self._sent[self._window.sent_position :]
        self._sent = np.concatenate([left, np.array(octets, np.uint16)])
        window = self._window
        window.sent, window.sent_count, window.sent_position = self._sent.ctypes.data, len(self._sent), 0

    def run(self, cycles: int) -> bytes:
        """Run for so many cycles, or fewer if very many octets came out; return these octets."""
        self._library.streamnorm_board_run(self._board, self._window, cycles)
        return self._taken()

    def reset(self) -> bytes:
        """Reset the design; return octets that came out meanwhile. What is queued still comes to it."""
        self._library.streamnorm_board_reset(self._board, self._window, _RESET_CYCLES)
        return self._taken()

    def _taken(self) -> bytes:
        octets = self._received[: self._window.received_count].tobytes()
        self._window.received_count = 0
        return octets

    def close(self) -> None:
        """Free the design; it cannot be used afterwards."""
        if self._board is not None:
            self._library.streamnorm_board_destroy(self._board)
            self._board = None
