"""Rows under cocotb: what sends them to a unit, what takes them from it, and how γ and β are loaded."""

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge
from numpy.typing import NDArray

from streamnorm.errors import CheckFailed, ConfigError
from streamnorm.spec.arrays import ArrayOrFile, given_array
from streamnorm.spec.config import NormConfig, checked_config
from streamnorm.spec.parameter_lane import LanePart, parameter_lane
from streamnorm.spec.stored_floats import stored_parameters
from streamnorm.spec.values import refuse_unknown, shown
from streamnorm_sim.streams.beats import Beats, decode_rows
from streamnorm_sim.streams.rows import RowBatch
from streamnorm_sim.streams.stalls import NO_STALL, Stall, as_stall, open_patterns
from streamnorm_sim.streams.stimulus import StreamViolation, load_beats
from streamnorm_sim.streams.traffic import ParameterLoad, Traffic

from .streams import BeatMonitor, BeatSource, beat_sink, frame_beats

__all__ = ["Row", "RowSink", "RowSource", "load_parameters"]


@dataclass(frozen=True, eq=False)
class Row:
    """A row as it came out.

    Attributes
    ----------
    batch : RowBatch
        This row alone.
    """

    batch: RowBatch

    @property
    def elements(self) -> NDArray[np.integer]:
        """In the output format, (n,); ``config.output.dequantize`` makes real values of them."""
        return self.batch.x[0]

    @property
    def error(self) -> bool:
        """Its error flag."""
        return bool(self.batch.errors[0])

    @property
    def flags(self) -> int:
        """Its other flags with floating-point numbers on either side, as in `RowBatch`."""
        return int(self.batch.flags[0])


class RowSource:
    """Sends rows to a unit, on ``s_axis``, and with ``storage = "ram"`` loads on ``s_axis_param``.

    Parameters
    ----------
    dut : handle
        The unit, or a module around it with ports of the same names.
    config : NormConfig
        What the unit was generated from.
    stall : Stall, optional
        When a new beat may be offered; also as a text such as "burst:8/3", or as the share of stalled cycles.
    seed : int
        Of a random stall; a source and a sink of one seed stall in different cycles.

    Raises
    ------
    ConfigError
        If ``config`` or ``stall`` is something else, or the seed no integer from 0 to 2^63 - 1.

    Attributes
    ----------
    sent : deque of RowBatch or ParameterLoad
        Each row, as the unit must see it, and each load, in order; a scoreboard takes from it what has come out.
    open : uint8 (cycles,)
        The stall's pattern.
    stream : BeatSource
        ``stream.bus_model`` is the ``AxiStreamSource`` of cocotbext-axi.
    loads : BeatSource or None
    """

    def __init__(self, dut: Any, config: NormConfig, *, stall: Stall | str | float = NO_STALL, seed: int = 0) -> None:
        self.dut, self.config = dut, checked_config(config)
        self.sent: deque[RowBatch | ParameterLoad] = deque()
        self.open, loads_open, _ = open_patterns(as_stall(stall), NO_STALL, seed)
        self.stream = BeatSource(dut, "s_axis", self.open)
        self.loads = BeatSource(dut, "s_axis_param", loads_open) if config.parameters_are_loaded else None
        self._loading = False
        self._rows = 0

    def __repr__(self) -> str:
        return f"<RowSource of {self.config.name}: {len(self.sent)} sent and not compared>"

    def send(self, row: ArrayOrFile, *, bank: int | None = None) -> None:
        """Queue a row.

        Parameters
        ----------
        row : integers (n,) or real numbers (n,), or a .npy file of them
            Integers are elements in the input format; real numbers are quantized to it. Beyond ``max_length``
            elements the unit cuts the row and flags it.
        bank : int, optional
            Bank of γ and β; 0 where absent. Not with ``bank_order = "cyclic"``: rows take the banks in turn.

        Raises
        ------
        ConfigError
            If the row is empty or not one-dimensional, an element or the bank is out of range, or a load is under way.
        """
        elements, _ = given_array(row, "row")
        if elements.dtype.kind == "f":
            elements = self.config.input.quantize(elements)
        if bank is not None and self.config.bank_order == "cyclic":
            raise ConfigError(f'bank = {shown(bank)}: with bank_order = "cyclic" rows take the banks in turn')
        self._send(Traffic(rows=[elements], banks=None if bank is None else [bank]))

    def send_beats(self, beats: Beats) -> None:
        """Queue one row as raw beats, the last one with ``tlast``, which may break every other rule of the stream.

        Raises
        ------
        ConfigError
            If they are no `Beats`, have another width than the unit's, or are not one row, or a load is under way.
        """
        if not isinstance(beats, Beats):
            raise ConfigError(f"beats = {shown(beats)}: must be Beats; encode_rows makes them of rows")
        if not len(beats) or beats.last[:-1].any() or not beats.last[-1]:
            raise ConfigError("beats must be one row: the last beat must have tlast, and no other")
        self._send(Traffic(beats=beats))

    def _send(self, traffic: Traffic) -> None:
        if self._loading:
            raise ConfigError("a row was sent before load_parameters had returned")
        beats = traffic.encode(self.config)
        received = traffic.received(self.config)
        if self.config.bank_order == "cyclic":
            received = replace(received, banks=np.array([self._rows % self.config.banks]))
        self._rows += 1
        self.sent.append(received)
        self.stream.send(beats)

    async def load(self, load: ParameterLoad) -> None:
        """Load stored integers into a bank, behind all rows that were sent; see `load_parameters`."""
        if self.loads is None:
            raise ConfigError('gamma and beta are loaded only with storage = "ram"')
        beats = load_beats(self.config, load, "load")
        self._loading = True
        await self.stream.wait()
        self.sent.append(load)
        self.loads.send(beats)
        await self.loads.wait()
        self._loading = False

    def clear(self) -> None:
        """At a reset: drop what has not been begun, and forget what was sent."""
        self.stream.clear()
        self.sent.clear()
        self._rows = 0


