"""The streams of a unit under cocotb, beat by beat, on the bus models of cocotbext-axi."""

import itertools
import logging
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource
from numpy.typing import NDArray

from streamnorm.spec.values import integer_at_least
from streamnorm_sim.streams.beats import Beats

__all__ = ["BeatMonitor", "BeatSource", "Handshake", "OutputBeat", "beat_sink", "frame_beats", "reset"]

# Of cocotb 2, whose older names the bus models use.
warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"cocotbext\.axi\.")


async def reset(dut: Any, cycles: int = 4) -> None:
    """Hold ``aresetn`` of a unit at 0 for some cycles of its clock, at least 2, and return as it goes to 1.

    Rows in the unit are lost, and so is what its sources were sending; banks keep what was loaded. ConfigError if
    ``cycles`` is no integer of at least 2.
    """
    integer_at_least("cycles", cycles, 2)
    dut.aresetn.value = 0
    await ClockCycles(dut.aclk, cycles)
    dut.aresetn.value = 1


class Handshake:
    """Tells at a clock edge whether a beat of a stream moves there."""

    def __init__(self, dut: Any, prefix: str) -> None:
        self._valid, self._ready = (getattr(dut, f"{prefix}_{name}") for name in ("tvalid", "tready"))

    def moves(self) -> bool:
        """Whether a beat moves at this edge; not if a signal is unknown, which `BeatMonitor` tells."""
        try:
            return bool(self._valid.value and self._ready.value)
        except ValueError:
            return False


class BeatSource:
    """Offers beats on a stream of the unit; it is a source of cocotbext-axi, which is in ``bus_model``.

    Parameters
    ----------
    dut : the unit's handle
    prefix : "s_axis", "s_axis_param", or that of a stream beside the rows
    open : uint8 (cycles,), optional
        1 in a cycle in which a new beat may be offered; used modulo its length. All of them where absent.
    """

    def __init__(self, dut: Any, prefix: str, open: NDArray[np.uint8] | None = None) -> None:
        self.handshake = Handshake(dut, prefix)
        self.bus_model = AxiStreamSource(_bus(dut, prefix), dut.aclk, dut.aresetn, reset_active_level=False)
        if open is not None:
            self.bus_model.set_pause_generator(_pauses(open))

    def send(self, beats: Beats) -> None:
        """Queue the beats of one row or load, which end with ``tlast`` and may be malformed in every other way."""
        width = beats.data.shape[1]
        frame = AxiStreamFrame(
            beats.data.tobytes(),
            tkeep=[int(bit) for bit in beats.keep.ravel()],
            tuser=[int(user) for user in np.repeat(beats.user, width)],
        )
        self.bus_model.send_nowait(frame)

    async def wait(self) -> None:
        """Wait until the unit has taken everything that was queued."""
        await self.bus_model.wait()

    def clear(self) -> None:
        """Drop what is queued and has not been begun."""
        self.bus_model.clear()


def beat_sink(dut: Any, open: NDArray[np.uint8] | None = None, prefix: str = "m_axis") -> AxiStreamSink:
    """Return a sink of cocotbext-axi that takes what comes out, in the cycles in which ``open`` is 1."""
    sink = AxiStreamSink(_bus(dut, prefix), dut.aclk, dut.aresetn, reset_active_level=False)
    if open is not None:
        sink.set_pause_generator(_pauses(open))
    return sink


def frame_beats(frame: AxiStreamFrame, byte_count: int) -> Beats:
    """Return the beats, of ``byte_count`` bytes each, of a frame that a sink has received and not compacted."""
    data = np.frombuffer(bytes(frame.tdata), np.uint8).reshape(-1, byte_count)
    keep = np.array(frame.tkeep, np.bool_).reshape(data.shape)
    last = np.arange(len(data)) == len(data) - 1
    return Beats(data, keep, last, np.array(frame.tuser, np.uint8)[::byte_count])


class OutputBeat(NamedTuple):
    """A beat of a stream that comes out, each field as the number that its port shows."""

    data: int
    keep: int
    last: int
    user: int


class BeatMonitor:
    """Looks at what the unit offers on ``m_axis``, or on another stream that comes out, edge by edge.

    Attributes
    ----------
    unknown : bool
        ``tvalid``, or with it another bit, was neither 0 nor 1.
    changed : bool
        A beat that was offered and not taken was not there in the next cycle.
    """

    def __init__(self, dut: Any, prefix: str = "m_axis") -> None:
        names = ("tvalid", "tready", "tdata", "tkeep", "tlast", "tuser")
        self._valid, self._ready, *self._fields = (getattr(dut, f"{prefix}_{name}") for name in names)
        self._waiting: OutputBeat | None = None
        self.unknown = False
        self.changed = False

    def sample(self) -> OutputBeat | None:
        """Look at this clock edge; return the beat that moves, if one does."""
        beat = None
        try:
            offered = bool(self._valid.value)
        except ValueError:
            self.unknown = True
            return None
        if offered:
            values = [port.value for port in self._fields]
            self.unknown = not all(value.is_resolvable for value in values)
            if self.unknown:
                return None
            beat = OutputBeat(*map(int, values))
        self.changed |= self._waiting is not None and beat != self._waiting
        moved = beat is not None and bool(self._ready.value)
        self._waiting = None if moved else beat
        return beat if moved else None

    def forget(self) -> None:
        """At a reset: an offered beat need not stay."""
        self._waiting = None


def _bus(dut: Any, prefix: str) -> AxiStreamBus:
    # The bus models tell of every byte and of their ports; who wants to read it sets the level back.
    logging.getLogger(f"cocotb.{dut._name}.{prefix}").setLevel(logging.WARNING)
    return AxiStreamBus.from_prefix(dut, prefix)


def _pauses(pattern: NDArray[np.uint8]) -> Iterator[bool]:
    return itertools.cycle([not free for free in pattern])