async def load_parameters(
    source: RowSource, gamma: ArrayOrFile, beta: ArrayOrFile, *, bank: int = 0, **further: ArrayOrFile
) -> None:
    """Load γ and β into a bank, behind all rows that were sent; return when the unit has taken them.

    Rows that are sent afterwards find them; none may be sent meanwhile.

    Parameters
    ----------
    source : RowSource
    gamma, beta : numbers (n,), a .npy file of them, or one for all elements
        Real values, as in a configuration; n is ``max_length`` or a multiple of ``lanes``; where elements share values,
        as for `ParameterLoad`. Elements behind those of the first n keep theirs.
    bank : int
    further
        The same of each further result, ``gamma_second`` and ``beta_second`` of one that is called second.

    Raises
    ------
    ConfigError
        If the unit has no such port, a value cannot be stored, a shape is wrong, or the bank is out of range.
    """
    config = source.config
    parts = {part.name: part for part in parameter_lane(config)}
    refuse_unknown(further, list(parts))
    given = {name: given_array(of, name)[0] for name, of in {"gamma": gamma, "beta": beta, **further}.items()}
    whole = np.empty(config.bank_values) if all(of.ndim == 0 for of in given.values()) else np.empty(())
    try:
        *values, _ = np.broadcast_arrays(*given.values(), whole)
    except ValueError:
        raise ConfigError("load: gamma and beta must have one shape (n,), or one of them be a number") from None
    stored = {name: _quantized(parts[name], of) for name, of in zip(given, values, strict=True)}
    await source.load(ParameterLoad(-1, stored.pop("gamma"), stored.pop("beta"), bank, stored))


def _quantized(part: LanePart, values: NDArray[Any]) -> NDArray[np.integer]:
    stored = stored_parameters(part.config)
    return (stored.quantize_gamma if part.key == "gamma" else stored.quantize_beta)(values)


class RowSink:
    """Takes rows from a unit, on ``m_axis``, and watches that it keeps the rules of the stream.

    The test fails with `CheckFailed` if a beat is offered with unknown bits, and with `StreamViolation` if one changes
    before it is taken.

    Parameters
    ----------
    dut, config
        As for `RowSource`.
    stall : Stall, optional
        When no beat is taken; as for `RowSource`.
    seed : int
        As for `RowSource`.

    Attributes
    ----------
    open : uint8 (cycles,)
        The stall's pattern.
    begun : int
        Beats that have come out of a row whose last one has not.
    bus_model : AxiStreamSink
        That of cocotbext-axi.
    """

    def __init__(self, dut: Any, config: NormConfig, *, stall: Stall | str | float = NO_STALL, seed: int = 0) -> None:
        self.dut, self.config = dut, checked_config(config)
        self.open = open_patterns(NO_STALL, as_stall(stall), seed)[2]
        self.begun = 0
        cocotb.start_soon(self._watch())
        self.bus_model = beat_sink(dut, self.open)

    def __repr__(self) -> str:
        return f"<RowSink of {self.config.name}: {self.bus_model.count()} rows to receive>"

    async def recv(self) -> Row:
        """Wait for the next row and return it.

        Raises
        ------
        CheckFailed
            If its beats are malformed, see `decode_rows`.
        """
        frame = await self.bus_model.recv(compact=False)
        beats = frame_beats(frame, self.config.lanes * self.config.output.bytes)
        return Row(decode_rows(self.config, beats))

    def empty(self) -> bool:
        """Whether no row has come out that has not been received."""
        return self.bus_model.empty()

    def clear(self) -> None:
        """At a reset: drop rows that have not been received."""
        self.bus_model.clear()

    async def _watch(self) -> None:
        monitor = BeatMonitor(self.dut)
        beats = cycle = 0
        while True:
            await RisingEdge(self.dut.aclk)
            cycle += 1
            if self.dut.aresetn.value != 1:
                monitor.forget()
                self.begun = 0
                continue
            beat = monitor.sample()
            if beat is not None:
                beats += 1
                self.begun = 0 if beat.last else self.begun + 1
            if monitor.unknown:
                raise CheckFailed(f"m_axis has unknown bits (X): output beat {beats}, cycle {cycle}")
            if monitor.changed:
                raise StreamViolation.at(cycle, given=beats)
